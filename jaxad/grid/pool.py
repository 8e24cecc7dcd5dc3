"""One array of images for all members, and the rows of it that each of them uses."""

import hashlib
from typing import Any, NamedTuple

import numpy as np

from jaxad.batches import needed
from jaxad.data import Cuts, Places, Splits
from jaxad.methods import Taught


class Rows(NamedTuple):
    """Rows of the pool for one split of the data; val holds normals and anomalies.

    train, val, test: (n,) int32. val_label, test_label: (n,) int32, 0 or 1. group: of
    the test patches, as of a `Split`. labelled: rows (n,) int32 of the images that
    methods which learn from labels have more, and their labels; None: there are none.
    """

    train: np.ndarray
    val: np.ndarray
    val_label: np.ndarray
    test: np.ndarray
    test_label: np.ndarray
    group: np.ndarray | None = None
    labelled: tuple[np.ndarray, np.ndarray] | None = None

    def seen(self, labelled: Taught | None) -> "Seen":
        """What a method trains and validates on. labelled: what it learns from labels.
        Raises ConfigError where it finds none."""
        if labelled is None:
            return Seen(self.train, self.val[self.val_label == 0])
        rows, label = needed(self.labelled)
        if labelled == "anomalous":
            own = label == 1
            return Seen(rows[own], self.val, (label[own], self.val_label))
        train = np.concatenate([self.train, rows])
        label = np.concatenate([np.zeros_like(self.train), label])
        return Seen(train, self.val, (label, self.val_label))


class Seen(NamedTuple):
    """Rows of the pool (n,) int32 that a method trains and validates on; the labels of
    both, or None where all are normal."""

    train: np.ndarray
    val: np.ndarray
    labels: tuple[np.ndarray, np.ndarray] | None = None


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
        taught = splits.labelled
        train, val, test = (
            self._rows(split.image, None if taught is None else split.label)
            for split in splits[:3]
        )
        labels = splits.val.label, splits.test.label
        rows = Rows(train, val, labels[0], test, labels[1], splits.test.group)
        if taught is None:
            return rows
        more = self._rows(taught.image, taught.label)
        return rows._replace(labelled=(more, taught.label))

    def __len__(self) -> int:
        """Images so far."""
        return len(self._at)

    @property
    def image(self) -> np.ndarray | Places:
        """(N, H, W, C) uint8 or float32, or the places of patches."""
        self._parts = [np.concatenate(self._parts)]
        whole = self._parts[0]
        return whole if self._size is None else Places(whole, self._size)

    def _rows(
        self, image: np.ndarray | Cuts, label: np.ndarray | None = None
    ) -> np.ndarray:
        if isinstance(image, Cuts):
            self._size = image.places.size
            number = self._take(image.places.whole)
            down, across = image.places.grid
            old, corner = np.divmod(image.rows, down * across)
            return (number[old] * (down * across) + corner).astype(np.int32)
        return self._take(image, label)

    def _take(self, image: np.ndarray, label: np.ndarray | None = None) -> np.ndarray:
        """(n,) int32, the numbers of the images here.

        label: (n,) 0 or 1; images of equal bytes but another label are kept apart, so
        that a row has one label; None: that does not matter.
        """
        rows, new = np.empty(len(image), np.int32), []
        for i, one in enumerate(np.ascontiguousarray(image)):
            mark = b"" if label is None or label[i] == 0 else b"anomalous"
            digest = hashlib.blake2b(one.data, digest_size=16, person=mark).digest()
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
