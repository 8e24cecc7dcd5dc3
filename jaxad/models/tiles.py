"""Which taps of a kernel meet which pixel, where images change their size."""

import numpy as np


def up(size: int, taps: int) -> np.ndarray:
    """Which taps of a kernel meet which small pixel: (size, 2 * reach + 1, taps).

    Output size * i + a reads, at tap t, the small pixel i + (a + t - low) // size.
    """
    low = (taps - 1) // 2
    place = (np.arange(size)[:, None] + np.arange(taps) - low) // size
    reach = np.abs(place).max()
    offsets = np.arange(-reach, reach + 1)
    return (place[:, None] == offsets[:, None]).astype(np.float32)


def between(size: int, taps: int) -> np.ndarray:
    """As `up`, with zeros between the small pixels: only whole multiples meet one.

    The padding `low` is that of `lax.conv_transpose`.
    """
    low = taps - 1 if size > taps - 1 else -(-(taps + size - 2) // 2)
    place = np.arange(size)[:, None] + np.arange(taps) - low
    reach = np.abs(place[place % size == 0]).max(initial=0) // size
    offsets = size * np.arange(-reach, reach + 1)
    return (place[:, None] == offsets[:, None]).astype(np.float32)


def down(count: int, strides: int, low: int) -> tuple[np.ndarray, int]:
    """Which taps meet which pixel of which tile, (strides, tiles, taps).

    And the place of the first tile, from the output's own: output i reads, at tap t,
    pixel strides * i + t - low.
    """
    tile, pixel = np.divmod(np.arange(count) - low, strides)
    first = int(tile.min())
    met = np.zeros((strides, int(tile.max()) - first + 1, count), np.float32)
    met[pixel, tile - first, np.arange(count)] = 1
    return met, first
