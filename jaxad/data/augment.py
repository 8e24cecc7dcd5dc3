"""Random changes of training images, on the device, inside the compiled step."""

from functools import partial

import jax
import jax.numpy as jnp
from jax.scipy.ndimage import map_coordinates

from jaxad.config.data import Augment
from jaxad.errors import ConfigError
from jaxad.streams import stream


def augment(key: jax.Array, image: jax.Array, spec: Augment) -> jax.Array:
    """Changes every image in its own way; what is off in `spec` is not compiled.

    image: (B, H, W, C) float32 in [0, 1]. Returns the same shape and range.
    Each kind of change draws from a stream of its own: one more moves no other.
    """
    size = image.shape[0]
    if spec.flip_horizontal:
        image = _flip(stream(key, "flip_horizontal"), image, axis=2)
    if spec.flip_vertical:
        image = _flip(stream(key, "flip_vertical"), image, axis=1)
    if spec.transpose:
        if image.shape[1] != image.shape[2]:
            raise ConfigError(
                "data.augment.transpose needs square images; set data.size"
            )
        chosen = jax.random.bernoulli(stream(key, "transpose"), shape=(size, 1, 1, 1))
        image = jnp.where(chosen, image.swapaxes(1, 2), image)
    if spec.rotate:
        limit = jnp.deg2rad(jnp.float32(spec.rotate))
        draw = jax.random.uniform(stream(key, "rotate"), (size,), minval=-1)
        image = jax.vmap(_rotate)(image, draw * limit)
    if spec.shift:
        offset = jax.random.randint(
            stream(key, "shift"), (size, 2), 0, 2 * spec.shift + 1
        )
        image = jax.vmap(partial(_shift, limit=spec.shift))(image, offset)
    if spec.brightness:
        draw = jax.random.uniform(stream(key, "brightness"), (size,), minval=-1)
        change = draw.reshape(size, 1, 1, 1) * spec.brightness
        image = jnp.clip(image + change, jnp.float32(0), jnp.float32(1))
    return image


def _flip(key: jax.Array, image: jax.Array, axis: int) -> jax.Array:
    chosen = jax.random.bernoulli(key, shape=(image.shape[0], 1, 1, 1))
    return jnp.where(chosen, jnp.flip(image, axis), image)


def _shift(image: jax.Array, offset: jax.Array, limit: int) -> jax.Array:
    """(H, W, C) moved by `limit - offset` pixels; zeros come in."""
    padded = jnp.pad(image, ((limit, limit), (limit, limit), (0, 0)))
    start = (offset[0], offset[1], jnp.int32(0))
    return jax.lax.dynamic_slice(padded, start, image.shape)


def _rotate(image: jax.Array, angle: jax.Array) -> jax.Array:
    """(H, W, C) turned counter-clockwise about its centre by `angle` radians.

    Bilinear, mirrored at the border. dm_pix's `rotate` interpolates between channels as
    well and takes fifty times as long.
    """
    height, width, _ = image.shape
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    y = jnp.arange(height, dtype=jnp.float32)[:, None] - (height - 1) / 2
    x = jnp.arange(width, dtype=jnp.float32)[None, :] - (width - 1) / 2
    place = (cos * y + sin * x + (height - 1) / 2, cos * x - sin * y + (width - 1) / 2)
    turn = partial(map_coordinates, coordinates=place, order=1, mode="mirror")
    return jax.vmap(turn, in_axes=-1, out_axes=-1)(image)
