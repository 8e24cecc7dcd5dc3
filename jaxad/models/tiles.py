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
    """Which taps meet which small pixel with zeros between these: (size, window, taps).

    Of a tile whose place 0 has its first small pixel at tap size - 1: then a window of
    ceil(taps / size) pixels is enough for all places.
    """
    place, pixel, tap = np.ogrid[:size, : -(-taps // size), :taps]
    return (tap == size * pixel + size - 1 - place).astype(np.float32)


def shift(count: int, strides: int, low: int) -> int:
    """Pixels to put before an image so that a tap row of `down` meets fewest tiles."""

    def met(before: int) -> int:
        return (count - 1 - low + before) // strides - (before - low) // strides

    return min(range(strides), key=met)


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
