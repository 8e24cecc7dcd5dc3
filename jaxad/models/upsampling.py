"""Convolutions whose output is larger than their input."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxad.models import tiles
from jaxad.models.convolution import Pads, conv2d
from jaxad.models.pooling import upsample


def upsample_conv2d(image: jax.Array, kernel: jax.Array, size: int = 2) -> jax.Array:
    """`conv2d(upsample(image, size), kernel)` without the large image, to rounding.

    Of one output tile, every pixel sees the same few pixels of the small image: the
    kernel is summed into one small kernel for each place in the tile, and their outputs
    interleaved (sub-pixel convolution, Shi et al., 2016).

    image: (B, H, W, C) float32; kernel: (kh, kw, C, D) float32.
    Returns (B, size * H, size * W, D) float32.
    """
    if image.dtype != jnp.float32:
        return conv2d(upsample(image, size), kernel)
    rows, columns = (tiles.up(size, n) for n in kernel.shape[:2])
    return _interleaved(image, kernel, rows, columns)


def transposed_conv2d(image: jax.Array, kernel: jax.Array, size: int = 2) -> jax.Array:
    """`lax.conv_transpose(image, kernel, (size, size), "SAME")`, to rounding.

    That is the convolution of the image with zeros between its pixels (fractionally
    strided, Dumoulin and Visin, arXiv:1603.07285). Here the zeros are left out: each
    place in an output tile has a small kernel of the taps that meet pixels, as in
    `upsample_conv2d`, so that it is as fast as a convolution, gradients included. The
    tiles lie so that these kernels are as small as can be: with 4 taps of size 2 no tap
    is computed in vain.

    image: (B, H, W, C) float32; kernel: (kh, kw, C, D) float32.
    Returns (B, size * H, size * W, D) float32.
    """
    (rows, top), (columns, left) = (
        _lie(size, taps, side)
        for taps, side in zip(kernel.shape[:2], image.shape[1:3], strict=True)
    )
    met = [tiles.between(size, n) for n in kernel.shape[:2]]
    found = _interleaved(image, kernel, met[0], met[1], (rows, columns))
    height, width = (size * n for n in image.shape[1:3])
    return found[:, top : top + height, left : left + width]


def _lie(size: int, taps: int, side: int) -> tuple[tuple[int, int], int]:
    """Pixels that tiles meet before and after an image, and the first output pixel.

    The padding `low` is that of `lax.conv_transpose`.
    """
    low = taps - 1 if size > taps - 1 else -(-(taps + size - 2) // 2)
    away = low + 1 - size
    first, last = -away // size, (size * side - 1 - away) // size
    return (-first, last + -(-taps // size) - side), -away - size * first


def _interleaved(
    image: jax.Array,
    kernel: jax.Array,
    rows: np.ndarray,
    columns: np.ndarray,
    pads: str | Pads = "SAME",
) -> jax.Array:
    """Convolve with a small kernel for each place in a tile; put the tiles together.

    rows, columns: (size, window, taps), which taps meet which pixel.
    """
    size = len(rows)
    phases = jnp.einsum("aut,bvs,tscd->uvcabd", rows, columns, kernel)
    found = conv2d(image, phases.reshape(*phases.shape[:3], -1), padding=pads)
    batch, height, width, _ = found.shape
    found = found.reshape(batch, height, width, size, size, -1).swapaxes(2, 3)
    return found.reshape(batch, size * height, size * width, -1)
