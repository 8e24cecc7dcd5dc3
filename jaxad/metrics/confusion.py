"""Counts of right and wrong decisions at given limits, and the rates they give.

An example is called anomalous iff `score <= lower or score >= upper`. A lower limit of
-inf is no limit: it calls nothing anomalous, not even a score of -inf.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxad.metrics import order

Z95 = 1.959963984540054
_DIRECT = 32


class Confusion(NamedTuple):
    """Counts, int32, all of one shape."""

    tp: jax.Array
    fp: jax.Array
    fn: jax.Array
    tn: jax.Array


@jax.jit
def confusion(
    score: jax.Array,
    label: jax.Array,
    lower: jax.Array,
    upper: jax.Array,
    valid: jax.Array | None = None,
) -> Confusion:
    """Counts at one pair of limits, or at many.

    score: (N,) float32. label: (N,), 0 normal, 1 anomalous. lower, upper: (...) limits
    that broadcast against each other. valid: (N,) bool or None.
    Returns counts of the limits' shape. All are zero, so that every rate is NaN, when a
    valid score is NaN; so they are for a pair of limits with a NaN.
    Raises DataError on shapes that do not fit.
    """
    score, anomalous, valid = order.examples(score, label, valid)
    lower, upper = jnp.broadcast_arrays(
        jnp.asarray(lower, jnp.float32), jnp.asarray(upper, jnp.float32)
    )
    shape, keys = lower.shape, order.key(score)
    usable = ~jnp.any(valid & order.is_nan(score))
    real = (usable & ~(order.is_nan(lower) | order.is_nan(upper))).reshape(-1)
    at_most = jnp.where(lower == -jnp.inf, jnp.uint32(0), order.key(lower)).reshape(-1)
    at_least = order.key(upper).reshape(-1)
    flagged = _flagged if at_most.size <= _DIRECT else _flagged_sorted

    def count(members: jax.Array) -> tuple[jax.Array, jax.Array]:
        hit = flagged(keys, members, at_most, at_least)
        total = jnp.sum(members, dtype=jnp.int32)
        zero = jnp.int32(0)
        hit, miss = jnp.where(real, hit, zero), jnp.where(real, total - hit, zero)
        return hit.reshape(shape), miss.reshape(shape)

    tp, fn = count(anomalous & valid)
    fp, tn = count(~anomalous & valid)
    return Confusion(tp, fp, fn, tn)


def _flagged(
    keys: jax.Array, members: jax.Array, at_most: jax.Array, at_least: jax.Array
) -> jax.Array:
    """How many members (N,) each of the T limits flags: a fused T x N comparison."""
    keys, members = keys[None, :], members[None, :]
    out = (keys <= at_most[:, None]) | (keys >= at_least[:, None])
    return jnp.sum(out & members, axis=1, dtype=jnp.int32)


def _flagged_sorted(
    keys: jax.Array, members: jax.Array, at_most: jax.Array, at_least: jax.Array
) -> jax.Array:
    """The same from one sort, without the T x N comparison."""
    total = jnp.sum(members, dtype=jnp.int32)
    keys = jnp.sort(jnp.where(members, keys, jnp.uint32(0xFFFFFFFF)))
    low = jnp.searchsorted(keys, at_most, side="right").astype(jnp.int32)
    below = jnp.searchsorted(keys, at_least, side="left").astype(jnp.int32)
    return jnp.minimum(total, low + total - jnp.minimum(below, total))


def _share(part: jax.Array, whole: jax.Array) -> jax.Array:
    part, whole = part.astype(jnp.float32), whole.astype(jnp.float32)
    nan = jnp.float32(jnp.nan)
    return jnp.where(whole > 0, part / jnp.maximum(whole, 1.0), nan)


def precision(counts: Confusion) -> jax.Array:
    """tp / (tp + fp); NaN when nothing is called anomalous."""
    return _share(counts.tp, counts.tp + counts.fp)


def recall(counts: Confusion) -> jax.Array:
    """tp / (tp + fn); NaN without anomalous examples."""
    return _share(counts.tp, counts.tp + counts.fn)


def f1(counts: Confusion) -> jax.Array:
    """2 tp / (2 tp + fp + fn); NaN without anomalous examples."""
    tp, wrong = counts.tp.astype(jnp.float32), counts.fp + counts.fn
    value = _share(2.0 * tp, 2.0 * tp + wrong.astype(jnp.float32))
    return jnp.where(counts.tp + counts.fn > 0, value, jnp.float32(jnp.nan))


def fpr(counts: Confusion) -> jax.Array:
    """fp / (fp + tn), the false alarm rate; NaN without normal examples."""
    return _share(counts.fp, counts.fp + counts.tn)


def accuracy(counts: Confusion) -> jax.Array:
    """Share of right decisions; NaN without examples."""
    return _share(counts.tp + counts.tn, sum(counts[1:], start=counts.tp))


def rates(counts: Confusion) -> dict[str, jax.Array]:
    """precision, recall, f1, fpr and accuracy by name."""
    functions = (precision, recall, f1, fpr, accuracy)
    return {function.__name__: function(counts) for function in functions}


def wilson(count: jax.Array, total: jax.Array) -> tuple[jax.Array, jax.Array]:
    """95 % score interval of a share; NaN when the total is zero.

    count, total: (...) integers, 0 <= count <= total. Returns (low, high) in [0, 1].
    Wilson, Probable inference, JASA 22 (1927), 209-212.
    """
    count, total = jnp.asarray(count), jnp.asarray(total)
    share, n = _share(count, total), total.astype(jnp.float32)
    square = jnp.float32(Z95**2)
    centre = share * n + square / 2
    half = Z95 * jnp.sqrt(share * (1 - share) * n + square / 4)
    low = jnp.where(count == 0, 0 * share, (centre - half) / (n + square))
    high = jnp.where(count == total, 1 + 0 * share, (centre + half) / (n + square))
    return jnp.clip(low, 0, 1), jnp.clip(high, 0, 1)
