"""Synthetic defects: images with something on them, and masks of where it is.

V. Zavrtanik, M. Kristan and D. Skočaj, "DRAEM - A discriminatively trained
reconstruction embedding for surface anomaly detection", ICCV 2021, section 3.3: a mask
from smooth noise above a threshold is filled with another texture and blended into the
image with a random opacity. Beside such masks there are the pieces and the scars of
C.-L. Li et al., "CutPaste: Self-Supervised Learning for Anomaly Detection and
Localization", CVPR 2021, and spots. In place of a data set of textures, an image is
filled with itself (moved, turned, recoloured, or with its tiles in another order) and
with drawn textures.

All functions are pure, and an image's defect depends on its key and on the image alone.
A new shape is one function and one entry in `SHAPES`, a new filling likewise in
`FILLINGS`.
"""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp

from jaxad.defects.drawing import draws, place
from jaxad.defects.fillings import FILLINGS
from jaxad.defects.shapes import SHAPES


def synthesise(
    key: jax.Array,
    image: jax.Array,
    opacity: float | jax.Array,
    fraction: float | jax.Array | None = None,
    most: int = 1,
    shapes: Sequence[str] | None = None,
    fillings: Sequence[str] | None = None,
) -> tuple[jax.Array, jax.Array]:
    """Images with synthetic defects, and masks of them.

    image: (B, H, W, C) float32 in [0, 1]. opacity: the least of a defect, in [0, 1]; it
    is drawn between that and 1. fraction: chance that an image has any, None: all
    have. Both may be traced. most: defects an image; each but the first is there with
    even odds. shapes, fillings: names in `SHAPES` and `FILLINGS`, one of which is drawn
    for each defect; None: all of them.
    Returns (B, H, W, C) float32 in [0, 1] and (B, H, W) bool; where the mask is False,
    the image is as it was.
    """
    opacity = jnp.asarray(opacity, jnp.float32)
    chance = jnp.asarray(1.0 if fraction is None else fraction, jnp.float32)
    drawn = [SHAPES[name] for name in shapes or SHAPES]
    filled = [FILLINGS[name] for name in fillings or FILLINGS]

    def one(image, own, shape, filling):
        where = place(own.number[:4], *image.shape[:2])
        mask = _chosen(own.number[4], drawn, shape, where)
        other = jnp.clip(_chosen(own.number[5], filled, filling, image), 0.0, 1.0)
        share = opacity + (1 - opacity) * own.number[6]
        # In this form a share of 1 is the filling itself.
        return mask, (1 - share) * image + share * other

    def add(carry, step):
        (image, found, spoiled), (number, key) = carry, step
        sets = draws(key, image.shape, 3)
        mask, changed = jax.vmap(one)(image, *sets)
        first, drawn = number == 0, sets[0].number[:, 7]
        spoiled = jnp.where(first, drawn < chance, spoiled)
        there = spoiled & (first | (drawn < 0.5))
        mask = mask & there[:, None, None]
        image = jnp.where(mask[..., None], changed, image)
        return (image, found | mask, spoiled), None

    steps = jnp.arange(most), jax.random.split(key, most)
    clean = jnp.zeros(image.shape[:3], bool), jnp.zeros(image.shape[0], bool)
    (image, found, _), _ = jax.lax.scan(add, (image, *clean), steps)
    return image, found


def _chosen(number: jax.Array, functions: Sequence[Callable], *arguments) -> jax.Array:
    """The result of one of the functions, by a number of [0, 1)."""
    index = (number * len(functions)).astype(jnp.int32)
    return jax.lax.switch(index, functions, *arguments)


__all__ = ["FILLINGS", "SHAPES", "synthesise"]
