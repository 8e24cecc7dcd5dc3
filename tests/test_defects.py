"""Synthetic defects: what they change, and what they leave alone."""

from functools import partial
from typing import get_args

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxad.config import draem
from jaxad.defects import FILLINGS, SHAPES, synthesise
from jaxad.defects.drawing import draws, place

KEY = jax.random.key(5)


@partial(jax.jit, static_argnums=(4, 5, 6))
def compiled(key, image, opacity, fraction=None, most=1, shapes=None, fillings=None):
    return synthesise(key, image, opacity, fraction, most, shapes, fillings)


def images(count, height=20, width=20, channels=1, low=0.0):
    shape = (count, height, width, channels)
    return jax.random.uniform(jax.random.key(1), shape, minval=low)


def test_the_config_knows_them_all():
    assert get_args(draem.Shape) == tuple(SHAPES)
    assert get_args(draem.Filling) == tuple(FILLINGS)


@pytest.mark.parametrize("shape", [(20, 20, 1), (15, 24, 3)])
def test_the_mask_is_where_the_image_was_changed(shape):
    image = images(64, *shape)
    changed, mask = compiled(KEY, image, 0.2, 0.6, 3)
    assert changed.shape == image.shape
    assert (mask.shape, mask.dtype) == (image.shape[:3], jnp.bool_)
    assert changed.min() >= 0
    assert changed.max() <= 1
    differs = np.asarray((changed != image).any(-1))
    mask = np.asarray(mask)
    assert not differs[~mask].any()
    assert differs[mask].mean() > 0.95
    again = compiled(KEY, image, 0.2, 0.6, 3)
    np.testing.assert_array_equal(again[0], changed)
    other = compiled(jax.random.key(6), image, 0.2, 0.6, 3)
    assert (np.asarray(other[1]) != mask).any()
    # Of an image's key and the image alone.
    few = compiled(KEY, image[:5], 0.2, 0.6, 3)
    np.testing.assert_array_equal(few[1], mask[:5])
    np.testing.assert_allclose(few[0], changed[:5], atol=1e-6)


def test_the_share_of_clean_images_and_the_sizes_of_defects():
    image = images(1000, 16, 16)
    _, mask = compiled(KEY, image, 0.2, 0.3)
    spoiled = np.asarray(mask).any((1, 2)).mean()
    assert spoiled == pytest.approx(0.3, abs=4 * np.sqrt(0.21 / 1000))
    shapes = sorted(SHAPES.keys() - {"whole"})
    _, mask = jax.jit(partial(synthesise, shapes=shapes))(KEY, image, 0.2)
    sizes = np.asarray(mask).mean((1, 2))
    assert sizes.min() > 0
    assert sizes.max() < 0.6
    assert sizes.std() > 0.03


@pytest.mark.parametrize("size", [(12, 12), (9, 17)])
def test_every_shape_holds_a_pixel(size):
    first, second = draws(KEY, (2000, *size, 1), 2)

    @jax.jit
    @jax.vmap
    def drawn(first, second):
        where = place(first.number, *size)
        return {name: jnp.sum(draw(second, where)) for name, draw in SHAPES.items()}

    counts = drawn(first, second)
    for name, count in counts.items():
        assert count.min() >= 1, name
        assert (count.max() > count.min()) != (name == "whole"), name


@pytest.mark.parametrize("filling", FILLINGS)
def test_every_filling_shows_and_is_not_the_same_twice(filling):
    image = images(16, channels=3, low=0.2)
    opaque, mask = compiled(KEY, image, 1.0, None, 1, ("piece",), (filling,))
    faint, same = compiled(KEY, image, 0.1, None, 1, ("piece",), (filling,))
    np.testing.assert_array_equal(mask, same)
    inside = np.asarray(mask)
    strong, weak = (np.abs(x - image)[inside] for x in (opaque, faint))
    assert (weak <= strong + 1e-6).all()
    assert 0.05 < weak.mean() < 0.9 * strong.mean()
    # As much detail as the image, where it is of the image.
    if filling in ("moved", "shuffled"):
        found = np.isin(np.asarray(opaque)[inside], np.asarray(image))
        assert found.all()
    if filling == "flat":
        one = np.asarray(opaque)[0][inside[0]]
        assert np.ptp(one, axis=0).max() < 1e-6
