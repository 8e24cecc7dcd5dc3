"""Corruptions of images as pure functions of a key.

Each takes `(key, image, level)`, image: (..., H, W, C) float32 in [0, 1], level: a
float32 scalar >= 0 that may be traced, and returns an image of the same shape, clipped
to [0, 1]. Leading axes are drawn independently in one call. Level 0 is the identity.
A new corruption is one function and one entry in `CORRUPTIONS`.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

_LARGE_RATE = 16.0
_MOST_OF_SMALL_RATE = 64  # P(X > 64) is below 1e-18 for rates up to 16


def salt_and_pepper(key: jax.Array, image: jax.Array, level: jax.Array) -> jax.Array:
    """Sets a share `level` of the pixels, in all channels, half white, half black."""
    draw = jax.random.uniform(key, (*image.shape[:-1], 1))
    value = jnp.where(draw < level / 2, jnp.float32(0), jnp.float32(1))
    return jnp.where(draw < level, value, image)


def gaussian(key: jax.Array, image: jax.Array, level: jax.Array) -> jax.Array:
    """Adds normal noise with standard deviation `level`."""
    return _clip(image + level * jax.random.normal(key, image.shape))


def poisson(key: jax.Array, image: jax.Array, level: jax.Array) -> jax.Array:
    """Shot noise at 1 / `level` photons for white: Poisson(image / level) * level.

    The mean is kept and the variance is `image * level`.
    """
    quantum = jnp.maximum(level, jnp.float32(1e-12))
    noisy = _clip(_poisson(key, image / quantum) * quantum)
    return jnp.where(level > 0, noisy, image)


def speckle(key: jax.Array, image: jax.Array, level: jax.Array) -> jax.Array:
    """Multiplies by 1 + normal noise with standard deviation `level`."""
    return _clip(image * (1 + level * jax.random.normal(key, image.shape)))


def masking(key: jax.Array, image: jax.Array, level: jax.Array) -> jax.Array:
    """Sets one random box with a share `level` of the image's area to 0.

    The box has the image's proportions (a square in a square image); its sides are
    rounded to whole pixels.
    """
    *lead, height, width, _ = image.shape
    side = jnp.sqrt(jnp.minimum(level, jnp.float32(1)))
    corner = jax.random.uniform(key, (*lead, 2, 1, 1))
    rows = _inside(corner[..., 0, :, :], height, side)
    columns = _inside(corner[..., 1, :, :], width, side)
    box = jnp.swapaxes(rows, -1, -2) & columns
    return jnp.where(box[..., None], jnp.float32(0), image)


CORRUPTIONS: dict[str, Callable[[jax.Array, jax.Array, jax.Array], jax.Array]] = {
    "salt_and_pepper": salt_and_pepper,
    "gaussian": gaussian,
    "poisson": poisson,
    "speckle": speckle,
    "masking": masking,
}


def corrupt(
    kind: str,
    key: jax.Array,
    image: jax.Array,
    level: float | jax.Array,
    fraction: float | jax.Array | None = None,
) -> jax.Array:
    """Corrupts a batch, with one draw for all: the form for a training step.

    kind: a name in `CORRUPTIONS`.
    image: (B, H, W, C) float32 in [0, 1].
    level: >= 0, what it means is said by the function of that name; may be traced.
    fraction: chance that an image is corrupted, may be traced; None corrupts all.
    Returns (B, H, W, C) float32 in [0, 1].
    """
    level = jnp.asarray(level, jnp.float32)
    if fraction is None:
        return CORRUPTIONS[kind](key, image, level)
    noise_key, chance_key = jax.random.split(key)
    chance = jax.random.uniform(chance_key, (image.shape[0], 1, 1, 1))
    chosen = chance < jnp.asarray(fraction, jnp.float32)
    return jnp.where(chosen, CORRUPTIONS[kind](noise_key, image, level), image)


def corrupt_examples(
    kind: str,
    root_key: jax.Array,
    ids: jax.Array,
    image: jax.Array,
    level: float | jax.Array,
) -> jax.Array:
    """Corrupts each example with its own key, whatever company it is in.

    ids: (N,) int32; example i draws from `fold_in(root_key, ids[i])`.
    image: (N, H, W, C) float32 in [0, 1]. Returns the same shape.
    """
    level = jnp.asarray(level, jnp.float32)

    def one(number, single):
        return CORRUPTIONS[kind](jax.random.fold_in(root_key, number), single, level)

    return jax.vmap(one)(ids, image)


def _clip(image: jax.Array) -> jax.Array:
    return jnp.clip(image, jnp.float32(0), jnp.float32(1))


def _poisson(key: jax.Array, rate: jax.Array) -> jax.Array:
    """Poisson draws as float32, by inversion of one normal draw for each.

    Small rates: exact, counting up the distribution function. Large ones: the
    Cornish-Fisher expansion of the quantile (Abramowitz and Stegun, 26.2.49) with the
    variance of the rounding, 1 / 12, taken off (Sheppard); off by less than .001 in
    probability. `jax.random.poisson` rejects and retries, four times as slow.
    """
    normal = jax.random.normal(key, rate.shape)
    uniform = jax.scipy.special.ndtr(normal)
    large = rate > _LARGE_RATE
    small_rate = jnp.where(large, jnp.float32(0), rate)

    def count_up(carry):
        k, mass, below, count = carry
        count = count + (uniform > below).astype(jnp.float32)
        mass = mass * small_rate / (k + 1)
        return k + 1, mass, below + mass, count

    def unfinished(carry):
        k, _, below, _ = carry
        return (k < _MOST_OF_SMALL_RATE) & jnp.any(uniform > below)

    mass = jnp.exp(-small_rate)
    start = (jnp.float32(0), mass, mass, jnp.zeros_like(rate))
    *_, small = jax.lax.while_loop(unfinished, count_up, start)
    root = jnp.sqrt(jnp.maximum(rate, jnp.float32(1)) - 1 / 12)
    third = normal**2 - 1
    fourth = (normal - normal**3) / (72 * root)
    quantile = rate + root * normal + third / 6 + fourth
    return jnp.where(large, jnp.maximum(jnp.round(quantile), jnp.float32(0)), small)


def _inside(corner: jax.Array, size: int, side: jax.Array) -> jax.Array:
    """(..., 1, 1) in [0, 1) to (..., 1, size) bool: True along the box."""
    length = jnp.round(side * size)
    start = jnp.floor(corner * (size - length + 1))
    place = jnp.arange(size, dtype=jnp.float32)
    place = place.reshape((1,) * (corner.ndim - 1) + (size,))
    return (place >= start) & (place < start + length)
