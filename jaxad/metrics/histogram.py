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
# Rounding the share of a cell may hand out a few bins more than there are.
MORE_BINS = _CELLS + 64
# Bins times the bound. One half is the least that can do, where both classes have the
# same scores; the shares of the cells are known from a sample only.
_BINS = 0.7
_ROUNDING = 4e-7


class Cells(NamedTuple):
    """Where the bins lie. Cells split the integers finely between two quantiles of the
    sample and coarsely outside; each cell is split further by its share of the sample.

    low, high: uint32, the quantiles. shift: uint32, bits below an inner cell.
    first: (_CELLS,) int32, first bin of a cell. scale: (_CELLS,) float32, its bins over
        its keys.
    """

    low: jax.Array
    high: jax.Array
    shift: jax.Array
    first: jax.Array
    scale: jax.Array


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
    size = bins + MORE_BINS
    cells, ties = choose_cells(score, valid, bins)
    value, error, extreme = lax.cond(
        ties,
        lambda: _counted(
            *(score, given, mask, cells, size), _delegates(score, valid, cells, size)
        ),
        lambda: _counted(score, given, mask, cells, size),
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


def choose_cells(
    score: jax.Array, valid: jax.Array, bins: int
) -> tuple[Cells, jax.Array]:
    """Bins chosen from a sample of the scores (N,), and whether it shows ties."""
    probe_valid = _strided(valid, _PROBE)
    probe = order.key(_strided(score, _PROBE))
    probe = lax.sort(jnp.where(probe_valid, probe, jnp.uint32(0xFFFFFFFF)))
    last = jnp.maximum(jnp.sum(probe_valid, dtype=jnp.int32) - 1, 0)
    low, high = probe[last // 400], probe[last - last // 400]
    # Ties heavy enough to loosen a bound of 1e-5 repeat more often, chance does less.
    equal = (probe[1:] == probe[:-1]) & (lax.iota(jnp.int32, probe.size - 1) < last)
    ties = jnp.sum(equal, dtype=jnp.int32) > probe.size // 128
    width = 32 - lax.clz(high - low).astype(jnp.int32)
    shift = jnp.maximum(width - _INNER, 0)
    empty = jnp.zeros(_CELLS, jnp.int32)
    start = Cells(low, high, shift.astype(jnp.uint32), empty, empty.astype(jnp.float32))
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
    number = jnp.clip(share, 1, 1 << spare)
    # A power of two divides without rounding.
    scale = number.astype(jnp.float32) / (1 << spare).astype(jnp.float32)
    return start._replace(first=jnp.cumsum(number) - number, scale=scale), ties


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


def bin_of(keys: jax.Array, cells: Cells) -> jax.Array:
    """Bin of each key, int32."""
    cell, offset = _locate(keys, cells)
    first = cells.first.at[cell].get(mode="promise_in_bounds")
    scale = cells.scale.at[cell].get(mode="promise_in_bounds")
    # An offset has at most 22 bits: it is exact in float32, and the product stays below
    # the number of bins.
    inside = offset.astype(jnp.int32).astype(jnp.float32) * scale
    return first + inside.astype(jnp.int32)


def _delegates(
    score: jax.Array, valid: jax.Array, cells: Cells, size: int
) -> jax.Array:
    """A key of the sample for each bin, (size,) uint32."""
    sample = order.key(_strided(score, _SAMPLE))
    place = jnp.where(_strided(valid, _SAMPLE), bin_of(sample, cells), size)
    return jnp.zeros(size, jnp.uint32).at[place].set(sample, mode="drop")


def _counted(
    score: jax.Array,
    label: jax.Array,
    valid: jax.Array | None,
    cells: Cells,
    size: int,
    delegate: jax.Array | None = None,
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """AUROC, its error and whether a score may be NaN, from one pass over (N,).

    delegate: (size,), keys whose equals are counted apart; None where none are.
    """
    rows = 2 if delegate is None else 4
    keys = order.key(score)
    index = bin_of(keys, cells)
    row = label.astype(bool).astype(jnp.int32)
    if delegate is not None:
        tied = delegate.at[index].get(mode="promise_in_bounds") == keys
        row += 2 * tied.astype(jnp.int32)
    where = row * size + index
    if valid is not None:
        where = jnp.where(valid, where, rows * size)
    count = jnp.zeros(rows * size, jnp.int32).at[where].add(1, mode="drop")
    count = count.reshape(rows, size)
    value, error = _measure(count[:2], None if delegate is None else count[2:])
    return value, error, _extreme(count, cells)


def _extreme(count: jax.Array, cells: Cells) -> jax.Array:
    """True when a score of the counts (rows, size) may be infinite or NaN: the two
    outermost cells of either side hold their keys, unless the inner ones do."""
    limit = order.key(jnp.array([-jnp.inf, jnp.inf], jnp.float32))
    first = cells.first
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
