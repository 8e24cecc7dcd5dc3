"""Metrics of anomaly maps by pixel, in memory that does not grow with their number.

All pixels are counted once into bins that a sample of them has chosen, as in
`histogram`: a map at a time, its bins found on the device. What bins cannot tell is the
order of the pixels that share one; each metric comes with a rigorous bound on that
error. Equal scores make one threshold.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy import ndimage

from jaxad.errors import DataError
from jaxad.metrics import histogram, order

BINS = 1 << 18
_SAMPLED = 1 << 18
_EIGHT = np.ones((3, 3), int)


class Counts(NamedTuple):
    """Pixels by bin, the highest scores first.

    normal, anomalous: (bins,) int64. share: (bins,) float64, of each connected region
    of anomalous pixels the share that is in the bin, summed over the regions.
    regions: their number. mixed: (bins,) bool, whether a bin has unequal scores.
    nan: whether a score is NaN; then every metric is.
    """

    normal: np.ndarray
    anomalous: np.ndarray
    share: np.ndarray
    regions: int
    mixed: np.ndarray
    nan: bool


class Value(NamedTuple):
    """A metric and a bound on its absolute error; NaN where it is undefined."""

    value: float
    bound: float


UNDEFINED = Value(np.nan, np.nan)


def count(maps: Sequence[Any], masks: Sequence[Any]) -> Counts:
    """Count the pixels of all maps.

    maps: (H, W) float32 each, of any sizes. masks: (H, W) each, True (not 0) where a
        pixel is anomalous; two that touch, also at a corner, are of one region.
    Raises DataError for unequal shapes.
    """
    if len(maps) != len(masks):
        raise DataError(f"{len(maps)} maps, but {len(masks)} masks")
    cells = _chosen(maps)
    size = BINS + histogram.MORE_BINS
    normal, anomalous = np.zeros(size, np.int64), np.zeros(size, np.int64)
    share, regions, broken = np.zeros(size), 0, False
    least, most = np.full(size, 2**32 - 1, np.uint32), np.zeros(size, np.uint32)
    for number, (one, mask) in enumerate(zip(maps, masks, strict=True)):
        one, mask = np.asarray(one, np.float32), np.asarray(mask) != 0
        if one.shape != mask.shape:
            what = f"map {number} of {one.shape} has a mask of {mask.shape}"
            raise DataError(what)
        bins, low, high, nan = _bins(jnp.asarray(one.reshape(-1)), cells)
        broken |= bool(nan)
        found = np.asarray(bins)
        least, most = np.minimum(least, low), np.maximum(most, high)
        inside = found[mask.reshape(-1)]
        anomalous += np.bincount(inside, minlength=size)
        normal += np.bincount(found, minlength=size)
        region, here = ndimage.label(mask, _EIGHT)
        region = region[mask]
        weight = 1 / np.bincount(region, minlength=here + 1)[region]
        share += np.bincount(inside, weight, size)
        regions += here
    normal -= anomalous
    down = slice(None, None, -1)
    mixed = (least < most)[down]
    return Counts(normal[down], anomalous[down], share[down], regions, mixed, broken)


def auroc(counts: Counts) -> Value:
    """Area under the ROC curve over all pixels."""
    total = counts.anomalous.sum()
    if counts.nan or not total or not counts.normal.sum():
        return UNDEFINED
    return _area(counts, counts.anomalous / total, 1.0)


def average_precision(counts: Counts) -> Value:
    """Mean of the precision at each anomalous pixel's score."""
    p = counts.anomalous
    if counts.nan or not p.sum():
        return UNDEFINED
    found, all_above = np.cumsum(p), np.cumsum(p + counts.normal)
    value = np.sum(p * found / np.maximum(all_above, 1)) / p.sum()
    # Were a bin's anomalous pixels all before its normal ones, or all behind them.
    unsure = counts.mixed.astype(int)
    best = np.sum(p * found / np.maximum(all_above - unsure * counts.normal, 1))
    later = unsure * np.maximum(p - 1, 0)
    worst = np.sum(p * (found - later) / np.maximum(all_above - later, 1))
    bound = max(best / p.sum() - value, value - worst / p.sum())
    return Value(float(value), float(bound))


def f1_max(counts: Counts) -> Value:
    """Largest F1 over all thresholds."""
    p, total = counts.anomalous, counts.anomalous.sum()
    if counts.nan or not total:
        return UNDEFINED
    found, called = np.cumsum(p), np.cumsum(p + counts.normal)
    value = np.max(2 * found / (total + called))
    # A threshold inside a bin finds at most all of it, and calls no normal one more.
    best = np.max(2 * found / (total + called - counts.mixed * counts.normal))
    return Value(float(value), float(best - value))


def aupro(counts: Counts, limit: float = 0.3) -> Value:
    """Area under the per-region overlap, over false alarm rates up to `limit`.

    Bergmann et al., "The MVTec Anomaly Detection Dataset" (2021), section 4.2: the mean
    over regions of the share of their pixels that are found, against the share of all
    normal pixels that are called anomalous; divided by the limit. limit: in (0, 1].
    """
    if not 0 < limit <= 1:
        raise DataError(f"limit must be in (0, 1], not {limit}")
    if counts.nan or not counts.normal.sum() or not counts.regions:
        return UNDEFINED
    return _area(counts, counts.share / counts.regions, limit)


def _area(counts: Counts, up: np.ndarray, limit: float) -> Value:
    """Under the curve that rises by `up` in each bin, against the share of the normal
    pixels up to `limit`; divided by that."""
    across = counts.normal / counts.normal.sum()
    end, top = np.cumsum(across), np.cumsum(up)
    width = np.clip(limit - (end - across), 0, across)
    # The curve is straight inside a bin: at its mean height, where it is cut short.
    part = np.divide(width, across, out=np.zeros_like(width), where=across > 0)
    height = top - up + up * part / 2
    value = np.sum(width * height) / limit
    unsure = np.maximum(up * part / 2, up - up * part / 2) * counts.mixed
    bound = np.sum(width * unsure) / limit
    return Value(float(value), float(bound))


def _chosen(maps: Sequence[Any]) -> histogram.Cells:
    """Bins chosen from pixels at even distances."""
    total = sum(np.size(one) for one in maps)
    # Odd, or it would meet the same columns in every row.
    step = max(1, total // _SAMPLED) | 1
    few = [np.ravel(one)[::step] for one in maps]
    score = jnp.asarray(np.concatenate(few).astype(np.float32))
    return _cells(score)


@jax.jit
def _cells(score: jax.Array) -> histogram.Cells:
    return histogram.choose_cells(score, jnp.ones(score.shape, bool), BINS)[0]


@jax.jit
def _bins(score: jax.Array, cells: histogram.Cells) -> tuple[jax.Array, ...]:
    """The bin of each score (N,), the least and the largest key in each bin, and
    whether there is NaN."""
    keys = order.key(score)
    bins = histogram.bin_of(keys, cells)
    empty = jnp.zeros(BINS + histogram.MORE_BINS, jnp.uint32)
    low = (~empty).at[bins].min(keys, mode="promise_in_bounds")
    high = empty.at[bins].max(keys, mode="promise_in_bounds")
    return bins, low, high, jnp.any(order.is_nan(score))
