"""Ranking metrics by name, why one is undefined, and how sure AUROC is."""

from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp

from jaxad.errors import ConfigError
from jaxad.metrics import order, ranking
from jaxad.metrics.confusion import Z95
from jaxad.metrics.counting import is_zero, ratio
from jaxad.metrics.histogram import auroc_histogram

REASONS: tuple[str, ...] = (
    "",
    "there are no examples",
    "a score is NaN",
    "there are no anomalous examples",
    "there are no normal examples",
)
"""Texts of the codes that `undefined` returns; 0 means defined."""


@jax.jit
def undefined(
    score: jax.Array, label: jax.Array, valid: jax.Array | None = None
) -> jax.Array:
    """Why ranking metrics are undefined: a code (int32) into `REASONS`, 0 if defined.

    score: (N,) float32. label: (N,), 0 normal, 1 anomalous. valid: (N,) bool or None.
    """
    score, anomalous, valid = order.examples(score, label, valid)
    causes = (
        ~jnp.any(valid),
        jnp.any(valid & order.is_nan(score)),
        ~jnp.any(valid & anomalous),
        ~jnp.any(valid & ~anomalous),
    )
    codes = [jnp.int32(code) for code in range(1, len(causes) + 1)]
    return jnp.select(list(causes), codes, jnp.int32(0))


@partial(jax.jit, static_argnames=("mode", "bound"))
def auroc(
    score: jax.Array,
    label: jax.Array,
    valid: jax.Array | None = None,
    mode: Literal["exact", "histogram"] = "exact",
    bound: float = 1e-5,
) -> jax.Array:
    """Area under the ROC curve: the share of pairs in the right order, ties one half.

    score: (N,) float32. label: (N,), 0 normal, 1 anomalous. valid: (N,) bool or None.
    mode: "exact" sorts; "histogram" counts, wrong by at most `bound`.
    Returns float32 in [0, 1]; NaN where `undefined` says why.
    Raises ConfigError for another mode, DataError for unequal shapes.
    """
    if mode == "histogram":
        return auroc_histogram(score, label, bound, valid)[0]
    if mode != "exact":
        raise ConfigError(f'mode must be "exact" or "histogram", not "{mode}"')
    points = ranking.curve(score, label, valid)
    return ranking.auroc_exact(points, ranking.groups(points))


@jax.jit
def average_precision(
    score: jax.Array, label: jax.Array, valid: jax.Array | None = None
) -> jax.Array:
    """Precision averaged over the steps of recall, float32; NaN where undefined.

    Arguments as for `auroc`. The definition is scikit-learn's: no interpolation.
    """
    points = ranking.curve(score, label, valid)
    return ranking.average_precision_exact(points, ranking.groups(points))


@jax.jit
def f1_max(
    score: jax.Array, label: jax.Array, valid: jax.Array | None = None
) -> tuple[jax.Array, jax.Array]:
    """Largest F1 over all thresholds and the highest threshold that reaches it.

    Arguments as for `auroc`. Both NaN where undefined.
    """
    return ranking.f1_max_exact(ranking.curve(score, label, valid))


@jax.jit
def auroc_interval(
    score: jax.Array, label: jax.Array, valid: jax.Array | None = None
) -> tuple[jax.Array, jax.Array]:
    """95 % interval (low, high) of AUROC, float32; NaN where undefined.

    Arguments as for `auroc`. DeLong's variance (DeLong et al., Biometrics 44 (1988),
    837-845) on the logit scale. With one example in a class or a variance of zero, the
    bound A (1 - A) / min(P, N) on it takes its place (Birnbaum and Klose, Annals of
    Mathematical Statistics 28 (1957), 933-945). At an AUROC of exactly 1 the low end is
    0.025 ** (1 / m), m = min(P, N): Clopper and Pearson's limit for m disjoint pairs
    all in the right order (at 0 likewise the high end).
    """
    points = ranking.curve(score, label, valid)
    return _interval(points, ranking.groups(points))


@jax.jit
def summary(
    score: jax.Array, label: jax.Array, valid: jax.Array | None = None
) -> dict[str, jax.Array]:
    """All ranking metrics from one sort, as scalars by name.

    Arguments as for `auroc`. Names: auroc, auroc_low, auroc_high, average_precision,
    f1_max, f1_max_threshold (float32, NaN where undefined), n_normal, n_anomalous and
    reason (int32, see `REASONS`).
    """
    points = ranking.curve(score, label, valid)
    tied = ranking.groups(points)
    low, high = _interval(points, tied)
    best, threshold = ranking.f1_max_exact(points)
    n_normal, n_anomalous = ranking.class_sizes(points)
    return {
        "auroc": ranking.auroc_exact(points, tied),
        "auroc_low": low,
        "auroc_high": high,
        "average_precision": ranking.average_precision_exact(points, tied),
        "f1_max": best,
        "f1_max_threshold": threshold,
        "n_normal": n_normal,
        "n_anomalous": n_anomalous,
        "reason": undefined(score, label, valid),
    }


def _interval(
    points: ranking.Curve, tied: ranking.Groups
) -> tuple[jax.Array, jax.Array]:
    value = ranking.auroc_exact(points, tied)
    missed_pairs = ranking.missed_pairs(tied)
    # 1 - AUROC by subtraction would lose the digits that matter near 1.
    missed = ratio(missed_pairs, ranking.all_pairs(points))
    fewest = jnp.minimum(*ranking.class_sizes(points)).astype(jnp.float32)
    spread = value * missed
    variance = _delong(points, tied, missed)
    bound = spread / jnp.maximum(fewest, 1.0)
    # Divisions round, so a variance of zero shows as something near 1e-15.
    known = (fewest > 1) & (variance > 1e-9 * bound)
    variance = jnp.where(known, variance, bound)
    step = jnp.exp(Z95 * jnp.sqrt(variance) / jnp.maximum(spread, 1e-30))
    low = value / (value + missed * step)
    high = value / (value + missed / step)
    single = jnp.float32(0.025) ** (1 / jnp.maximum(fewest, 1.0))
    perfect, reversed_ = is_zero(missed_pairs), value == 0
    nan = jnp.where(ranking.defined(points), jnp.float32(0), jnp.float32(jnp.nan))
    low = jnp.where(perfect, single, jnp.where(reversed_, 0.0, low))
    high = jnp.where(perfect, 1.0, jnp.where(reversed_, 1 - single, high))
    return low + nan, high + nan


def _delong(
    points: ranking.Curve, tied: ranking.Groups, missed: jax.Array
) -> jax.Array:
    """DeLong's variance from the share of pairs that each example gets wrong."""
    n_normal, n_anomalous = (
        size.astype(jnp.float32) for size in ranking.class_sizes(points)
    )
    wrong_normal = 2 * points.counts.fn + tied.anomalous
    wrong_anomalous = 2 * tied.normal_above + tied.normal

    def part(
        count: jax.Array, wrong: jax.Array, own: jax.Array, other: jax.Array
    ) -> jax.Array:
        share = wrong.astype(jnp.float32) / jnp.maximum(2 * other, 1.0)
        square = count.astype(jnp.float32) * (share - missed) ** 2
        return jnp.sum(square) / jnp.maximum(own - 1, 1.0) / jnp.maximum(own, 1.0)

    return part(tied.anomalous, wrong_anomalous, n_anomalous, n_normal) + part(
        tied.normal, wrong_normal, n_normal, n_anomalous
    )
