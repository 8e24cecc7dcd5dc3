"""Pooling and up-sampling that are also fast on the CPU.

All functions are pure, take and return float32, and work under `jit`, `vmap` and
reverse-mode differentiation, once.
"""

from functools import partial

import jax
import jax.numpy as jnp


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def max_pool(image: jax.Array, size: int = 2) -> jax.Array:
    """Maximum of size x size tiles: (B, H, W, C) -> (B, H // size, W // size, C).

    Rows and columns that fill no tile are dropped. Equal maxima of a tile share the
    gradient equally.
    """
    return _tiles(image, size).max((2, 4))


def _max_pool_forward(image, size):
    pooled = max_pool(image, size)
    return pooled, (image, pooled)


def _max_pool_backward(size, residuals, cotangent):
    """Equality masks: the native gradient takes twice as long on a CPU."""
    image, pooled = residuals
    tiles = _tiles(image, size)
    ties = sum(
        (tiles[:, :, i, :, j] == pooled).astype(jnp.float32)
        for i in range(size)
        for j in range(size)
    )
    share = (cotangent / ties)[:, :, None, :, None]
    grad = jnp.where(tiles == pooled[:, :, None, :, None], share, 0.0)
    _, rows, _, columns, _, channels = tiles.shape
    grad = grad.reshape(-1, rows * size, columns * size, channels)
    rest = (image.shape[1] - rows * size, image.shape[2] - columns * size)
    return (jnp.pad(grad, ((0, 0), (0, rest[0]), (0, rest[1]), (0, 0))),)


max_pool.defvjp(_max_pool_forward, _max_pool_backward)


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
