"""Trains and measures one chunk of lanes; what of it goes to disk."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxad.carry import Carry, going
from jaxad.grid import execute, store
from jaxad.grid.execute import Compiled
from jaxad.grid.lane_data import LaneData
from jaxad.grid.members import Lane, Member
from jaxad.parallel import agree

SLICE_SECONDS = 5.0
"""Time on the device between two looks at signals and progress."""


class Trained(NamedTuple):
    """Results of a chunk, as NumPy arrays with the lanes as leading axis.

    measured: epochs -> what `measure` gave then. history: column -> (lanes, epochs).
    """

    measured: dict[int, dict[str, Any]]
    history: dict[str, np.ndarray]


def train(
    compiled: Compiled,
    parts: Sequence[LaneData],
    steps: int,
    epochs: Sequence[int],
    look: Callable[[int], None],
) -> Trained:
    """Train to the last of `epochs` (ascending), and measure at each of them.

    parts: lanes of a program each, that run side by side. steps: of an epoch.
    look: called with the number of steps done, about every five seconds; what it
        raises ends the chunk.
    """
    carries = [compiled.start(part) for part in parts]
    at, pace, measured = 0, None, {}
    for epoch in epochs:
        while at < epoch * steps:
            cut, end = _cut(at, epoch, steps, pace)
            since = time.monotonic()
            advance = partial(_advance, compiled, cut)
            carries = execute.side_by_side(advance, parts, carries)
            pace = (time.monotonic() - since) / (end - at)
            pace, at = float(agree(pace)[0, 0]), end  # all processes cut alike
            # All may have stopped early.
            if not any(_going(compiled, carry) for carry in carries):
                at = epoch * steps
            look(at)
        found = execute.side_by_side(partial(_measure, compiled), parts, carries)
        measured[epoch] = _joined(found)
    histories = [compiled.layout.fetch(carry.history) for carry in carries]
    return Trained(measured, _joined(histories))


def to_keep(
    lanes: Sequence[Lane], epochs: Callable[[Member], int], trained: Trained
) -> store.Chunk:
    """The chunk that goes to disk. lanes: those trained, without the filling."""
    keys, parts = [], []
    for i, lane in enumerate(lanes):
        for member in lane.members:
            keys.append((member.number, epochs(member)))
            found = trained.measured[epochs(member)]
            parts.append(jax.tree.map(lambda leaf, i=i: leaf[i], found))
    arrays = jax.tree.map(lambda *leaves: np.stack(leaves), *parts)
    numbers, after = np.array(keys, np.int32).T
    history = {k: v[: len(lanes)] for k, v in trained.history.items()}
    last = np.array([lane.members[-1].number for lane in lanes], np.int32)
    return store.Chunk(numbers, after, store.flat(arrays), last, history)


def _advance(compiled: Compiled, cut, part: LaneData, carry: Carry) -> Carry:
    carry = compiled.advance(part, carry, cut)
    jax.block_until_ready(carry.status)
    return carry


def _measure(compiled: Compiled, part: LaneData, carry: Carry) -> dict[str, Any]:
    return compiled.layout.fetch(compiled.measure(part, carry))


def _going(compiled: Compiled, carry: Carry) -> bool:
    own = {"status": carry.status, "stopped": carry.stopped}
    return bool(np.asarray(going(carry._replace(**compiled.layout.fetch(own)))).any())


def _joined(parts: Sequence[Any]) -> Any:
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)


def _cut(
    at: int, epoch: int, steps: int, pace: float | None
) -> tuple[tuple[int, int, int, int], int]:
    """Bounds (first epoch, last epoch, first step, last step) and the step they end at.

    pace: seconds a step. Whole epochs where several fit in a slice, else steps of one.
    """
    now, first = divmod(at, steps)
    length = 1 if pace is None else max(1, int(SLICE_SECONDS / max(pace, 1e-9)))
    if first == 0 and length >= steps:
        last = min(epoch, now + length // steps)
        return (now, last, 0, steps), last * steps
    last = min(steps, first + length)
    return (now, now + 1, first, last), now * steps + last
