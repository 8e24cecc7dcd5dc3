"""Which way of running lanes is fastest for a network on this device: a short probe.

The ways differ by a factor of up to nine, and in no device does the same one win.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

import jax

from jaxad.environment import cores
from jaxad.grid.execute import MODES, Compiled, side_by_side
from jaxad.grid.lane_data import LaneData
from jaxad.parallel import agree

PROBE_SECONDS = 0.3
SURE_SECONDS = 3.0
"""So long a step is not timed again: what waking the device costs is little beside."""
FEW = 8
"""Lanes of the smaller programs that are tried on a CPU, for the sake of its cache."""


class Tried(NamedTuple):
    """The fastest programs, by name, the lanes of one they were limited to (None: not
    limited), and seconds a step and lane of all that was tried, by name."""

    name: str
    compiled: Compiled
    most: int | None
    seconds: dict[str, float]


def fastest(
    fit: Callable[[str, int | None, int], Compiled],
    seconds: Callable[[Compiled], float],
    lanes: int,
    alone: bool = True,
) -> Tried:
    """Compile and time every way.

    fit: mode, lanes of a program at most (None: as many as fit) and programs side by
    side at most -> programs. seconds: programs -> seconds a step and lane.
    lanes: of the group. alone: whether it is one device, on which programs may run side
    by side.
    """
    cpu = alone and jax.default_backend() == "cpu"
    threads = min(cores(), lanes) if cpu else 1
    few = min(FEW, -(-lanes // threads))
    ways: dict[str, tuple[Compiled, int | None]] = {}
    tried: dict[str, float] = {}

    def attempt(mode: str, most: int | None = None, threads: int = 1) -> None:
        compiled = fit(mode, most, threads)
        name = mode if most is None else f"{mode} of {most}"
        if threads > 1:
            name = f"{name} x {compiled.threads}"
        if compiled.threads > 1 or threads == 1:
            ways[name], tried[name] = (compiled, most), seconds(compiled)

    for mode in MODES:
        attempt(mode)
    if cpu and 1 < few < lanes and tried["vmap"] < 1.5 * min(tried.values()):
        attempt("vmap", few)
        attempt("vmap", few, threads)
    if threads > 1:
        attempt("loop", None, threads)
    best = min(tried, key=lambda name: tried[name])
    return Tried(best, *ways[best], tried)


def probe(compiled: Compiled, lanes: LaneData, steps: int) -> float:
    """Seconds a step and lane, from an instant of training. lanes: of one program.

    What a call costs beside its steps, and the end of an epoch, are left out where
    steps can be timed without them: they come once an epoch.
    """
    carries = [compiled.start(lanes) for _ in range(compiled.threads)]

    def timed(count: int) -> float:
        nonlocal carries
        began = time.monotonic()
        carries = side_by_side(
            lambda carry: jax.block_until_ready(
                compiled.advance(lanes, carry, (0, 1, 0, count))
            ),
            carries,
        )
        # Of the first process: all have to take the same way.
        return float(agree(time.monotonic() - began)[0, 0])

    woken = timed(1)
    if woken > SURE_SECONDS:
        return woken / compiled.lanes
    once, count = timed(1), 1
    took = once
    while took < PROBE_SECONDS and 2 * count < steps:
        count *= 2
        took = timed(count)
    if count > 1 and took >= PROBE_SECONDS:
        return (took - once) / (count - 1) / compiled.lanes
    took = min(took, timed(count), timed(count))  # an epoch is too short to tell more
    return took / count / compiled.lanes
