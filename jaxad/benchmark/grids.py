"""A grid's lanes as the sweep trains them, in steps of any number, for timing."""

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxad import methods
from jaxad.batches import order
from jaxad.carry import Carry
from jaxad.config import (
    Config,
    Conv,
    Denoiser,
    Optim,
    Strided,
    Train,
    blank,
    set_values,
    stages,
    traced,
)
from jaxad.grid import execute
from jaxad.grid.execute import Compiled
from jaxad.grid.lane_data import LaneData, placed, stack
from jaxad.grid.probe import Tried
from jaxad.grid.programs import Programs
from jaxad.parallel import ONE, Layout
from jaxad.streams import stream
from jaxad.types import Batch

VALIDATED = 256


class Grid:
    """Lanes that share their data and random seed.

    fastest: the programs that a sweep would choose here. before: the untrained model
    of the stage before, the same for all lanes; None in a first stage.

    configs: differ in traced numbers alone. image: (N, H, W, C) uint8. examples: of an
    epoch, in whole batches; drawn from all images. layout: of the devices, for so many
    lanes as each has the same number of.
    """

    def __init__(
        self,
        configs: Sequence[Config],
        image: np.ndarray,
        examples: int,
        layout: Layout = ONE,
    ):
        first, configs = stages.before(configs[0]), [stages.last(c) for c in configs]
        config = blank(configs[0])
        self.before = None if first is None else _fresh(first, image)
        rows = np.random.default_rng(0).integers(0, len(image), examples, np.int32)
        self.config, self.image, self.rows = config, layout.replicate(image), rows
        self.layout = layout
        self.key = jax.random.key(configs[0].seed)
        self.steps = len(rows) // config.train.batch_size
        self.lanes = [self._lane(config) for config in configs]
        self.programs = Programs(
            methods.build(config, self.steps),
            config,
            len(rows),
            self.image,
            lambda number: self.placed(self.lanes[:number]),
            len(self.lanes),
            len(self.lanes),
            execute.limit_bytes(None),
            self.steps,
            layout=layout,
        )

    @functools.cached_property
    def fastest(self) -> Tried:
        return self.programs.fastest()

    def placed(self, lanes: Sequence[LaneData]) -> LaneData:
        """Lanes stacked, on the devices."""
        return placed(stack(lanes, alike=True), self.layout)

    def batches(self) -> np.ndarray:
        """(steps, B) rows of the images in the order of the first epoch."""
        key = stream(self.key, "order")
        rows = jnp.asarray(self.rows)
        found = order(key, jnp.int32(0), rows, self.steps, self.config.train)
        return np.asarray(found)

    def trainer(self, compiled: Compiled) -> "Trainer":
        """Every lane in training by these programs."""
        return Trainer(compiled, list(self.chunks(compiled)))

    def chunks(self, compiled: Compiled) -> Iterator[LaneData]:
        """The lanes of one program after the other."""
        for i in range(0, len(self.lanes), compiled.size):
            yield self.placed(self.lanes[i : i + compiled.size])

    def one_by_one(self) -> "Trainer":
        return self.trainer(self.programs.fit("loop"))

    def _lane(self, config: Config) -> LaneData:
        few = jnp.arange(VALIDATED, dtype=jnp.int32)
        hparams = {name: jnp.float32(value) for name, value in traced(config).items()}
        rows = jnp.asarray(self.rows)
        label = (few % 2).astype(jnp.int32)
        lane = LaneData(self.key, hparams, rows, few, few, label, few)
        return lane._replace(before=self.before)


def over_rates(
    model: Conv | Strided, denoiser: Denoiser | None, train: Train, members: int
) -> list[Config]:
    """Configs over learning rates of the last stage: of the model, or of a denoiser
    behind it. train: of each stage."""
    base, name = Config(model=model, optim=Optim(b1=0.5), train=train), "optim.lr"
    if denoiser is not None:
        base = set_values(base, {"denoiser": denoiser})
        own = {"denoiser.optim": base.optim, "denoiser.train": train}
        base, name = set_values(base, own), f"denoiser.{name}"
    rates = np.geomspace(1e-4, 3e-3, members)
    return [set_values(base, {name: float(f"{rate:.6g}")}) for rate in rates]


def _fresh(config: Config, image: np.ndarray) -> Any:
    """The untrained model of a config."""
    static = blank(config)
    hparams = {name: jnp.float32(value) for name, value in traced(config).items()}
    label = jnp.zeros(1, jnp.int32)
    batch = Batch(jnp.zeros((1, *image.shape[1:])), label, label == 0)
    init = jax.jit(methods.build(static).init)
    return init(jax.random.key(config.seed), hparams, batch).model


class Trainer:
    """All lanes in training by one mode's programs."""

    def __init__(self, compiled: Compiled, chunks: list[LaneData]):
        self.compiled, self.chunks = compiled, chunks
        self.restart()

    def restart(self) -> None:
        self.carries = [self.compiled.start(chunk) for chunk in self.chunks]

    def run(self, first: int, last: int) -> None:
        """Steps [first, last) of the first epoch, for all lanes."""
        bounds = (0, 1, first, last)
        width = self.compiled.threads

        def advance(chunk: LaneData, carry: Carry) -> Carry:
            carry = self.compiled.advance(chunk, carry, bounds)
            return jax.block_until_ready(carry)

        for i in range(0, len(self.chunks), width):
            parts = self.chunks[i : i + width], self.carries[i : i + width]
            self.carries[i : i + width] = execute.side_by_side(advance, *parts)

    def params(self) -> Any:
        """Of the first lane."""
        params = self.carries[0].state.model["params"]
        return jax.tree.map(lambda leaf: np.asarray(leaf[0]), params)

    def sums(self) -> np.ndarray:
        """(lanes, 2): sum of the epoch's losses so far by examples, and of examples."""
        pairs = [(one.sums["loss"], one.weight) for one in self.carries]
        return np.concatenate([np.stack(pair, -1) for pair in pairs])
