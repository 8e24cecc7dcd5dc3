"""Rules on the scores of validation normals alone. `score` (N,) float32, `normal` (N,)
bool marks the scores that count; each returns (lower, upper), float32 scalars."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from jaxad.config import threshold as specs
from jaxad.metrics import order

Limits = tuple[jax.Array, jax.Array]

_MAD_TO_STD = 1.4826022185056018
"""1 / the .75 quantile of the normal distribution."""


def _sorted(score: jax.Array, valid: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Scores (N,) falling, the invalid last as -inf, and the number of valid ones."""
    falling = -jnp.sort(jnp.where(valid, -score, jnp.inf))
    return falling, jnp.sum(valid, dtype=jnp.int32)


def _quantile(score: jax.Array, valid: jax.Array, q: float) -> jax.Array:
    """Quantile q in [0, 1], interpolated linearly as in `numpy.quantile`."""
    falling, count = _sorted(score, valid)
    place = (1 - q) * jnp.maximum(count - 1, 0).astype(jnp.float32)
    at = jnp.floor(place).astype(jnp.int32)
    above, below = falling[at], falling[jnp.minimum(at + 1, jnp.maximum(count - 1, 0))]
    part = place - at.astype(jnp.float32)
    return above * (1 - part) + below * part


def _around(
    rule: specs.ZScore | specs.Mad, centre: jax.Array, spread: jax.Array
) -> Limits:
    """Limits at k spreads. They never touch the centre: at zero spread whatever differs
    from it is infinitely many spreads away, and what equals it is normal."""
    lower, upper = jnp.float32(-jnp.inf), jnp.float32(jnp.inf)
    if rule.sides in ("upper", "both"):
        upper = jnp.maximum(centre + rule.k * spread, order.next_up(centre))
    if rule.sides in ("lower", "both"):
        lower = jnp.minimum(centre - rule.k * spread, -order.next_up(-centre))
    return lower, upper


def _z_score(rule: specs.ZScore, score: jax.Array, normal: jax.Array) -> Limits:
    count = jnp.maximum(jnp.sum(normal), 1).astype(jnp.float32)
    # Relative to one of the scores and in units of the largest distance, constant
    # scores have exactly zero spread and squares stay in range.
    start = score[jnp.argmax(normal)]
    distance = jnp.where(normal, score - start, 0.0)
    unit = jnp.max(jnp.abs(distance))
    unit = jnp.where(unit > 0, unit, 1.0)
    z = distance / unit
    mean = jnp.sum(z) / count
    spread = jnp.sqrt(jnp.sum(jnp.where(normal, (z - mean) ** 2, 0.0)) / count)
    return _around(rule, start + unit * mean, unit * spread)


def _mad(rule: specs.Mad, score: jax.Array, normal: jax.Array) -> Limits:
    median = _quantile(score, normal, 0.5)
    deviation = _quantile(jnp.abs(score - median), normal, 0.5)
    return _around(rule, median, _MAD_TO_STD * deviation)


def _allowed(rate: float, count: jax.Array) -> jax.Array:
    """Largest k with k / count <= rate, free of the rounding of rate * count."""
    size = jnp.maximum(count, 1).astype(jnp.float32)
    near = jnp.floor(rate * size) + jnp.arange(-1, 2, dtype=jnp.float32)
    within = (near >= 0) & (near / size <= rate)
    return jnp.max(jnp.where(within, near, 0.0)).astype(jnp.int32)


def _above(falling: jax.Array, count: jax.Array, allowed: jax.Array) -> jax.Array:
    """Lowest limit with at most `allowed` of the `count` first scores not below it."""
    last = jnp.clip(allowed, 0, jnp.maximum(count - 1, 0))
    return order.next_up(falling[last])


def _fixed_fpr(rule: specs.FixedFpr, score: jax.Array, normal: jax.Array) -> Limits:
    falling, count = _sorted(score, normal)
    upper = _above(falling, count, _allowed(rule.rate, count))
    return jnp.float32(-jnp.inf), upper


def _percentile(rule: specs.Percentile, score: jax.Array, normal: jax.Array) -> Limits:
    share = rule.q / 100
    falling, count = _sorted(score, normal)
    # Ties at the percentile would raise more false alarms than it promises.
    least = _above(falling, count, _allowed(1 - share, count))
    return jnp.float32(-jnp.inf), jnp.maximum(_quantile(score, normal, share), least)


def _conformal(rule: specs.Conformal, score: jax.Array, normal: jax.Array) -> Limits:
    """Anomalous iff the conformal p-value (1 + number at or above) / (n + 1) <= alpha.

    Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World (2005), ch. 2.
    """
    falling, count = _sorted(score, normal)
    allowed = _allowed(rule.alpha, count + 1) - 1
    upper = jnp.where(allowed < 0, jnp.inf, _above(falling, count, allowed))
    return jnp.float32(-jnp.inf), upper


RULES: dict[type, Callable[..., Limits]] = {
    specs.ZScore: _z_score,
    specs.Percentile: _percentile,
    specs.Mad: _mad,
    specs.FixedFpr: _fixed_fpr,
    specs.Conformal: _conformal,
}
