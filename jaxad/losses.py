"""Reconstruction losses of each example, and anomaly maps of each pixel.

A loss takes recon and target, both (B, H, W, C) float32, and returns (B,) float32, the
mean over pixels and channels. A map takes the same and returns (B, H, W) float32, the
mean over channels; higher is less alike. Values and gradients are finite wherever the
input is, and an example's result does not depend on the rest of its batch.
"""

import math
from collections.abc import Callable
from functools import partial

import dm_pix
import jax
import jax.numpy as jnp
import numpy as np

from jaxad.errors import ConfigError
from jaxad.types import Output

SSIM_WINDOW = 11
"""Side of the Gaussian window in pixels (Wang et al., 2004)."""
SSIM_SIGMA = 1.5
"""Its standard deviation in pixels."""
BCE_EPSILON = 1e-6
"""What `bce` takes the logarithm of is at least this."""


def mse(recon: jax.Array, target: jax.Array) -> jax.Array:
    """Mean squared error."""
    return _pixel_mean(jnp.square(recon - target))


def mae(recon: jax.Array, target: jax.Array) -> jax.Array:
    """Mean absolute error; its gradient at equality is 0."""
    return _pixel_mean(jnp.abs(recon - target))


def bce(recon: jax.Array, target: jax.Array) -> jax.Array:
    """Binary cross-entropy in nats; recon and target in [0, 1], target may be grey.

    recon is clipped to [0, 1], its logarithms are of at least BCE_EPSILON: a pixel
    that is wrong by 1 costs 13.8 and passes no gradient.
    """
    return _pixel_mean(_cross_entropy(recon, target))


def label_bce(logit: jax.Array, label: jax.Array) -> jax.Array:
    """Binary cross-entropy of labels in nats, (B,) float32.

    logit: (B,) float32, the log odds of label 1; label: (B,) int32, 0 or 1. A sure
    answer, right or wrong, keeps its gradient: no probability is rounded to 0 or 1.
    """
    return jax.nn.softplus(jnp.where(label == 1, -logit, logit))


def ssim(recon: jax.Array, target: jax.Array) -> jax.Array:
    """1 - SSIM (Wang et al., 2004), in [0, 2] to 3e-4; images in [0, 1].

    Averaged over the positions where the window lies inside the image. The sides must
    be at least SSIM_WINDOW: see `check_ssim`.
    """
    return _pixel_mean(1 - _ssim_inside(recon, target))


def negative_elbo(
    output: Output,
    target: jax.Array,
    likelihood: str,
    variance: float | None,
    beta: jax.Array | float,
) -> jax.Array:
    """Negative evidence lower bound in nats a pixel (Kingma and Welling, 2014, eq. 10).

    output: one draw of a variational model, recon in [0, 1] for "bernoulli".
    variance: of the pixels under "gaussian"; None: exp(output.noise_logvar).
    beta: weight of the divergence (Higgins et al., 2017). Returns (B,) float32: the
    negative log likelihood of the draw plus beta KL(posterior, N(0, 1)), both summed,
    over the number of pixel values.
    """
    if likelihood == "bernoulli":
        unlikely = bce(output.recon, target)
    else:
        logvar = output.noise_logvar
        if variance is not None:
            logvar = jnp.float32(math.log(variance))
        elif logvar is None:
            raise ConfigError("the model learns no variance; set loss.variance")
        error = mse(output.recon, target) * jnp.exp(-logvar)
        unlikely = 0.5 * (error + logvar + math.log(2 * math.pi))
    pixels = target.size // target.shape[0]
    return unlikely + beta * jnp.sum(divergence(output), 1) / pixels


def divergence(output: Output) -> jax.Array:
    """KL(posterior, N(0, 1)) of each latent number in nats, (B, D).

    Raises ConfigError where the model has no posterior.
    """
    mean, logvar = output.mean, output.logvar
    if mean is None or logvar is None:
        raise ConfigError("elbo needs a variational model; choose model.kind vae")
    return 0.5 * (jnp.square(mean) + jnp.exp(logvar) - 1 - logvar)


