"""One array of images for all members, and the rows of it that each of them uses."""

import hashlib
from typing import Any, NamedTuple

import numpy as np

from jaxad.data import Splits


class Rows(NamedTuple):
    """Rows of the pool for one split of the data; val holds normals and anomalies.

    train, val, test: (n,) int32. val_label, test_label: (n,) int32, 0 or 1.
    """

    train: np.ndarray
    val: np.ndarray
    val_label: np.ndarray
    test: np.ndarray
    test_label: np.ndarray


class Pool:
    """Images of any number of splits, each image kept once.

    Splits of one data set share nearly all images, whatever their protocol, seed or
    fold; equal images are found by their bytes.
    """

    def __init__(self) -> None:
        self._at: dict[bytes, int] = {}
        self._parts: list[np.ndarray] = []

    def add(self, splits: Splits) -> Rows:
        """Take the images in; all must have the `form` of the first."""
        train, val, test = (self._rows(split.image) for split in splits)
        return Rows(train, val, splits.val.label, test, splits.test.label)

    @property
    def image(self) -> np.ndarray:
        """(N, H, W, C) uint8 or float32."""
        self._parts = [np.concatenate(self._parts)]
        return self._parts[0]

    def _rows(self, image: np.ndarray) -> np.ndarray:
        rows, new = np.empty(len(image), np.int32), []
        for i, one in enumerate(np.ascontiguousarray(image)):
            digest = hashlib.blake2b(one.data, digest_size=16).digest()
            if digest not in self._at:
                self._at[digest] = len(self._at)
                new.append(i)
            rows[i] = self._at[digest]
        self._parts.append(image[new])
        return rows


def form(image: np.ndarray) -> tuple[Any, ...]:
    """Shape of an image and its dtype: what lanes of one group have in common."""
    return (*image.shape[1:], str(image.dtype))


def padded(rows: np.ndarray, size: int) -> np.ndarray:
    """Rows (n,) brought to `size` by padding: -1 - row is row as padding."""
    count = size - len(rows)
    return np.concatenate([rows, -1 - np.resize(rows, count)]).astype(np.int32)
