"""How the lanes of a group run on a device: all at a time, in turn, or one by one.

`vmap` trains all lanes of a chunk in each step, `map` one lane after the other in one
program, `loop` calls a program of one lane. Which is fastest depends on the network and
the device, by a factor of up to nine; a short probe decides.
"""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxad.carry import Carry
from jaxad.environment import COMPILE_FAST, free_memory
from jaxad.errors import ConfigError
from jaxad.grid.lanes import Functions, LaneData, common, count

MODES = ("vmap", "map", "loop")
PROBE_SECONDS = 0.3
FEW = 8
"""Lanes of the smaller chunks that are tried on a CPU, for the sake of its cache."""


class Compiled(NamedTuple):
    """Programs for chunks of `size` lanes.

    seconds, bytes: that compiling took, and that training takes by the compiler's
    estimate. compilations: of training programs, those that were too large included.
    start(lanes) -> carries; advance(lanes, carries, bounds) -> carries, which are
    donated; measure(lanes, carries) -> dict. lanes: LaneData with a leading axis.
    """

    mode: str
    size: int
    seconds: float
    bytes: int
    start: Callable[..., Carry]
    advance: Callable[..., Carry]
    measure: Callable[..., dict[str, Any]]
    compilations: int = 1


def batched(function: Callable[..., Any], mode: str) -> Callable[..., Any]:
    """function(image, lane, *mapped, *shared) over the leading axis of lanes and of all
    in `mapped`, as a function (image, shared, lanes, *mapped).

    What lanes have in common is not mapped: batches are then shuffled and gathered once
    for all, and the first layers of all are one large product.
    """

    def over(image, shared, lanes, *more):
        same = common(lanes)
        mapped = (lanes._replace(**dict.fromkeys(same)), *more)

        def one(arguments):
            lane, *rest = arguments
            return function(image, lane._replace(**same), *rest, *shared)

        if mode == "vmap":
            return jax.vmap(one)(mapped)
        if mode == "map":
            return jax.lax.map(one, mapped)
        found = one(jax.tree.map(lambda leaf: leaf[0], mapped))
        return jax.tree.map(lambda leaf: leaf[None], found)

    return over


def compile_chunk(
    functions: Functions, mode: str, image: jax.Array, lanes: LaneData
) -> Compiled:
    """Compile for chunks of the shape of `lanes`."""
    began = time.monotonic()
    size = count(lanes)
    bounds = (jax.ShapeDtypeStruct((), jnp.int32),) * 4
    start = jax.jit(batched(functions.start, mode), compiler_options=COMPILE_FAST)
    carry = jax.eval_shape(start, image, (), lanes)
    advance = jax.jit(batched(functions.advance, mode), donate_argnums=3)
    run = advance.lower(image, (bounds,), lanes, carry).compile()
    measure = jax.jit(batched(functions.measure, mode), compiler_options=COMPILE_FAST)
    return Compiled(
        mode,
        size,
        time.monotonic() - began,
        _bytes(run),
        lambda lanes: start(image, (), lanes),
        lambda lanes, carry, cut: run(image, (_bounds(cut),), lanes, carry),
        lambda lanes, carry: measure(image, (), lanes, carry),
    )


def _bounds(cut: tuple[int, int, int, int]) -> tuple[jax.Array, ...]:
    return tuple(jnp.int32(x) for x in cut)


def _bytes(run: Any) -> int:
    """Memory that a program needs while it runs, images included."""
    found = run.memory_analysis()
    if found is None:
        return 0
    used = found.argument_size_in_bytes + found.temp_size_in_bytes
    return used + found.output_size_in_bytes - found.alias_size_in_bytes


def fit(
    functions: Functions,
    mode: str,
    image: jax.Array,
    lanes: Callable[[int], LaneData],
    most: int,
    limit: int,
) -> Compiled:
    """The largest chunk whose programs stay below `limit` bytes, compiled.

    lanes: number -> so many lanes of the group. most: lanes in a chunk at most.
    Raises ConfigError when one lane does not fit.
    """
    size = 1 if mode == "loop" else _guess(functions, image, lanes(1), most, limit)
    compilations = 0
    while True:
        compiled = compile_chunk(functions, mode, image, lanes(size))
        compilations += 1
        if compiled.bytes <= limit:
            return compiled._replace(compilations=compilations)
        if size == 1:
            raise ConfigError(
                f"one member needs {gb(compiled.bytes)} and {gb(limit)} may be used; "
                "make the network or train.batch_size smaller, or raise --memory-gb"
            )
        share = (limit - _size(image)) / max(compiled.bytes - _size(image), 1)
        size = max(1, min(size - 1, int(size * share)))


def _guess(functions, image, lane: LaneData, most: int, limit: int) -> int:
    """Lanes that fit if all a lane needs is its state: the first size to compile."""
    carry = jax.eval_shape(batched(functions.start, "loop"), image, (), lane)
    each = sum(_size(leaf) for leaf in jax.tree.leaves((carry, lane)))
    return max(1, min(most, (limit - _size(image)) // each))


class Tried(NamedTuple):
    """The fastest programs, the lanes in a chunk they were limited to (None: not
    limited), and seconds a step and lane of all that was tried, by name."""

    compiled: Compiled
    most: int | None
    seconds: dict[str, float]


def fastest(
    fit: Callable[[str, int | None], Compiled], seconds: Callable[[Compiled], float]
) -> Tried:
    """Compile and time every way.

    fit: mode, lanes in a chunk at most (None: as many as fit) -> programs.
    seconds: programs -> seconds a step and lane.
    """
    found = {mode: fit(mode, None) for mode in MODES}
    tried = {name: seconds(one) for name, one in found.items()}
    few = f"vmap of {FEW}"
    hopeful = tried["vmap"] < 1.5 * min(tried.values())
    if hopeful and found["vmap"].size > FEW and jax.default_backend() == "cpu":
        found[few] = fit("vmap", FEW)
        tried[few] = seconds(found[few])
    best = min(tried, key=lambda name: tried[name])
    return Tried(found[best], FEW if best == few else None, tried)


def probe(compiled: Compiled, lanes: LaneData, steps: int) -> float:
    """Seconds a step and lane, from an instant of training. lanes: of one chunk.

    What a call costs beside its steps, and the end of an epoch, are left out: they
    come once an epoch.
    """
    carry = compiled.start(lanes)

    def timed(count: int) -> float:
        nonlocal carry
        began = time.monotonic()
        carry = jax.block_until_ready(compiled.advance(lanes, carry, (0, 1, 0, count)))
        return time.monotonic() - began

    timed(1)  # wakes the device
    once, count = timed(1), 1
    took = once
    while took < PROBE_SECONDS and 2 * count < steps:
        count *= 2
        took = timed(count)
    each = took if count == 1 else (took - once) / (count - 1)
    return each / compiled.size


def limit_bytes(memory_gb: float | None) -> int:
    """Bytes that a chunk may take: as given, or a share of what the device has."""
    if memory_gb is not None:
        return int(memory_gb * 1e9)
    stats = jax.devices()[0].memory_stats() or {}
    if "bytes_limit" in stats:
        return int(0.8 * (stats["bytes_limit"] - stats.get("bytes_in_use", 0)))
    return free_memory() // 2


def gb(size: int) -> str:
    return f"{size / 1e9:.2f} GB"


def _size(leaf: Any) -> int:
    return leaf.size * leaf.dtype.itemsize
