"""The threshold of largest margin: a support vector machine in one dimension, solved
exactly by sorting.

With p_1 <= p_2 <= ... the anomalous and n_1 >= n_2 >= ... the normal scores, the hinge
losses at the best offset of a line of slope w >= 0 add up to
sum_i max(0, 2 - w d_i), d_i = p_i - n_i rising, i <= min(P, N) (the dual weights of
both classes have one sum, so the worst of each class pair up). What is left,
w^2 / 2 + c sum_i max(0, 2 - w d_i), is convex in w alone, and the prefix sums of d
tell between which two of its corners 2 / d_i the minimum lies.
"""

import jax
import jax.numpy as jnp
from jax import lax

from jaxad.metrics import order


def soft_margin(
    score: jax.Array, anomalous: jax.Array, valid: jax.Array, c: float = 1.0
) -> jax.Array:
    """Upper limit, a float32 scalar.

    score: (N,) float32. anomalous, valid: (N,) bool. c: weight of the violations, with
    the scores scaled to a standard deviation of one over both classes.
    Separable classes: the middle of the gap between them. Otherwise the zero of the
    soft-margin line (Cortes and Vapnik, Support-vector networks, Machine Learning 20
    (1995), 273-297); inf where the best line that does not fall is flat.
    """
    normal = valid & ~anomalous
    highest = jnp.max(jnp.where(normal, score, -jnp.inf))
    lowest = jnp.min(jnp.where(valid & anomalous, score, jnp.inf))
    separable = order.key(highest) < order.key(lowest)
    start = score[jnp.argmax(valid)]
    distance = jnp.where(valid, score - start, 0.0)
    unit = jnp.max(jnp.abs(distance))
    unit = jnp.where(unit > 0, unit, 1.0)
    z = distance / unit
    count = jnp.maximum(jnp.sum(valid), 1).astype(jnp.float32)
    mean = jnp.sum(z) / count
    spread = jnp.sqrt(jnp.sum(jnp.where(valid, (z - mean) ** 2, 0.0)) / count)
    spread = jnp.where(spread > 0, spread, 1.0)
    zero = _zero((z - mean) / spread, valid & anomalous, normal, c)
    soft = start + unit * (mean + spread * zero)
    return jnp.where(separable, _middle(highest, lowest), soft)


def _middle(low: jax.Array, high: jax.Array) -> jax.Array:
    """Middle of two scores, above the lower even where they are neighbours."""
    middle = low / 2 + high / 2
    return jnp.where(middle > low, jnp.minimum(middle, high), high)


def _zero(z: jax.Array, anomalous: jax.Array, normal: jax.Array, c: float) -> jax.Array:
    """Where the soft-margin line crosses zero; inf where it is flat."""
    rising = jnp.sort(jnp.where(anomalous, z, jnp.inf))
    falling = -jnp.sort(jnp.where(normal, -z, jnp.inf))
    pairs = jnp.minimum(jnp.sum(anomalous), jnp.sum(normal)).astype(jnp.int32)
    paired = lax.iota(jnp.int32, z.shape[0]) < pairs
    gap = jnp.where(paired, rising - falling, 0.0)
    total = lax.associative_scan(jnp.add, gap)
    corner = jnp.where(gap > 0, 2 / jnp.where(gap > 0, gap, 1.0), jnp.inf)
    # The slope of the convex function just left of a corner falls with the index.
    inside = paired & ((gap <= 0) | (corner >= c * total))
    active = jnp.sum(inside, dtype=jnp.int32)

    def entry(x: jax.Array, at: jax.Array, beyond: float) -> jax.Array:
        """x[at]; `beyond` outside of the array."""
        found = x[jnp.clip(at, 0, z.shape[0] - 1)]
        return jnp.where((at >= 0) & (at < z.shape[0]), found, beyond)

    pull = c * jnp.where(active > 0, total[jnp.maximum(active - 1, 0)], 0.0)
    least = jnp.where(active < pairs, entry(corner, active, 0.0), 0.0)
    slope = jnp.maximum(pull, least)
    half = 1 / jnp.where(slope > 0, slope, 1.0)
    # Any offset between these ends costs the same; the middle is taken, as in libsvm.
    low = jnp.maximum(
        entry(rising, active - 1, -jnp.inf) - half,
        entry(falling, active, -jnp.inf) + half,
    )
    high = jnp.minimum(
        entry(rising, active, jnp.inf) - half,
        entry(falling, active - 1, jnp.inf) + half,
    )
    return jnp.where(slope > 0, low / 2 + high / 2, jnp.inf)
