"""What follows from the order of the scores: the counts at every threshold, ROC and PR,
AUROC, average precision and the largest F1. One sort of integers, no loop.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from jaxad.metrics import order
from jaxad.metrics.confusion import Confusion, f1, fpr, precision, recall
from jaxad.metrics.counting import (
    Wide,
    product,
    ratio,
    running_max,
    running_sum,
    sum_products,
)

_FIXED = 1 << 24


class Curve(NamedTuple):
    """Counts at every distinct score, highest threshold first.

    threshold: (N,) float32, falling where real; anomalous iff score >= threshold.
    counts: of shape (N,).
    real: (N,) bool, False where an entry is only filling (a tie, padding); all False
    when a valid score is NaN.
    """

    threshold: jax.Array
    counts: Confusion
    real: jax.Array


class Groups(NamedTuple):
    """Tied examples as one: how many, and how many lie strictly above. (N,) int32,
    zero where the curve's entry is not real."""

    anomalous: jax.Array
    normal: jax.Array
    anomalous_above: jax.Array
    normal_above: jax.Array


def _sorted(
    score: jax.Array, anomalous: jax.Array, valid: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Keys (N,) uint32 by falling score, with their labels and whether they are valid;
    invalid ones stand between the positive and the negative scores.

    A key and its label fill 33 bits, so the positive and the negative scores are
    sorted apart and the sign is put back: two sorts of bare integers take a third of
    the time of one sort of pairs on a CPU.
    """
    falling = ~order.key(score)
    packed = (falling << 1) | anomalous.astype(jnp.uint32)
    negative = falling >> 31 == 1
    first = lax.sort(jnp.where(valid & ~negative, packed, jnp.uint32(0xFFFFFFFF)))
    second = lax.sort(jnp.where(valid & negative, packed, jnp.uint32(0)))
    head = jnp.sum(valid & ~negative, dtype=jnp.int32)
    tail = score.shape[0] - jnp.sum(valid & negative, dtype=jnp.int32)
    place = lax.iota(jnp.int32, score.shape[0])
    joined = jnp.where(place < head, first, second)
    sign = jnp.where(place < head, jnp.uint32(0), jnp.uint32(1 << 31))
    inside = (place < head) | (place >= tail)
    return ~((joined >> 1) | sign), (joined & 1).astype(bool), inside


def _seen(inside: jax.Array) -> jax.Array:
    """Running number of True entries of a mask with one gap at most, (N,) int32."""
    count = lax.iota(jnp.int32, inside.shape[0]) + 1
    gap = jnp.sum(~inside, dtype=jnp.int32)
    head = jnp.argmax(~inside).astype(jnp.int32)
    return jnp.where(
        (gap == 0) | (count <= head), count, jnp.maximum(head, count - gap)
    )


@jax.jit
def curve(score: jax.Array, label: jax.Array, valid: jax.Array | None = None) -> Curve:
    """tp, fp, fn, tn at every distinct score.

    score: (N,) float32. label: (N,), 0 normal, 1 anomalous. valid: (N,) bool or None.
    Raises DataError when the shapes differ.
    """
    score, anomalous, valid = order.examples(score, label, valid)
    usable = ~jnp.any(valid & order.is_nan(score))
    keys, positive, inside = _sorted(score, anomalous, valid)
    tp, seen = running_sum(positive & inside), _seen(inside)
    fp = seen - tp
    counts = Confusion(tp, fp, tp[-1:] - tp, fp[-1:] - fp)
    # Keys of invalid entries carry the sign bit and differ from the key before them.
    last = jnp.append(keys[:-1] != keys[1:], True)
    return Curve(order.unkey(keys), counts, last & inside & usable)


def groups(points: Curve) -> Groups:
    """The tied groups of a curve."""

    place = lax.iota(jnp.int32, points.real.shape[0])
    reached = running_max(jnp.where(points.real, place + 1, 0))
    before = jnp.concatenate([jnp.zeros(1, jnp.int32), reached[:-1]])

    def above(count: jax.Array) -> jax.Array:
        found = count.at[jnp.maximum(before - 1, 0)].get(mode="promise_in_bounds")
        return jnp.where(before > 0, found, 0)

    tp_above, fp_above = above(points.counts.tp), above(points.counts.fp)
    fields = (
        points.counts.tp - tp_above,
        points.counts.fp - fp_above,
        tp_above,
        fp_above,
    )
    return Groups(*(jnp.where(points.real, x, jnp.int32(0)) for x in fields))


def class_sizes(points: Curve) -> tuple[jax.Array, jax.Array]:
    """Numbers of normal and of anomalous valid examples, int32."""
    counts = points.counts
    return counts.fp[0] + counts.tn[0], counts.tp[0] + counts.fn[0]


def defined(points: Curve) -> jax.Array:
    """True when both classes are there and no score is NaN."""
    n_normal, n_anomalous = class_sizes(points)
    return jnp.any(points.real) & (n_normal > 0) & (n_anomalous > 0)


def roc(points: Curve) -> tuple[jax.Array, jax.Array, jax.Array]:
    """False alarm rate, recall and which entries are real, each (N + 1,), from (0, 0)
    on. NaN for a class that is missing."""
    x, y = fpr(points.counts), recall(points.counts)
    return (
        _from(0 * x[:1], x),
        _from(0 * y[:1], y),
        _from(jnp.ones(1, bool), points.real),
    )


def pr(points: Curve) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Recall, precision and which entries are real, each (N + 1,), from (0, 1) on."""
    x, y = recall(points.counts), precision(points.counts)
    start = jnp.ones(1, jnp.float32)
    return _from(0 * x[:1], x), _from(start, y), _from(jnp.ones(1, bool), points.real)


def _from(start: jax.Array, rest: jax.Array) -> jax.Array:
    return jnp.concatenate([start, rest])


def missed_pairs(tied: Groups) -> Wide:
    """Twice the number of pairs in the wrong order, a tie counting half a pair."""
    return sum_products(tied.anomalous, 2 * tied.normal_above + tied.normal)


def all_pairs(points: Curve) -> Wide:
    """Twice the number of pairs of a normal and an anomalous example."""
    n_normal, n_anomalous = class_sizes(points)
    return product(2 * n_normal, n_anomalous)


def auroc_exact(points: Curve, tied: Groups) -> jax.Array:
    """Share of pairs in the right order, float32; NaN where undefined."""
    total = sum_products(tied.anomalous, 2 * points.counts.tn + tied.normal)
    return _or_nan(points, ratio(total, all_pairs(points)))


def average_precision_exact(points: Curve, tied: Groups) -> jax.Array:
    """Precision averaged over recall, without interpolation (as in scikit-learn)."""
    share = jnp.where(points.real, precision(points.counts), 0.0)
    # 24 bits hold every float32 in [.5, 1] exactly; integers then add without error.
    fixed = jnp.round(share * _FIXED).astype(jnp.int32)
    whole = product(class_sizes(points)[1], jnp.int32(_FIXED))
    return _or_nan(points, ratio(sum_products(tied.anomalous, fixed), whole))


def f1_max_exact(points: Curve) -> tuple[jax.Array, jax.Array]:
    """Largest F1 and the highest threshold that reaches it."""
    value = jnp.where(points.real, f1(points.counts), -1.0)
    best = jnp.argmax(value)
    return _or_nan(points, value[best]), _or_nan(points, points.threshold[best])


def _or_nan(points: Curve, value: jax.Array) -> jax.Array:
    return jnp.where(defined(points), value, jnp.float32(jnp.nan))
