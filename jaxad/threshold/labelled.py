"""Rules on labelled validation scores. `data` is score (N,) float32, anomalous (N,)
bool and valid (N,) bool; each returns the upper limit, a float32 scalar."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from jaxad import metrics
from jaxad.config import threshold as specs
from jaxad.threshold.margin import soft_margin


def _best(
    points: metrics.Curve, value: jax.Array, nothing: float = -np.inf
) -> jax.Array:
    """The highest threshold with the largest value; `nothing` is the value of calling
    nothing anomalous."""
    value = jnp.where(points.real, value, -jnp.inf)
    best = jnp.argmax(value)
    return jnp.where(value[best] > nothing, points.threshold[best], jnp.inf)


def _f1_max(rule: specs.F1Max, *data: jax.Array) -> jax.Array:
    points = metrics.curve(*data)
    return _best(points, metrics.f1(points.counts))


def _pr_corner(rule: specs.PrCorner, *data: jax.Array) -> jax.Array:
    points = metrics.curve(*data)
    off = (1 - metrics.precision(points.counts)) ** 2
    return _best(points, -(off + (1 - metrics.recall(points.counts)) ** 2))


def _youden(rule: specs.Youden, *data: jax.Array) -> jax.Array:
    """Youden, Index for rating diagnostic tests, Cancer 3 (1950), 32-35."""
    points = metrics.curve(*data)
    return _best(points, metrics.recall(points.counts) - metrics.fpr(points.counts), 0)


def _min_recall(rule: specs.MinRecall, *data: jax.Array) -> jax.Array:
    points = metrics.curve(*data)
    enough = metrics.recall(points.counts) >= rule.r
    return _best(points, enough.astype(jnp.float32))


def _cost(rule: specs.Cost, *data: jax.Array) -> jax.Array:
    points = metrics.curve(*data)
    counts = points.counts
    false_alarms = rule.c_fp * counts.fp.astype(jnp.float32)
    saved = rule.c_fn * counts.tp.astype(jnp.float32)
    return _best(points, saved - false_alarms, 0)


def _max_margin(
    rule: specs.MaxMargin, score: jax.Array, anomalous: jax.Array, valid: jax.Array
) -> jax.Array:
    return soft_margin(score, anomalous, valid, rule.c)


RULES: dict[type, Callable[..., jax.Array]] = {
    specs.MaxMargin: _max_margin,
    specs.F1Max: _f1_max,
    specs.PrCorner: _pr_corner,
    specs.Youden: _youden,
    specs.MinRecall: _min_recall,
    specs.Cost: _cost,
}
