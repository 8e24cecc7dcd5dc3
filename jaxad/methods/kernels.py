"""Kernel density estimates of points in any number of dimensions, in chunks."""

import jax
import jax.numpy as jnp
import numpy as np

FACTORS = tuple(np.geomspace(0.1, 2.0, 16).tolist())
"""Multiples of Scott's bandwidth that `validation` chooses from."""
_BLOCK = 1024
"""Kernel centres looked at together."""
_NOWHERE = 1e37
"""Squared distance of centres that are padding."""
_EXACT = jax.lax.Precision.HIGHEST


def log_density(
    points: jax.Array, valid: jax.Array, at: jax.Array, widths: jax.Array
) -> jax.Array:
    """Kernel density estimates in nats, (G, B), one for each bandwidth.

    Gaussian kernels, summed a block of centres after the other: no (B, N) matrix.

    points: (N, D) centres; valid: (N,) bool, False for padding; at: (B, D); widths:
        (G,) standard deviations of the kernel.
    """
    size = points.shape[1]
    slope = 0.5 / jnp.square(widths)[:, None]

    def one(carry, block):
        nearest, total = carry
        distance = jnp.where(block[1][None], _squared(at, block[0]), _NOWHERE)
        now = jnp.minimum(nearest, jnp.min(distance, 1))
        total = total * jnp.exp(-slope * (nearest - now)[None])
        above = (distance - now[:, None])[None]
        return (now, total + jnp.sum(jnp.exp(-slope[..., None] * above), 2)), None

    start = (jnp.full(at.shape[0], _NOWHERE), jnp.zeros((len(widths), at.shape[0])))
    (nearest, total), _ = jax.lax.scan(one, start, _in_blocks(points, valid))
    count = jnp.sum(valid.astype(jnp.float32))
    unit = size * (jnp.log(widths) + 0.5 * float(np.log(2 * np.pi))) + jnp.log(count)
    return jnp.log(total) - slope * nearest[None] - unit[:, None]


def _squared(a: jax.Array, b: jax.Array) -> jax.Array:
    """Squared distances (B, K) of a (B, D) and b (K, D), without a (B, K, D) array."""
    inner = jnp.matmul(a, b.T, precision=_EXACT)
    squares = jnp.sum(jnp.square(a), 1)[:, None] + jnp.sum(jnp.square(b), 1)[None]
    return jnp.maximum(squares - 2 * inner, 0.0)


def _in_blocks(points: jax.Array, valid: jax.Array) -> tuple[jax.Array, jax.Array]:
    """(N, D) and (N,) as (n, K, D) and (n, K), padded."""
    block = min(_BLOCK, len(points))
    padding = -len(points) % block
    points = jnp.pad(points, ((0, padding), (0, 0)))
    valid = jnp.pad(valid, (0, padding))
    return points.reshape(-1, block, points.shape[1]), valid.reshape(-1, block)


def drawn(key, points, valid, most: int) -> tuple[jax.Array, jax.Array]:
    """At most so many of the points, drawn at random; padding is drawn last."""
    if len(points) <= most:
        return points, valid
    drawn = jax.random.uniform(key, valid.shape)
    rows = jnp.argsort(jnp.where(valid, drawn, 2.0))[:most]
    return points[rows], valid[rows]


def rule(name: str | float, count: jax.Array, size: int) -> jax.Array:
    """Bandwidth () of `count` standardised points in `size` dimensions; a number is it.

    Scott (1992): n^(-1/(d+4)). Silverman (1986): (n (d+2) / 4)^(-1/(d+4)).
    """
    if not isinstance(name, str):
        return jnp.float32(name)
    factor = (size + 2) / 4 if name == "silverman" else 1.0
    return jnp.power(jnp.maximum(count, 1.0) * factor, -1 / (size + 4))


def likelihoods(points, kept, held, counted, widths: jax.Array) -> jax.Array:
    """Mean log density in nats (G,) of held-out points, for each of `widths` (G,).

    held: (n, size, D), counted: (n, size) bool, which of them are valid.
    """

    def one(block):
        logs = log_density(points, kept, block[0], widths)
        return jnp.sum(jnp.where(block[1][None], logs, 0.0), 1)

    totals = jnp.sum(jax.lax.map(one, (held, counted)), 0)
    return totals / jnp.maximum(jnp.sum(counted.astype(jnp.float32)), 1.0)
