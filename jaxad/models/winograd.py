"""3x3 convolutions with a quarter of the multiplications, as matrix products.

A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural Networks",
arXiv:1509.09308: F(4x4, 3x3). Windows of 6x6 pixels are transformed by sums, each of
their 36 places is multiplied by a matrix over the channels, and the products are
transformed back to tiles of 4x4. Rounding errors are about 1e-5 of the largest value,
ten times those of plain sums of products.
"""

import operator
from collections.abc import Sequence
from functools import reduce

import jax
import jax.numpy as jnp
import numpy as np

TILE, WINDOW = 4, 6
_INPUT = np.array(
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ],
    np.float32,
)
_KERNEL = np.array(
    [
        [1 / 4, 0, 0],
        [-1 / 6, -1 / 6, -1 / 6],
        [-1 / 6, 1 / 6, -1 / 6],
        [1 / 24, 1 / 12, 1 / 6],
        [1 / 24, -1 / 12, 1 / 6],
        [0, 0, 1],
    ],
    np.float32,
)
_OUTPUT = np.array(
    [
        [1, 1, 1, 1, 1, 0],
        [0, 1, -1, 2, -2, 0],
        [0, 1, 1, 4, 4, 0],
        [0, 1, -1, 8, -8, 1],
    ],
    np.float32,
)


def conv(image: jax.Array, kernel: jax.Array) -> jax.Array:
    """image (B, H, W, C) and kernel (3, 3, C, D), padded with zeros: (B, H, W, D)."""
    batch, height, width, _ = image.shape
    rows, columns = _tiles(height), _tiles(width)
    weights = jnp.einsum("ai,bj,ijcd->abcd", _KERNEL, _KERNEL, kernel)
    # One product each: a single batched one is slower, and would copy all windows.
    found = [
        [
            (window @ weights[i, j]).reshape(batch, rows, columns, -1)
            for j, window in enumerate(line)
        ]
        for i, line in enumerate(_windows(image))
    ]
    across = [_sums(_OUTPUT, line) for line in found]
    both = zip(
        *(_sums(_OUTPUT, line) for line in zip(*across, strict=True)), strict=True
    )
    # (B, rows, TILE, columns, TILE, D)
    whole = jnp.stack([jnp.stack(line, 3) for line in both], 2)
    whole = whole.reshape(batch, rows * TILE, columns * TILE, -1)
    return whole[:, :height, :width]


def kernel_gradient(image: jax.Array, cotangent: jax.Array) -> jax.Array:
    """Of `conv` for its kernel: (3, 3, C, D), from cotangent (B, H, W, D)."""
    _, height, width, features = cotangent.shape
    pads = (0, -height % TILE), (0, -width % TILE)
    padded = jnp.pad(cotangent, ((0, 0), *pads, (0, 0)))
    down = _sums(_OUTPUT.T, [padded[:, i::TILE] for i in range(TILE)])
    products = [
        _sums(_OUTPUT.T, [line[:, :, j::TILE] for j in range(TILE)]) for line in down
    ]
    weights = [
        [
            window.T @ product.reshape(-1, features)
            for window, product in zip(*lines, strict=True)
        ]
        for lines in zip(_windows(image), products, strict=True)
    ]
    grads = jnp.stack([jnp.stack(line) for line in weights])
    return jnp.einsum("ai,bj,abcd->ijcd", _KERNEL, _KERNEL, grads)


def _windows(image: jax.Array) -> list[list[jax.Array]]:
    """The transformed windows: for each place in one, that of all tiles, (n, C)."""
    height, width, channels = image.shape[1:]
    rows, columns = _tiles(height), _tiles(width)
    pads = (1, 1 - height + rows * TILE), (1, 1 - width + columns * TILE)
    padded = jnp.pad(image, ((0, 0), *pads, (0, 0)))
    last_row, last_column = TILE * (rows - 1) + 1, TILE * (columns - 1) + 1
    down = _sums(_INPUT, [padded[:, i : i + last_row : TILE] for i in range(WINDOW)])
    both = [
        _sums(_INPUT, [line[:, :, j : j + last_column : TILE] for j in range(WINDOW)])
        for line in down
    ]
    return [[window.reshape(-1, channels) for window in line] for line in both]


def _sums(matrix: np.ndarray, parts: Sequence[jax.Array]) -> list[jax.Array]:
    """The matrix times a vector of arrays, term by term, without those that are 0."""

    def one(row: np.ndarray) -> jax.Array:
        pairs = zip(row, parts, strict=True)
        terms = [part if f == 1 else f * part for f, part in pairs if f]
        return reduce(operator.add, terms)

    return [one(row) for row in matrix]


def _tiles(side: int) -> int:
    return -(-side // TILE)
