"""Corruptions: the rate or spread they promise, and what they must leave alone."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from jaxad.corrupt import CORRUPTIONS, corrupt, corrupt_examples

KINDS = sorted(CORRUPTIONS)
KEY = jax.random.key(3)
compiled = jax.jit(corrupt, static_argnums=0)
compiled_examples = jax.jit(corrupt_examples, static_argnums=0)


@pytest.fixture(scope="module")
def image():
    """Mid-grey, so that black and white are both changes."""
    return jax.random.uniform(KEY, (16, 20, 20, 3), minval=0.3, maxval=0.7)


@pytest.mark.parametrize("kind", KINDS)
def test_contract(kind, image):
    eager = corrupt(kind, KEY, image, 0.2)
    traced = compiled(kind, KEY, image, jnp.float32(0.2))
    assert eager.shape == image.shape
    assert eager.dtype == jnp.float32
    assert float(eager.min()) >= 0
    assert float(eager.max()) <= 1
    np.testing.assert_allclose(eager, traced, atol=1e-6)
    np.testing.assert_array_equal(compiled(kind, KEY, image, jnp.float32(0)), image)
    assert (
        np.asarray(compiled(kind, jax.random.key(4), image, jnp.float32(0.2))) != eager
    ).any()


@pytest.mark.parametrize("kind", KINDS)
def test_an_example_does_not_depend_on_its_company(kind, image):
    ids = jnp.arange(16, dtype=jnp.int32)
    order = np.random.default_rng(0).permutation(16)
    whole = np.asarray(compiled_examples(kind, KEY, ids, image, 0.3))
    shuffled = compiled_examples(kind, KEY, ids[order], image[order], 0.3)
    np.testing.assert_array_equal(shuffled, whole[order])
    assert (whole[0] - image[0] != whole[1] - image[1]).any()


@pytest.mark.parametrize("level", [0.01, 0.3, 1.0])
def test_salt_and_pepper_rates(image, level):
    out = np.asarray(compiled("salt_and_pepper", KEY, image, level))
    changed = out != np.asarray(image)
    assert (changed.all(-1) == changed.any(-1)).all()
    pixels = changed[..., 0].size
    spread = 4 * np.sqrt(level / pixels)
    assert abs((out[..., 0] == 1).mean() - level / 2) < spread
    assert abs((out[..., 0] == 0).mean() - level / 2) < spread


@pytest.mark.parametrize("photons", [0.3, 7.0, 15.9, 16.1, 40.0, 1e4])
def test_poisson_counts_photons(photons):
    """Kolmogorov's distance to scipy's distribution; 1.95 / sqrt(n) is p = .001."""
    white = 4 * photons + 20
    flat = jnp.full((200, 40, 25, 1), jnp.float32(photons / white))
    out = np.asarray(compiled("poisson", KEY, flat, jnp.float32(1 / white)), np.float64)
    counts = np.sort(np.rint(out * white).ravel())
    k = np.arange(counts[-1] + 1)
    share = np.searchsorted(counts, k, side="right") / counts.size
    below_white = k < white
    distance = np.abs(share - stats.poisson.cdf(k, photons))[below_white].max()
    assert distance < 1.95 / np.sqrt(counts.size) + 0.001
    assert (np.abs(out * white - np.rint(out * white)) < 1e-3).all()


def test_poisson_at_the_smallest_levels_is_the_identity(image):
    for level in (1e-12, 1e-30):
        out = compiled("poisson", KEY, image, jnp.float32(level))
        np.testing.assert_allclose(out, image, atol=1e-5)


@pytest.mark.parametrize(("kind", "std"), [("gaussian", 0.05), ("speckle", 0.025)])
def test_standard_deviation(kind, std):
    flat = jnp.full((16, 50, 50, 1), 0.5)
    noise = np.asarray(compiled(kind, KEY, flat, 0.05)) - 0.5
    assert noise.std() == pytest.approx(std, rel=0.03)
    assert abs(noise.mean()) < 4 * std / np.sqrt(noise.size)


@pytest.mark.parametrize("shape", [(20, 20), (10, 20)])
def test_masking_is_one_box_of_the_asked_area_anywhere(shape):
    ones = jnp.ones((400, *shape, 2))
    black = np.asarray(compiled("masking", KEY, ones, 0.25)) == 0
    assert (black.all(-1) == black.any(-1)).all()
    black = black[..., 0]
    np.testing.assert_array_equal(black.mean((1, 2)), 0.25)
    boxes = black.any(2)[:, :, None] & black.any(1)[:, None, :]
    np.testing.assert_array_equal(boxes, black)
    assert black.any(0).all(), "every pixel is masked sometimes"
    assert (np.asarray(compiled("masking", KEY, ones, 1.5)) == 0).all()


def test_fraction_is_the_share_of_images(image):
    many = jnp.full((2000, 4, 4, 1), 0.5)
    changed = (np.asarray(compiled("gaussian", KEY, many, 0.1, 0.3)) != many).any(
        (1, 2, 3)
    )
    assert changed.mean() == pytest.approx(0.3, abs=4 * np.sqrt(0.21 / 2000))
    np.testing.assert_array_equal(compiled("gaussian", KEY, many, 0.1, 0.0), many)