def focal(logit: jax.Array, mask: jax.Array, gamma: jax.Array | float) -> jax.Array:
    """Focal loss in nats (Lin et al., arXiv:1708.02002, eq. 4), without weights.

    logit: (B, H, W) float32, of a pixel being anomalous. mask: (B, H, W) bool.
    gamma: >= 0, 0 is cross-entropy; may be traced. Returns (B,) float32.
    """
    right = jnp.where(mask, logit, -logit)
    wrong = jax.nn.softplus(-right)  # -log p; 1 - p = exp(-softplus(right))
    return jnp.mean(jnp.exp(-gamma * jax.nn.softplus(right)) * wrong, (1, 2))


LOSSES: dict[str, Callable[[jax.Array, jax.Array], jax.Array]] = {
    "mse": mse,
    "mae": mae,
    "bce": bce,
    "ssim": ssim,
}


def check_ssim(height: int, width: int) -> None:
    """Raise ConfigError where SSIM's window does not fit an image of this size."""
    if min(height, width) < SSIM_WINDOW:
        raise ConfigError(
            f"ssim needs images of at least {SSIM_WINDOW}x{SSIM_WINDOW} pixels, these "
            f"have {height}x{width}: choose another loss or score, or larger images"
        )


def squared_error_map(recon: jax.Array, target: jax.Array) -> jax.Array:
    """Squared error of each pixel."""
    return jnp.mean(jnp.square(recon - target), -1)


def absolute_error_map(recon: jax.Array, target: jax.Array) -> jax.Array:
    """Absolute error of each pixel."""
    return jnp.mean(jnp.abs(recon - target), -1)


def cross_entropy_map(recon: jax.Array, target: jax.Array) -> jax.Array:
    """Binary cross-entropy of each pixel, as `bce`."""
    return jnp.mean(_cross_entropy(recon, target), -1)


def ssim_map(recon: jax.Array, target: jax.Array) -> jax.Array:
    """1 - SSIM of the window centred on each pixel.

    SSIM_WINDOW // 2 pixels from the border and less, where the window would leave the
    image, the nearest value inside is repeated.
    """
    inside = jnp.mean(1 - _ssim_inside(recon, target), -1)
    border = SSIM_WINDOW // 2
    return jnp.pad(inside, ((0, 0), (border, border), (border, border)), mode="edge")


def _pixel_mean(values: jax.Array) -> jax.Array:
    return jnp.mean(values, (1, 2, 3))


def _cross_entropy(recon: jax.Array, target: jax.Array) -> jax.Array:
    recon = jnp.clip(recon, 0.0, 1.0)
    on = jnp.log(jnp.maximum(recon, BCE_EPSILON))
    off = jnp.log(jnp.maximum(1 - recon, BCE_EPSILON))
    return -target * on - (1 - target) * off


def _ssim_inside(recon: jax.Array, target: jax.Array) -> jax.Array:
    """SSIM at each window position: (B, H - 10, W - 10, C)."""
    check_ssim(*recon.shape[1:3])
    height, width = recon.shape[1:3]
    blur = partial(_blur, _blur_matrix(height), _blur_matrix(width))
    return dm_pix.ssim(recon, target, filter_fn=blur, return_map=True)


def _blur_matrix(size: int) -> np.ndarray:
    """The 1-D Gaussian window as a banded matrix: (size - 10, size) float32."""
    offset = np.arange(SSIM_WINDOW) - SSIM_WINDOW // 2
    window = np.exp(-0.5 * (offset / SSIM_SIGMA) ** 2)
    rows = [
        np.pad(window, (i, size - SSIM_WINDOW - i))
        for i in range(size - SSIM_WINDOW + 1)
    ]
    return (np.stack(rows) / window.sum()).astype(np.float32)


def _blur(rows: np.ndarray, columns: np.ndarray, image: jax.Array) -> jax.Array:
    """Blur along both axes. Products of matrices: loops run them fast on any device."""
    exact = jax.lax.Precision.HIGHEST
    image = jnp.einsum("ph,bhwc->bpwc", rows, image, precision=exact)
    return jnp.einsum("qw,bpwc->bpqc", columns, image, precision=exact)
