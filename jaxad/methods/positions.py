"""Pixels, of residuals or images, in units of what is usual at their place.

A part that never comes back well (an edge, a bus bar) has large residuals in normal
images too; what counts is how far one is from the residuals there.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from jaxad.methods.base import Blocks

Positions = dict[str, jax.Array]

FLOOR = 0.1
"""Least standard deviation of a pixel, as a share of the root mean square of all."""


def fit(seen: Callable[[jax.Array], jax.Array], train: Blocks) -> Positions:
    """`mean` and `std` (H, W) at each pixel of what is seen of valid images.

    seen: image (B, H, W, C) -> (B, H, W), signed. Blocks are joined as by Chan,
    Golub and LeVeque (1983), so that no images need be held.
    """

    def one(index, carry):
        count, mean, squares = carry
        batch = train.take(index)
        weight = batch.valid.astype(jnp.float32)[:, None, None]
        values = seen(batch.image)
        number = jnp.sum(weight)
        own = jnp.sum(values * weight, 0) / jnp.maximum(number, 1.0)
        spread = jnp.sum(jnp.square(values - own[None]) * weight, 0)
        both = jnp.maximum(count + number, 1.0)
        squares += spread + jnp.square(own - mean) * (count * number / both)
        return count + number, mean + (own - mean) * (number / both), squares

    shape = jax.eval_shape(seen, train.take(jnp.int32(0)).image).shape[1:]
    start = (jnp.float32(0), jnp.zeros(shape), jnp.zeros(shape))
    count, mean, squares = jax.lax.fori_loop(0, train.count, one, start)
    variance = squares / jnp.maximum(count, 1.0)
    least = FLOOR**2 * jnp.mean(variance) + 1e-12
    return {"mean": mean, "std": jnp.sqrt(jnp.maximum(variance, least))}


def deviations(positions: Positions, seen: jax.Array) -> jax.Array:
    """What is seen (B, H, W), in signed standard deviations of its pixel."""
    return (seen - positions["mean"][None]) / positions["std"][None]
