"""Patches of whole images, cut when they are asked for and never stored.

A patch is known by its place, one whole number: the image it is of and its corner
there. So a data set of patches is its images and a list of numbers, on the host as on
the device, and whatever asks an array of images for some rows can ask these.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxad.errors import DataError


@partial(jax.tree_util.register_dataclass, data_fields=["whole"], meta_fields=["size"])
@dataclass(frozen=True)
class Places:
    """Every patch of some images, at every place of them, as if each were stored.

    whole: (N, H, W, C) uint8 or float32, a NumPy or a JAX array. size: side in pixels.
    `places[rows]` is (n, size, size, C) for places (n,) int32; there are
    N (H - size + 1) (W - size + 1) of them, image by image and row by row.
    Raises DataError where their numbers leave int32.
    """

    whole: Any
    size: int

    def __post_init__(self) -> None:
        if hasattr(self.whole, "shape") and self.shape[0] > np.iinfo(np.int32).max:
            raise DataError(
                f"{self.whole.shape[0]} images of {self.whole.shape[1]}x"
                f"{self.whole.shape[2]} pixels have more places for a patch than can "
                "be numbered (2^31); give fewer or smaller images"
            )

    @property
    def grid(self) -> tuple[int, int]:
        """Places down and across one image."""
        return self.whole.shape[1] - self.size + 1, self.whole.shape[2] - self.size + 1

    @property
    def shape(self) -> tuple[int, ...]:
        down, across = self.grid
        count = self.whole.shape[0] * down * across
        return count, self.size, self.size, self.whole.shape[3]

    @property
    def dtype(self) -> Any:
        return self.whole.dtype

    def corner(self, rows: Any) -> tuple[Any, Any, Any]:
        """Image, top and left of places, each of the shape of `rows`."""
        down, across = self.grid
        return rows // (down * across), rows // across % down, rows % across

    def sums(self) -> np.ndarray:
        """(places,) int32: sum of the values of every patch, of images of bytes."""
        pads = ((0, 0), (1, 0), (1, 0), (0, 0))
        table = np.pad(np.asarray(self.whole), pads).astype(np.int32)
        table = table.cumsum(1).cumsum(2).sum(3)
        n = self.size
        found = table[:, n:, n:] - table[:, :-n, n:] - table[:, n:, :-n]
        return (found + table[:, :-n, :-n]).reshape(-1)

    def __getitem__(self, rows: Any) -> Any:
        image, top, left = self.corner(rows)
        if isinstance(self.whole, np.ndarray):
            window = (self.size, self.size)
            views = np.lib.stride_tricks.sliding_window_view(self.whole, window, (1, 2))
            return np.moveaxis(views[image, top, left], -3, -1)
        cut = (1, self.size, self.size, self.whole.shape[3])
        zero = jnp.int32(0)

        def one(image, top, left):
            return jax.lax.dynamic_slice(self.whole, (image, top, left, zero), cut)[0]

        return jax.vmap(one)(image, top, left)


@dataclass(frozen=True)
class Cuts:
    """Some of the patches of some images, in an order, as if they were an array.

    rows: (n,) int32 places. It has the `shape`, `dtype` and length of the array
    (n, size, size, C), and its items: a number, a slice, numbers or booleans.
    """

    places: Places
    rows: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        return len(self.rows), *self.places.shape[1:]

    @property
    def image(self) -> np.ndarray:
        """(n,) int32 from 0 on, the image of each, counted among those that occur."""
        number = self.places.corner(self.rows)[0]
        return np.unique(number, return_inverse=True)[1].astype(np.int32)

    @property
    def ndim(self) -> int:
        return 4

    @property
    def dtype(self) -> Any:
        return self.places.dtype

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Any) -> np.ndarray:
        return self.places[self.rows[index]]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.places[self.rows], dtype)


def tiles(length: int, size: int, stride: int) -> np.ndarray:
    """Offsets of patches along a side: every `stride` pixels, and the last one.

    So the border is covered however long the side is. Raises DataError where the side
    is shorter than a patch.
    """
    if length < size:
        raise DataError(f"a side of {length} pixels is shorter than a patch of {size}")
    found = np.arange(0, length - size + 1, stride)
    last = length - size
    return found if found[-1] == last else np.append(found, last)


def tiled(places: Places, stride: int) -> np.ndarray:
    """Places (n,) int32 of overlapping tiles that cover all images, in their order."""
    down, across = places.grid
    images = np.arange(places.whole.shape[0])
    top = tiles(places.whole.shape[1], places.size, stride)
    left = tiles(places.whole.shape[2], places.size, stride)
    corner = (top[:, None] * across + left[None]).ravel()
    return (images[:, None] * (down * across) + corner[None]).ravel().astype(np.int32)


def drawn(key: jax.Array, places: Places, count: int) -> np.ndarray:
    """Places (N * count,) int32 of random crops, `count` of each image."""
    down, across = places.grid
    images = np.arange(places.whole.shape[0])
    corner = jax.random.randint(key, (len(images), count), 0, down * across)
    return (images[:, None] * (down * across) + np.asarray(corner)).ravel().astype("i4")


def stitched(
    maps: Callable[[np.ndarray], np.ndarray],
    image: np.ndarray,
    size: int,
    stride: int,
    block: int,
) -> Iterator[np.ndarray]:
    """Maps of an image of any size, from those of its tiles, averaged.

    maps: patches (n, size, size, C) -> K maps of each, (n, size, size, K) float32.
    image: (H, W, C). block: patches at a time, to about a row of tiles.
    Yields bands (h, W, K) float32 from top to bottom, of all rows together: what is
    held at a time depends on the width alone. Raises DataError for an image smaller
    than a tile.
    """
    height, width = image.shape[:2]
    top, left = tiles(height, size, stride), tiles(width, size, stride)
    total: np.ndarray | None = None
    count = np.zeros((size, width, 1), np.float32)
    at_once = max(1, block // len(left))
    for first in range(0, len(top), at_once):
        rows = top[first : first + at_once]
        corners = [(y, x) for y in rows for x in left]
        cut = np.stack([image[y : y + size, x : x + size] for y, x in corners])
        found = maps(cut)
        found = found.reshape(len(rows), len(left), size, size, found.shape[-1])
        if total is None:
            total = np.zeros((size, width, found.shape[-1]), np.float32)
        for i, row in enumerate(rows, first):
            for x, one in zip(left, found[i - first], strict=True):
                total[:, x : x + size] += one
                count[:, x : x + size] += 1
            done = (top[i + 1] if i + 1 < len(top) else height) - row
            yield total[:done] / count[:done]
            total, count = (np.roll(part, -done, 0) for part in (total, count))
            total[size - done :], count[size - done :] = 0, 0
