"""What a data set is before any protocol, and a user's own arrays as one."""

import hashlib
from typing import Any, NamedTuple, Optional

import numpy as np

from jaxad.display.tables import size
from jaxad.errors import DataError


class Examples(NamedTuple):
    """Images of one split, in the order of their ids.

    image: (N, H, W, C) uint8, or float32 in [0, 1]; may be a read-only memory map, or
        `Stored` in its files.
    label: (N,) int32, the class; of a user's arrays 0 normal, 1 anomalous, or the
        class where the protocol asks for classes.
    id: (N,) str.
    mask: (N, H, W) bool or uint8, not 0 where a pixel is anomalous; None: no masks.
    """

    image: Any
    label: np.ndarray
    id: np.ndarray
    mask: np.ndarray | None = None

    def __repr__(self) -> str:
        words = f"{len(self.image):,} images {size(self.image.shape[1:])}"
        masks = "" if self.mask is None else " with masks"
        return f"Examples({words}{masks}, {len(np.unique(self.label))} classes)"


class Source(NamedTuple):
    """A data set before any protocol.

    fingerprint: a digest of all it holds.
    labelled: the labels are a user's own. A protocol that does not take them for
        classes takes them for 0 normal and 1 anomalous; without such labels all
        images are normal.
    classes: names of the classes, in the order of their numbers; may be empty.
    other: the source of the anomalies of the protocol `other_dataset`.
    left_out: of a folder, what was left out: an image's id, or the path of a file that
        belongs to none, and why.
    """

    train: Examples
    test: Examples | None
    fingerprint: str
    labelled: bool = False
    classes: tuple[str, ...] = ()
    other: Optional["Source"] = None
    left_out: tuple[tuple[str, str], ...] = ()

    def class_name(self, number: int) -> str:
        """The name of a class, or its number as text."""
        return self.classes[number] if number < len(self.classes) else str(number)


def from_arrays(
    images: np.ndarray,
    labels: np.ndarray | None = None,
    masks: np.ndarray | None = None,
) -> Source:
    """A user's arrays as a source without a test split.

    images: (N, H, W) or (N, H, W, C), uint8, or floats in [0, 1].
    labels: (N,) 0 normal, 1 anomalous, or classes from 0, as the protocol takes them;
        None: all normal.
    masks: (N, H, W), not 0 where a pixel is anomalous, and nowhere in a normal image;
        the protocol `defects` reads them. None: no masks.
    Raises DataError for another shape, type or range, and for NaN.
    """
    image = _checked_images(np.asarray(images))
    label = np.zeros(len(image)) if labels is None else np.asarray(labels)
    if label.shape != (len(image),):
        raise DataError(
            f"labels must be of shape {(len(image),)}, one an image, not {label.shape}"
        )
    if not np.isin(label, np.arange(2**15)).all():
        raise DataError("labels must be whole numbers from 0 to 32767")
    label = label.astype(np.int32)
    digest = hashlib.sha256(f"{image.shape} {image.dtype}".encode())
    digest.update(np.ascontiguousarray(image).data)
    digest.update(label.data)
    ids = np.array([f"{number:06d}" for number in range(len(image))])
    mask = None if masks is None else _checked_masks(np.asarray(masks), image, label)
    if mask is not None:
        digest.update(mask.data)
    examples = Examples(image, label, ids, mask)
    return Source(examples, None, digest.hexdigest(), labelled=bool(label.any()))


def _checked_masks(
    mask: np.ndarray, image: np.ndarray, label: np.ndarray
) -> np.ndarray:
    """(N, H, W) uint8, 1 where a pixel is anomalous."""
    mask = mask[..., 0] if mask.ndim == 4 and mask.shape[3] == 1 else mask
    if mask.shape != image.shape[:3]:
        raise DataError(
            f"masks must be of shape {image.shape[:3]}, one an image, not {mask.shape}"
        )
    marked = (mask != 0).astype(np.uint8)
    wrong = np.flatnonzero((label == 0) & marked.any((1, 2)))
    if len(wrong):
        raise DataError(
            f"image {wrong[0]} is labelled normal, but its mask marks pixels"
        )
    return marked


def _checked_images(image: np.ndarray) -> np.ndarray:
    if image.ndim == 3:
        image = image[..., None]
    if image.ndim != 4 or 0 in image.shape:
        raise DataError(
            f"images must be (N, H, W) or (N, H, W, C) and not empty, not {image.shape}"
        )
    if image.dtype == np.uint8:
        return image
    if not np.issubdtype(image.dtype, np.floating):
        raise DataError(f"images must be uint8 or floats in [0, 1], not {image.dtype}")
    low, high = image.min(), image.max()
    if not (low >= 0 and high <= 1):  # false for NaN as well
        raise DataError(
            f"images of type {image.dtype} must lie in [0, 1] without NaN, "
            f"not in [{low:g}, {high:g}]"
        )
    return image.astype(np.float32)
