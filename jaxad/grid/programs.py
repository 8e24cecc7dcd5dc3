"""The compiled programs of one group of lanes, and which of them is fastest here."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import jax

from jaxad.config import Config
from jaxad.errors import ConfigError
from jaxad.grid import execute, probe
from jaxad.grid.execute import Compiled
from jaxad.grid.lane_data import LaneData
from jaxad.grid.lanes import Functions, functions
from jaxad.grid.probe import Tried
from jaxad.methods import Method
from jaxad.parallel import ONE, Layout

IN_TURN = 8
"""Lanes of a program under `map`."""


@dataclass
class Programs:
    """Programs of lanes of one shape; each is compiled once.

    config: static, as from `blank`. examples: training rows of a lane, padded.
    image: the pool. data: number -> so many lanes of the group, stacked.
    lanes: of the group. together: lanes in training at a time, at most.
    limit: bytes that may be used on a device. steps: of an epoch. keep: as for
    `lanes.functions`. layout: of the devices that lanes, images and all are on.
    """

    method: Method
    config: Config
    examples: int
    image: jax.Array
    data: Callable[[int], LaneData]
    lanes: int
    together: int
    limit: int
    steps: int
    keep: bool = False
    layout: Layout = ONE
    made: dict[tuple[str, int], Compiled] = field(default_factory=dict)

    @property
    def compilations(self) -> int:
        """Of training programs so far."""
        return sum(compiled.compilations for compiled in self.made.values())

    @property
    def weights(self) -> int:
        """Of one lane's model, as a power of four: what runs alike counts as one."""
        return 4 ** round(math.log(max(self.parameters, 1), 4))

    @property
    def parameters(self) -> int:
        """Numbers of one lane's model."""
        start = execute.batched(self._functions("loop").start, "loop")
        some = self.data(self.layout.members)
        carry = jax.eval_shape(start, self.image, (), some)
        leaves = jax.tree.leaves(carry.state.model)
        return sum(leaf.size for leaf in leaves)

    def fit(self, mode: str, most: int | None = None, threads: int = 1) -> Compiled:
        """Programs of at most `most` lanes (None: as many as fit), at most `threads`
        of them side by side. Raises ConfigError when one lane does not fit."""
        together = min(self.together, self.lanes)
        most = min(most or together, together)
        # In turn, more at a time is no faster, and more is lost when stopped.
        wide = self.layout.members
        most = min(most, IN_TURN * wide) if mode == "map" else most
        if (mode, most) not in self.made:
            made = self._functions(mode)
            self.made[mode, most] = execute.fit(
                made, mode, self.image, self.data, most, self.limit, self.layout
            )
        compiled = self.made[mode, most]
        return compiled.beside(min(threads, together // compiled.size), self.limit)

    def fastest(self) -> Tried:
        """What a probe shows to be fastest here."""
        alone = self.layout is ONE
        return probe.fastest(self.fit, self.seconds, self.lanes, alone)

    def _functions(self, mode: str) -> Functions:
        own = mode == "vmap", self.keep, self.layout
        return functions(self.method, self.config, self.examples, *own)

    def seconds(self, compiled: Compiled) -> float:
        """Of a step and lane."""
        try:
            return probe.probe(compiled, self.data(compiled.size), self.steps)
        except jax.errors.JaxRuntimeError as error:
            return self.seconds(self.smaller(compiled, error))

    def spread(self, mode: str, most: int | None, threads: int) -> Compiled:
        """As `fit`, with the lanes spread over the threads where they are few."""
        share = -(-self.lanes // threads)
        return self.fit(mode, most and min(most, share), threads)

    def smaller(self, compiled: Compiled, error: Exception) -> Compiled:
        """Programs for half as many lanes, where the device ran out of memory.

        Raises `error` where it is another one.
        """
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise error
        if compiled.threads > 1:
            return self.fit(compiled.mode, compiled.size)
        if compiled.size == self.layout.members:
            raise ConfigError(
                "the device has no memory for one member; make the network or "
                "train.batch_size smaller"
            ) from error
        return self.fit(compiled.mode, compiled.size // 2)
