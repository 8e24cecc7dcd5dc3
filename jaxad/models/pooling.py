"""Pooling and up-sampling that are also fast on the CPU.

All functions are pure, take and return float32, and work under `jit`, `vmap` and
reverse-mode differentiation, once.
"""

from functools import partial

import jax
import jax.numpy as jnp


def max_pool(image: jax.Array, size: int = 2) -> jax.Array:
    """Maximum of size x size tiles: (B, H, W, C) -> (B, H // size, W // size, C).

    Rows and columns that fill no tile are dropped. Of equal maxima of a tile, the first
    has the gradient.
    """
    rows, columns = (n // size * size for n in image.shape[1:3])
    return _max_pool(image[:, :rows, :columns], size)


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def _max_pool(image: jax.Array, size: int) -> jax.Array:
    return _tiles(image, size).max((2, 4))


def _max_pool_forward(image, size):
    """Where the maxima are, as numbers of the pixels of a tile.

    Floats may not be compared again on the way back. The compiler computes what is
    cheap anew for each use, in the last bit otherwise, and then no pixel equals its
    tile's maximum.
    """
    tiles = _tiles(image, size).swapaxes(2, 3)
    flat = tiles.reshape(*tiles.shape[:3], size * size, tiles.shape[-1])
    return _max_pool(image, size), jax.lax.argmax(flat, 3, jnp.int32)


def _max_pool_backward(size, found, cotangent):
    """By masks: the native gradient takes twice as long on a CPU."""
    number = jnp.arange(size * size, dtype=jnp.int32).reshape(1, 1, size, 1, size, 1)
    here = found[:, :, None, :, None] == number
    grad = jnp.where(here, cotangent[:, :, None, :, None], 0)
    batch, rows, _, columns, _, channels = grad.shape
    return (grad.reshape(batch, rows * size, columns * size, channels),)


_max_pool.defvjp(_max_pool_forward, _max_pool_backward)


def upsample(image: jax.Array, size: int = 2) -> jax.Array:
    """Nearest-neighbour: (B, H, W, C) -> (B, size * H, size * W, C)."""
    batch, height, width, channels = image.shape
    tiles = jnp.broadcast_to(
        image[:, :, None, :, None], (batch, height, size, width, size, channels)
    )
    return tiles.reshape(batch, size * height, size * width, channels)


def whole(image: jax.Array, size: int) -> jax.Array:
    """Repeat the last row and column until height and width are multiples of `size`."""
    _, height, width, _ = image.shape
    pads = ((0, 0), (0, -height % size), (0, -width % size), (0, 0))
    return jnp.pad(image, pads, mode="edge") if any(p for _, p in pads) else image


def cells(image: jax.Array, size: int) -> jax.Array:
    """Squares of pixels as pixels: (B, H, W, C) -> (B, H / size, W / size, size^2 C).

    Rows and columns that fill no square are dropped.
    """
    tiles = _tiles(image, size).swapaxes(2, 3)
    return tiles.reshape(*tiles.shape[:3], -1)


def pixels(image: jax.Array, size: int) -> jax.Array:
    """What `cells` undoes: (B, h, w, size^2 C) -> (B, size * h, size * w, C)."""
    batch, height, width, _ = image.shape
    tiles = image.reshape(batch, height, width, size, size, -1).swapaxes(2, 3)
    return tiles.reshape(batch, size * height, size * width, -1)


def _tiles(image: jax.Array, size: int) -> jax.Array:
    """(B, H, W, C) -> (B, H // size, size, W // size, size, C)."""
    batch, height, width, channels = image.shape
    rows, columns = height // size, width // size
    image = image[:, : rows * size, : columns * size]
    return image.reshape(batch, rows, size, columns, size, channels)
