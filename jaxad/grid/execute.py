"""How the lanes of a group run on a device: all at a time, in turn, or one by one.

`vmap` trains all lanes of a program in each step, `map` one lane after the other,
`loop` calls a program of one lane. On a CPU several programs can run side by side, each
in a thread of its own: one alone seldom keeps all cores busy.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxad.carry import Carry
from jaxad.environment import COMPILE_FAST, free_memory
from jaxad.errors import ConfigError
from jaxad.grid.lane_data import LaneData, common, count, wholes
from jaxad.grid.lanes import Functions
from jaxad.parallel import ONE, Layout, agree

MODES = ("vmap", "map", "loop")


class Compiled(NamedTuple):
    """Programs of `size` lanes, `threads` of which run side by side.

    seconds: that compiling took. bytes: that training takes on a device by the
    compiler's estimate, beside the images, which all programs share; images: bytes of
    these. layout: of the devices, each of which has as many of the lanes.
    compilations: of training programs, those that were too large included.
    start(lanes) -> carries; advance(lanes, carries, bounds) -> carries, which are
    donated; measure(lanes, carries) -> dict. lanes: LaneData with a leading axis.
    """

    mode: str
    size: int
    seconds: float
    bytes: int
    images: int
    start: Callable[..., Carry]
    advance: Callable[..., Carry]
    measure: Callable[..., dict[str, Any]]
    compilations: int = 1
    threads: int = 1
    layout: Layout = ONE

    @property
    def lanes(self) -> int:
        """Lanes in training at a time."""
        return self.size * self.threads

    @property
    def total(self) -> int:
        """Bytes of all that runs side by side on a device."""
        return self.images + self.bytes * self.threads

    def beside(self, threads: int, limit: int) -> "Compiled":
        """So many programs side by side, or as many as `limit` bytes allow."""
        fit = (limit - self.images) // max(self.bytes, 1)
        return self._replace(threads=max(1, min(threads, fit)))


def side_by_side(function: Callable[..., Any], *parts: Sequence[Any]) -> list[Any]:
    """function of the parts, each in a thread of its own. It should wait for the
    device."""
    if len(parts[0]) == 1:
        return list(map(function, *parts))
    with ThreadPoolExecutor(len(parts[0])) as threads:
        return list(threads.map(function, *parts))


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


def spread(
    function: Callable[..., Any], mode: str, layout: Layout
) -> Callable[..., Any]:
    """As `batched`, the lanes over the devices of a layout."""
    over = batched(function, mode)
    if layout is ONE:
        return over

    def laid(image, shared, lanes, *mapped):
        whole = (True, True, wholes(lanes), *[False] * len(mapped))
        return layout.over_members(over, whole)(image, shared, lanes, *mapped)

    return laid


def compile_chunk(
    functions: Functions,
    mode: str,
    image: jax.Array,
    lanes: LaneData,
    layout: Layout = ONE,
) -> Compiled:
    """Compile for chunks of the shape of `lanes`, which are laid out already."""
    began = time.monotonic()
    size = count(lanes)
    bounds = (layout.form(jax.ShapeDtypeStruct((), jnp.int32)),) * 4
    first = spread(functions.start, mode, layout)
    start = jax.jit(first, compiler_options=COMPILE_FAST)
    carry = layout.form(jax.eval_shape(start, image, (), lanes), True)
    advance = jax.jit(spread(functions.advance, mode, layout), donate_argnums=3)
    run = advance.lower(image, (bounds,), lanes, carry).compile()
    last = spread(functions.measure, mode, layout)
    measure = jax.jit(last, compiler_options=COMPILE_FAST)
    return Compiled(
        mode,
        size,
        time.monotonic() - began,
        _bytes(run) - _size(image),
        _size(image),
        lambda lanes: start(image, (), lanes),
        lambda lanes, carry, cut: run(
            image, (layout.replicate(tuple(map(np.int32, cut))),), lanes, carry
        ),
        lambda lanes, carry: measure(image, (), lanes, carry),
        layout=layout,
    )


def _bytes(run: Any) -> int:
    """Memory that a program needs while it runs, images included."""
    found = run.memory_analysis()
    used = found.argument_size_in_bytes + found.temp_size_in_bytes
    return used + found.output_size_in_bytes - found.alias_size_in_bytes


def fit(
    functions: Functions,
    mode: str,
    image: jax.Array,
    lanes: Callable[[int], LaneData],
    most: int,
    limit: int,
    layout: Layout = ONE,
) -> Compiled:
    """The largest chunk whose programs stay below `limit` bytes a device, compiled.

    lanes: number -> so many lanes of the group. most: lanes in a chunk at most, rounded
    up to as many on each device of the layout.
    Raises ConfigError when one lane does not fit.
    """
    wide = layout.members
    each, size = -(-most // wide), 1
    if mode != "loop":
        size = _guess(functions, image, lanes(wide), each, limit)
    compilations = 0
    while True:
        compiled = compile_chunk(functions, mode, image, lanes(size * wide), layout)
        compilations += 1
        if compiled.total <= limit:
            return compiled._replace(compilations=compilations)
        if size == 1:
            raise ConfigError(
                f"one member needs {gb(compiled.total)} and {gb(limit)} may be used; "
                "make the network or train.batch_size smaller, or raise --memory-gb"
            )
        share = (limit - compiled.images) / max(compiled.bytes, 1)
        size = max(1, min(size - 1, int(size * share)))


def _guess(functions, image, lanes: LaneData, most: int, limit: int) -> int:
    """Lanes that fit if all a lane needs is its state: the first size to compile.

    lanes: one for each device.
    """
    carry = jax.eval_shape(batched(functions.start, "loop"), image, (), lanes)
    each = _size(carry) + _size(lanes) // count(lanes)
    return max(1, min(most, (limit - _size(image)) // each))


def limit_bytes(memory_gb: float | None) -> int:
    """Bytes that a chunk may take on a device: as given, or a share of what the device
    that has least of it has."""
    if memory_gb is not None:
        return int(memory_gb * 1e9)
    devices = jax.local_devices()
    stats = devices[0].memory_stats() or {}
    if "bytes_limit" in stats:
        own = 0.8 * (stats["bytes_limit"] - stats.get("bytes_in_use", 0))
    else:
        own = free_memory() / 2 / len(devices)
    return int(agree(own).min())


def gb(size: int) -> str:
    return f"{size / 1e9:.3g} GB"


def _size(tree: Any) -> int:
    leaves = jax.tree.leaves(tree)
    return sum(leaf.size * leaf.dtype.itemsize for leaf in leaves)
