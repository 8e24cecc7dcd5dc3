"""AUROC from a histogram, with a rigorous bound on its error.

A strided sample of the scores chooses the bins; all scores are then counted once. What
the bins cannot tell is the order of the pairs that share a bin, so half their number
bounds the error, whatever the sample looked like. Pairs known to be tied are exact:
each bin has one representative, and examples equal to it are counted apart, which keeps
the bound tight on scores with heavy ties. Where the bound asked for does not hold, the
scores are sorted instead.
"""

import math
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from jaxad.errors import ConfigError
from jaxad.metrics import order, ranking
from jaxad.metrics.counting import (
    blocks,
    product,
    ratio,
    running_sum,
    sum_products,
)

_SAMPLE = 1 << 15
_PROBE = 1 << 12
_INNER = 12
_OUTER = 10
_CELLS = (1 << _INNER) + (2 << _OUTER)
_SPARE = 64
# Bins times the bound: twice the least, as a cell's bins are rounded to a power of two.
_BINS = 1.2
_ROUNDING = 4e-7


class Cells(NamedTuple):
    """Where the bins lie. Cells split the integers finely between two quantiles of the
    sample and coarsely outside; each cell is split further by its share of the sample.

    low, high: uint32, the quantiles. shift: uint32, bits below an inner cell.
    table: (_CELLS,) int32, first bin of a cell * 32 + bits below its bins.
    """

    low: jax.Array
    high: jax.Array
    shift: jax.Array
    table: jax.Array


@partial(jax.jit, static_argnames="bound")
def auroc_histogram(
    score: jax.Array,
    label: jax.Array,
    bound: float = 1e-5,
    valid: jax.Array | None = None,
) -> tuple[jax.Array, jax.Array]:
    """AUROC and a bound on its absolute error, both float32; NaN where undefined.

    score: (N,) float32. label: (N,), 0 normal, 1 anomalous. bound: the error to stay
    below, in (0, 0.5); below 1e-6 it is the rounding of float32 that remains.
    valid: (N,) bool or None.
    Raises ConfigError for a bound out of range, DataError for unequal shapes.
    """
    if not 0 < bound < 0.5:
        raise ConfigError(f"the bound on AUROC must be in (0, 0.5), not {bound}")
    given = label if valid is None and jnp.size(label) else None
    score, anomalous, valid = order.examples(score, label, valid)
    # Without a mask no pass reads one, and labels are converted where they are read.
    mask = valid if given is None else None
    given = anomalous if given is None else jnp.asarray(given)
    bins = min(max(math.ceil(_BINS / bound), 1 << 10), 1 << 20)
    # Rounding the share of a cell may hand out a few bins more than there are.
    size = bins + _CELLS + _SPARE
    cells = _cells(score, valid, bins)
    delegate, ties = _delegates(score, valid, cells, size)
    value, error, extreme = lax.cond(
        ties,
        partial(_counted, ties=True),
        partial(_counted, ties=False),
        *(score, given, mask, cells, delegate),
    )

    def nan_seen() -> jax.Array:
        return jnp.any(order.is_nan(score) & (True if mask is None else mask))

    # The value is NaN when a class is missing.
    missing = order.is_nan(value)
    good = ~(missing | lax.cond(extreme, nan_seen, lambda: missing))

    def exact() -> tuple[jax.Array, jax.Array]:
        points = ranking.curve(score, given, mask)
        found = ranking.auroc_exact(points, ranking.groups(points))
        return found, jnp.float32(_ROUNDING)

    enough = ~good | (error <= bound)
    value, error = lax.cond(enough, lambda: (value, error), exact)
    nan = jnp.float32(jnp.nan)
    return jnp.where(good, value, nan), jnp.where(good, error, nan)


