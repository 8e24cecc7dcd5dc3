"""Convolutions whose output is larger than their input."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxad.models import tiles
from jaxad.models.convolution import conv2d


def upsample_conv2d(image: jax.Array, kernel: jax.Array, size: int = 2) -> jax.Array:
    """`conv2d(upsample(image, size), kernel)` without the large image, to rounding.

    Of one output tile, every pixel sees the same few pixels of the small image: the
    kernel is summed into one small kernel for each place in the tile, and their outputs
    interleaved (sub-pixel convolution, Shi et al., 2016).

    image: (B, H, W, C) float32; kernel: (kh, kw, C, D) float32.
    Returns (B, size * H, size * W, D) float32.
    """
    return _interleaved(image, kernel, *(tiles.up(size, n) for n in kernel.shape[:2]))


def transposed_conv2d(image: jax.Array, kernel: jax.Array, size: int = 2) -> jax.Array:
    """`lax.conv_transpose(image, kernel, (size, size), "SAME")`, to rounding.

    That is the convolution of the image with zeros between its pixels (fractionally
    strided, Dumoulin and Visin, arXiv:1603.07285). Here the zeros are left out: each
    place in an output tile has a small kernel of the taps that meet pixels, as in
    `upsample_conv2d`, so that it is as fast as a convolution, gradients included.

    image: (B, H, W, C) float32; kernel: (kh, kw, C, D) float32.
    Returns (B, size * H, size * W, D) float32.
    """
    taps = (tiles.between(size, n) for n in kernel.shape[:2])
    return _interleaved(image, kernel, *taps)


def _interleaved(image, kernel, rows: np.ndarray, columns: np.ndarray) -> jax.Array:
    """Convolve with a small kernel for each place in a tile; put the tiles together.

    rows, columns: (size, window, taps), which taps meet which pixel.
    """
    batch, height, width, _ = image.shape
    size = len(rows)
    phases = jnp.einsum("aut,bvs,tscd->uvcabd", rows, columns, kernel)
    found = conv2d(image, phases.reshape(*phases.shape[:3], -1))
    found = found.reshape(batch, height, width, size, size, -1).swapaxes(2, 3)
    return found.reshape(batch, size * height, size * width, -1)
