"""What synthetic defects are filled with: the image itself, and drawn textures.

No filling is the image with less detail.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from jaxad.defects.drawing import (
    Draws,
    between,
    place,
    smooth_noise,
    turned,
    uniform,
)

_TILES = 6
"""Tiles of a shuffled image along a side, or a few more."""


def _moved(draws: Draws, image: jax.Array) -> jax.Array:
    """The image itself from another place, turned, mirrored where it ends."""
    number = draws.number
    quarter = jnp.pi / 2
    angle = jnp.where(
        number[0] < 0.5, jnp.round(4 * number[1]) * quarter, 4 * number[1] * quarter
    )
    height, width = image.shape[:2]
    rows = jnp.arange(height, dtype=jnp.float32) - (height - 1) / 2
    columns = jnp.arange(width, dtype=jnp.float32) - (width - 1) / 2
    down, across = turned(rows[:, None], columns[None], angle)
    row = _mirrored(down + (height - 1) / 2 + (number[2] - 0.5) * height, height)
    column = _mirrored(across + (width - 1) / 2 + (number[3] - 0.5) * width, width)
    # The nearest pixel: a weighted mean of several would lose detail.
    return image[row, column]


def _recoloured(draws: Draws, image: jax.Array) -> jax.Array:
    """The image itself, where it is or moved, brighter or darker, or as a negative."""
    number = draws.number
    moved = jnp.where(number[4] < 0.5, _moved(draws, image), image)
    contrast = between(number[5], 0.6, 1.6) * jnp.where(number[6] < 0.25, -1.0, 1.0)
    change = uniform(number[7], 0.1, 0.6) * jnp.where(number[8] < 0.5, -1.0, 1.0)
    # Of another colour, where there are colours.
    tint = uniform(draws.grain[0, 0], 0.5, 1.0) * change
    mean = jnp.mean(image, (0, 1), keepdims=True)
    return contrast * (moved - mean) + mean + tint.reshape(1, 1, -1)


def _dimmed(draws: Draws, image: jax.Array) -> jax.Array:
    """The image itself with a part of its light, as in a shadow or a dead region."""
    return image * uniform(draws.number[0], 0.0, 0.8)


def _shuffled(draws: Draws, image: jax.Array) -> jax.Array:
    """The image itself with its tiles in another order."""
    height, width = image.shape[:2]
    tall, wide = max(1, height // _TILES), max(1, width // _TILES)
    rows, columns = jnp.arange(height), jnp.arange(width)
    down, across = height // tall, width // wide
    order = jnp.argsort(draws.height.reshape(-1)[: down * across])
    row = jnp.minimum(rows // tall, down - 1)[:, None]
    column = jnp.minimum(columns // wide, across - 1)[None]
    tile = order.reshape(down, across)[row, column]
    from_row = tile // across * tall + (rows % tall)[:, None]
    from_column = tile % across * wide + (columns % wide)[None]
    return image[from_row, from_column]


def _flat(draws: Draws, image: jax.Array) -> jax.Array:
    """One colour."""
    return jnp.broadcast_to(_colours(draws)[0], image.shape)


def _shade(draws: Draws, image: jax.Array) -> jax.Array:
    """From one colour to another in a straight line."""
    where = place(draws.number[4:8], *image.shape[:2])
    return _mixed(draws, where.down + 0.5)


def _grain(draws: Draws, image: jax.Array) -> jax.Array:
    """A colour with noise on every pixel."""
    return _colours(draws)[0] + between(draws.number[4], 0.1, 0.6) * draws.grain


def _clouds(draws: Draws, image: jax.Array) -> jax.Array:
    """Two colours that flow into each other, in coarse or fine patches."""
    cells = between(draws.number[4:6], 4.0, 16.0)
    steep = between(draws.number[6], 0.5, 8.0)
    return _mixed(
        draws, 0.5 + steep * smooth_noise(draws.height, image.shape[:2], cells)
    )


def _waves(draws: Draws, image: jax.Array) -> jax.Array:
    """Two colours in stripes, straight or bent, smooth or sharp."""
    number = draws.number
    where = place(number[4:8], *image.shape[:2])
    bent = smooth_noise(draws.height, image.shape[:2], jnp.float32([4, 4]))
    at = between(number[8], 4.0, 40.0) * (where.down + 0.1 * number[9] * bent)
    steep = between(number[10], 0.4, 4.0)
    return _mixed(draws, 0.5 + steep * jnp.sin(2 * jnp.pi * at))


def _mirrored(at: jax.Array, size: int) -> jax.Array:
    """Places along an axis as int32 in [0, size), mirrored beyond its ends."""
    index = jnp.round(at).astype(jnp.int32) % (2 * size)
    return jnp.minimum(index, 2 * size - 1 - index)


def _colours(draws: Draws) -> jax.Array:
    """Two colours, (2, 1, 1, C): grey half the time."""
    grey = draws.number[:2].reshape(2, 1, 1, 1)
    hue = (draws.grain[:2, 0].reshape(2, 1, 1, -1) + 1) / 2
    return jnp.where(draws.number[2] < 0.5, jnp.broadcast_to(grey, hue.shape), hue)


def _mixed(draws: Draws, share: jax.Array) -> jax.Array:
    """(H, W, C) between two colours by a share (H, W), clipped to [0, 1]."""
    first, second = _colours(draws)
    share = jnp.clip(share, 0.0, 1.0)[..., None]
    return (1 - share) * first + share * second


FILLINGS: dict[str, Callable[[Draws, jax.Array], jax.Array]] = {
    "moved": _moved,
    "recoloured": _recoloured,
    "dimmed": _dimmed,
    "shuffled": _shuffled,
    "flat": _flat,
    "shade": _shade,
    "grain": _grain,
    "clouds": _clouds,
    "waves": _waves,
}
"""Each takes an image (H, W, C) and returns (H, W, C) float32."""
