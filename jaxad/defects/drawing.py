"""What shapes and fillings are drawn with: random numbers, places, smooth noise.

The random numbers of an image are drawn at once: a call of the generator for each
takes seconds to compile.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

CELLS = 16
"""Most cells of smooth noise along a side."""
NUMBERS = 12


class Draws(NamedTuple):
    """The random numbers of one image.

    number: (NUMBERS,) float32, uniform in [0, 1).
    height: (CELLS + 2, CELLS + 2) float32, of N(0, 1).
    grain: (H, W, C) float32, uniform in [-1, 1).
    """

    number: jax.Array
    height: jax.Array
    grain: jax.Array


class Place(NamedTuple):
    """Where pixels are, seen from the middle of a defect.

    down, across: (H, W) float32, along the defect's own axes, as shares of the image's
    shorter side. pixel: side of a pixel, likewise.
    """

    down: jax.Array
    across: jax.Array
    pixel: float


def draws(key: jax.Array, shape: tuple[int, ...], sets: int) -> list[Draws]:
    """Independent ones for images of shape (B, H, W, C); each leaf with B in front."""
    keys = jax.random.split(key, 3)
    count = shape[0]
    number = jax.random.uniform(keys[0], (count, sets, NUMBERS))
    height = jax.random.normal(keys[1], (count, sets, CELLS + 2, CELLS + 2))
    # One is enough: only one filling of an image is grainy.
    grain = jax.random.uniform(keys[2], shape, minval=-1.0, maxval=1.0)
    return [Draws(number[:, i], height[:, i], grain) for i in range(sets)]


def place(number: jax.Array, height: int, width: int) -> Place:
    """A random place: its middle anywhere in the image, every second one upright.

    number: (4,) uniform in [0, 1).
    """
    short = min(height, width)
    angle = jnp.where(number[2] < 0.5, 0.0, 2 * jnp.pi * number[3])
    down = jnp.arange(height, dtype=jnp.float32) + 0.5 - number[0] * height
    across = jnp.arange(width, dtype=jnp.float32) + 0.5 - number[1] * width
    return Place(*turned(down[:, None] / short, across[None] / short, angle), 1 / short)


def smooth_noise(
    height: jax.Array, shape: tuple[int, ...], cells: jax.Array
) -> jax.Array:
    """Heights on a grid, smoothly joined: (H, W) float32 for shape (H, W).

    height: (CELLS + 2, CELLS + 2), of the grid's points. cells: (2,) float32 in
    (0, CELLS], along each axis; they need not be whole. Between points (value noise),
    heights are weighted by 3 t^2 - 2 t^3 as in K. Perlin, "An Image Synthesizer",
    SIGGRAPH 1985.
    """
    points = jnp.arange(CELLS + 2, dtype=jnp.float32)

    def weights(size, cells):
        # From a random place within a cell, which any number gives.
        start = jnp.abs(height[0, 0]) % 1.0
        at = (jnp.arange(size, dtype=jnp.float32) + 0.5) / size * cells + start
        near = jnp.clip(1 - jnp.abs(at[:, None] - points[None]), 0.0, 1.0)
        return near * near * (3 - 2 * near)

    return weights(shape[0], cells[0]) @ height @ weights(shape[1], cells[1]).T


def uniform(number: jax.Array, low: float, high: float) -> jax.Array:
    """A number of [0, 1) as one of [low, high)."""
    return low + (high - low) * number


def between(number: jax.Array, low: float, high: float) -> jax.Array:
    """A number of [0, 1) as one of [low, high), its logarithm uniform."""
    return low * (high / low) ** number


def turned(
    down: jax.Array, across: jax.Array, angle: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Both, broadcast, along axes turned by an angle in radians."""
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    return cos * down + sin * across, cos * across - sin * down
