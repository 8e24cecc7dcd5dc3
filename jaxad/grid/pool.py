"""One array of images for all members, and the rows of it that each of them uses."""

import hashlib
from typing import Any, NamedTuple

import numpy as np

from jaxad.data import Cuts, Places, Splits


class Rows(NamedTuple):
    """Rows of the pool for one split of the data; val holds normals and anomalies.

    train, val, test: (n,) int32. val_label, test_label: (n,) int32, 0 or 1. group: of
    the test patches, as of a `Split`.
    """

    train: np.ndarray
    val: np.ndarray
    val_label: np.ndarray
    test: np.ndarray
    test_label: np.ndarray
    group: np.ndarray | None = None


class Pool:
    """Images of any number of splits, each image kept once; of patches, whole ones.

    Splits of one data set share nearly all images, whatever their protocol, seed or
    fold; equal images are found by their bytes.
    """

    def __init__(self) -> None:
        self._at: dict[bytes, int] = {}
        self._parts: list[np.ndarray] = []
        self._size: int | None = None

    def add(self, splits: Splits) -> Rows:
        """Take the images in; all must have the `form` of the first."""
        train, val, test = (self._rows(split.image) for split in splits)
        labels = splits.val.label, splits.test.label
        return Rows(train, val, labels[0], test, labels[1], splits.test.group)

    @property
    def image(self) -> np.ndarray | Places:
        """(N, H, W, C) uint8 or float32, or the places of patches."""
        self._parts = [np.concatenate(self._parts)]
        whole = self._parts[0]
        return whole if self._size is None else Places(whole, self._size)

    def _rows(self, image: np.ndarray | Cuts) -> np.ndarray:
        if isinstance(image, Cuts):
            self._size = image.places.size
            number = self._take(image.places.whole)
            down, across = image.places.grid
            old, corner = np.divmod(image.rows, down * across)
            return (number[old] * (down * across) + corner).astype(np.int32)
        return self._take(image)

    def _take(self, image: np.ndarray) -> np.ndarray:
        """(n,) int32, the numbers of the images here."""
        rows, new = np.empty(len(image), np.int32), []
        for i, one in enumerate(np.ascontiguousarray(image)):
            digest = hashlib.blake2b(one.data, digest_size=16).digest()
            if digest not in self._at:
                self._at[digest] = len(self._at)
                new.append(i)
            rows[i] = self._at[digest]
        self._parts.append(image[new])
        return rows


def form(image: np.ndarray | Cuts) -> tuple[Any, ...]:
    """Shape of an image and its dtype: what lanes of one group have in common.

    Of patches, with the shape of the images they are cut from.
    """
    whole = image.places.whole.shape[1:3] if isinstance(image, Cuts) else ()
    return (*image.shape[1:], (str(image.dtype), *whole))


def padded(rows: np.ndarray, size: int) -> np.ndarray:
    """Rows (n,) brought to `size` by padding: -1 - row is row as padding."""
    count = size - len(rows)
    return np.concatenate([rows, -1 - np.resize(rows, count)]).astype(np.int32)
