import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st
from skimage.metrics import structural_similarity
from sklearn.metrics import log_loss, mean_absolute_error, mean_squared_error

from jaxad import losses
from jaxad.errors import ConfigError

SHAPE = (6, 14, 17, 2)
MAPS = {
    "mse": losses.squared_error_map,
    "mae": losses.absolute_error_map,
    "ssim": losses.ssim_map,
}


@jax.jit
def evaluate(recon, target):
    values = {name: loss(recon, target) for name, loss in losses.LOSSES.items()}
    return values, {name: of(recon, target) for name, of in MAPS.items()}


@jax.jit
def gradients(recon, target):
    def total(loss):
        return jax.grad(lambda recon: jnp.sum(loss(recon, target)))(recon)

    return {name: total(loss) for name, loss in losses.LOSSES.items()}


def pictures(seed, contrast=1.0):
    """Smooth, noisy, constant, black, white and binary images, (6, 14, 17, 2)."""
    rng = np.random.default_rng(seed)
    image = rng.uniform(size=SHAPE)
    image[0] = np.linspace(0, 1, SHAPE[2])[:, None]
    image[2], image[3], image[4] = rng.uniform(), 0, 1
    image[5] = np.round(image[5])
    return (contrast * image).astype(np.float32)


def cross_entropy(recon, target):
    """scikit-learn takes hard labels only: each pixel becomes two weighted ones."""
    p = np.clip(recon.ravel().astype(float), losses.BCE_EPSILON, 1 - losses.BCE_EPSILON)
    y = target.ravel().astype(float)
    labels = np.repeat([1, 0], y.size)
    return 2 * log_loss(labels, np.r_[p, p], sample_weight=np.r_[y, 1 - y]) / 2


def similarity(recon, target):
    return structural_similarity(
        recon.astype(float),
        target.astype(float),
        gaussian_weights=True,
        sigma=losses.SSIM_SIGMA,
        use_sample_covariance=False,
        data_range=1.0,
        channel_axis=-1,
        full=True,
    )


@given(st.integers(0, 10**6), st.floats(0.01, 1.0))
@budget(max_examples=20)
def test_losses_and_maps_equal_the_goldens(seed, contrast):
    recon, target = pictures(seed, contrast), pictures(seed + 1)
    values, maps = jax.device_get(evaluate(recon, target))
    for i, (p, t) in enumerate(zip(recon, target, strict=True)):
        ssim, full = similarity(p, t)
        flat = p.ravel(), t.ravel()
        golden = {
            "mse": mean_squared_error(*flat),
            "mae": mean_absolute_error(*flat),
            "bce": cross_entropy(p, t),
            "ssim": 1 - ssim,
        }
        for name, expected in golden.items():
            # Variances of flat windows cancel: float32 leaves 1e-7 beside k2 of 9e-4.
            close = 3e-4 if name == "ssim" else 2e-5
            assert values[name][i] == pytest.approx(expected, rel=2e-5, abs=close), name
        inside = slice(5, -5), slice(5, -5)
        dissimilarity = 1 - full.mean(-1)[inside]
        np.testing.assert_allclose(maps["ssim"][i][inside], dissimilarity, atol=3e-4)
        border = np.pad(maps["ssim"][i][inside], 5, mode="edge")
        np.testing.assert_array_equal(maps["ssim"][i], border)
        np.testing.assert_allclose(maps["mse"][i], ((p - t) ** 2).mean(-1), atol=1e-6)
        np.testing.assert_allclose(maps["mae"][i], abs(p - t).mean(-1), atol=1e-6)


@pytest.mark.parametrize("offset", range(6))
def test_values_and_gradients_are_finite_between_any_two_extremes(offset):
    recon = pictures(0)
    target = np.roll(recon, offset, 0)
    values, maps = evaluate(recon, target)
    for tree in (values, maps, gradients(recon, target)):
        assert all(np.isfinite(leaf).all() for leaf in tree.values())
    if offset == 0:
        for name in MAPS:
            np.testing.assert_allclose(values[name], 0, atol=1e-6)


def test_gradients_point_uphill():
    # Away from 0 and 1, where the curvature of the cross-entropy is unbounded.
    recon, target = 0.2 + 0.6 * pictures(3)[[1]], pictures(4)[[1]]
    for name, grad in gradients(recon, target).items():
        loss = losses.LOSSES[name]
        step = 1e-3 * grad / jnp.linalg.norm(grad.ravel())
        rise = loss(recon + step, target) - loss(recon - step, target)
        slope, expected = float(rise[0]) / 2e-3, float(jnp.linalg.norm(grad.ravel()))
        assert slope == pytest.approx(expected, rel=2e-2), name


def test_an_example_does_not_depend_on_its_company():
    recon, target = pictures(0), pictures(7)
    order = np.array([4, 4, 1, 0, 5, 2])
    values, maps = evaluate(recon, target)
    shuffled = evaluate(recon[order], target[order])
    for one, other in zip((values, maps), shuffled, strict=True):
        for name in one:
            np.testing.assert_array_equal(one[name][order], other[name])


def test_ssim_refuses_images_smaller_than_its_window():
    losses.check_ssim(11, 11)
    with pytest.raises(ConfigError, match=r"at least 11x11 .* have 10x28"):
        losses.check_ssim(10, 28)
    small = jnp.zeros((1, 10, 28, 1))
    for call in (losses.ssim, losses.ssim_map):
        with pytest.raises(ConfigError):
            call(small, small)