def _strided(x: jax.Array, count: int) -> jax.Array:
    return x[:: max(1, x.shape[0] // count)]


def _cells(score: jax.Array, valid: jax.Array, bins: int) -> Cells:
    """Choose the bins from a sample of the scores (N,)."""
    probe_valid = _strided(valid, _PROBE)
    probe = order.key(_strided(score, _PROBE))
    probe = lax.sort(jnp.where(probe_valid, probe, jnp.uint32(0xFFFFFFFF)))
    last = jnp.maximum(jnp.sum(probe_valid, dtype=jnp.int32) - 1, 0)
    low, high = probe[last // 100], probe[last - last // 100]
    width = 32 - lax.clz(high - low).astype(jnp.int32)
    shift = jnp.maximum(width - _INNER, 0)
    start = Cells(low, high, shift.astype(jnp.uint32), jnp.zeros(_CELLS, jnp.int32))
    sample_valid = _strided(valid, _SAMPLE)
    cell, _ = _locate(order.key(_strided(score, _SAMPLE)), start)
    count = (
        jnp.zeros(_CELLS, jnp.float32)
        .at[cell]
        .add(sample_valid.astype(jnp.float32), mode="promise_in_bounds")
    )
    total = jnp.maximum(jnp.sum(count), 1.0)
    share = jnp.floor(count * (bins / total)).astype(jnp.int32)
    spare = jnp.where(_is_inner(lax.iota(jnp.int32, _CELLS)), shift, 32 - _OUTER)
    bits = jnp.clip(31 - lax.clz(jnp.maximum(share, 1)), 0, spare)
    first = jnp.cumsum(1 << bits) - (1 << bits)
    return start._replace(table=(first << 5) | (spare - bits))


def _is_inner(cell: jax.Array) -> jax.Array:
    return (cell >= 1 << _OUTER) & (cell < (1 << _OUTER) + (1 << _INNER))


def _locate(keys: jax.Array, cells: Cells) -> tuple[jax.Array, jax.Array]:
    """Cell of each key, int32, and the key's distance into it, uint32."""
    above = keys > cells.high
    inner = (keys >= cells.low) & ~above
    inside = keys - cells.low
    rest = jnp.uint32(32 - _OUTER)
    skip = jnp.where(above, (1 << _INNER) + (1 << _OUTER), 0)
    outer = (keys >> rest).astype(jnp.int32) + skip
    cell = (inside >> cells.shift).astype(jnp.int32) + (1 << _OUTER)
    one = jnp.uint32(1)
    offset = jnp.where(
        inner, inside & ((one << cells.shift) - one), keys & ((one << rest) - one)
    )
    return jnp.where(inner, cell, outer), offset


def _index(keys: jax.Array, cells: Cells) -> jax.Array:
    """Bin of each key, int32."""
    cell, offset = _locate(keys, cells)
    entry = cells.table.at[cell].get(mode="promise_in_bounds")
    return (entry >> 5) + (offset >> (entry & 31).astype(jnp.uint32)).astype(jnp.int32)


def _delegates(
    score: jax.Array, valid: jax.Array, cells: Cells, size: int
) -> tuple[jax.Array, jax.Array]:
    """A key of the sample for each bin (size,), and whether the sample shows ties."""
    sample = order.key(_strided(score, _SAMPLE))
    place = jnp.where(_strided(valid, _SAMPLE), _index(sample, cells), size)
    delegate = jnp.zeros(size, jnp.uint32).at[place].set(sample, mode="drop")
    equal = delegate.at[place].get(mode="fill", fill_value=0) == sample
    occupied = jnp.sum(delegate > 0, dtype=jnp.int32)
    repeated = jnp.sum(equal, dtype=jnp.int32) - occupied
    # Ties heavy enough to loosen a bound of 1e-5 repeat thousands of times in a sample
    # of this size, chance does so less than a hundred times.
    return delegate, repeated > min(_SAMPLE, score.shape[0]) // 64


def _counted(
    score: jax.Array,
    label: jax.Array,
    valid: jax.Array | None,
    cells: Cells,
    delegate: jax.Array,
    ties: bool,
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """AUROC, its error and whether a score may be NaN, from one pass over (N,)."""
    size = delegate.shape[0]
    rows = 4 if ties else 2

    def place(score: jax.Array, label: jax.Array) -> jax.Array:
        keys = order.key(score)
        index = _index(keys, cells)
        row = label.astype(bool).astype(jnp.int32)
        if ties:
            tied = delegate.at[index].get(mode="promise_in_bounds") == keys
            row += 2 * tied.astype(jnp.int32)
        return row * size + index

    def block(
        count: jax.Array, part: tuple[jax.Array, jax.Array, jax.Array | None]
    ) -> tuple[jax.Array, None]:
        score, label, valid = part
        where = place(score, label)
        if valid is not None:
            where = jnp.where(valid, where, rows * size)
        return count.at[where].add(1, mode="drop"), None

    count = jnp.zeros(rows * size, jnp.int32)
    parts = jax.tree.map(blocks, (score, label, valid))
    if valid is None:
        # What the blocks are filled up with is counted too: take it off beforehand.
        filling = parts[0].size - score.shape[0]
        zero = jnp.zeros(1, score.dtype), jnp.zeros(1, label.dtype)
        count = count.at[place(*zero)].add(-filling, mode="promise_in_bounds")
    count = lax.scan(block, count, parts)[0].reshape(rows, size)
    value, error = _measure(count[:2], count[2:] if ties else None)
    return value, error, _extreme(count, cells)


def _extreme(count: jax.Array, cells: Cells) -> jax.Array:
    """True when a score of the counts (rows, size) may be infinite or NaN: the two
    outermost cells of either side hold their keys, unless the inner ones do."""
    limit = order.key(jnp.array([-jnp.inf, jnp.inf], jnp.float32))
    first = cells.table >> 5
    bins = lax.iota(jnp.int32, count.shape[1])
    outside = (bins < first[2]) | (bins >= first[-2])
    return (
        (cells.low <= limit[0])
        | (cells.high >= limit[1])
        | jnp.any(outside & (jnp.max(count, axis=0) > 0))
    )


def _measure(loose: jax.Array, sure: jax.Array | None) -> tuple[jax.Array, jax.Array]:
    """AUROC and its error from the counts (2, size) of normal and anomalous examples in
    each bin: those that equal the bin's representative, and the rest."""
    normal, positive = both = loose if sure is None else loose + sure
    number = jnp.sum(both, axis=1)
    below = 2 * running_sum(normal) - normal
    value = ratio(sum_products(positive, below), product(2 * number[0], number[1]))
    # loose x loose + loose x sure: every pair in a bin but sure x sure. Shares of the
    # classes add up with a relative error below their number times 2^-24.
    scale = 1 / jnp.maximum(number, 1).astype(jnp.float32)[:, None]
    share = both.astype(jnp.float32) * scale
    pairs = share[0] * share[1]
    if sure is not None:
        tied, rest = sure.astype(jnp.float32) * scale, loose.astype(jnp.float32) * scale
        pairs = rest[0] * share[1] + tied[0] * rest[1]
    slack = 1 + loose.shape[1] * 2.0**-23
    return value, jnp.sum(pairs) / 2 * slack + _ROUNDING
