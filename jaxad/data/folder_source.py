"""A folder of images as a data set, with its defects and masks."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jaxad.data.arrays import Examples, Source
from jaxad.data.folders import FolderError, Item, Loaded, check, find, load, without
from jaxad.data.images import resize, to_float
from jaxad.data.splits import GOOD
from jaxad.errors import DataError


def load_folder(
    root: str | Path,
    category: str | None = None,
    size: int | None = None,
    channels: int | None = None,
) -> Source:
    """The images of a folder, see `jaxad.data.folders` for the layouts.

    size: side that images are resized to; None: as they are, all of one size.
    channels: 1 for grey, 3 for colour; None: as they are, all alike.
    Class 0 is normal, the others are the kinds of defect by name. Images of 8 bits are
    kept as bytes, others as float32. Masks are kept where every anomalous image has
    one.
    Raises DataError, one line, that names what is wrong: all bad files at once.
    """
    found = find(root, category)
    if problems := check(found, channels):
        raise FolderError(found.root, problems)
    items = without(found.items, problems)
    loaded = load(items, channels)
    images = _alike(loaded, items, size)
    masks = _masks(loaded, size)
    kinds = sorted(set(loaded.defects) - {GOOD})
    names = [GOOD, *kinds]
    label = np.array([names.index(defect) for defect in loaded.defects], np.int32)
    ids = np.array(loaded.ids)
    held = np.array([item.part == "test" for item in items])
    parts = [
        Examples(images[at], label[at], ids[at], None if masks is None else masks[at])
        for at in (~held, held)
    ]
    return Source(
        parts[0], parts[1], _digest(images, label, ids, masks), True, tuple(names)
    )


def _alike(loaded: Loaded, items: Sequence[Item], size: int | None) -> np.ndarray:
    """(N, H, W, C) uint8, or float32 in [0, 1]."""
    bytes_alone = all(image.dtype == np.uint8 for image in loaded.images)
    images = [
        image if bytes_alone else np.asarray(to_float(image)) for image in loaded.images
    ]
    if size is not None:
        return np.concatenate([resize(image[None], size) for image in images])
    for image, item in zip(images, items, strict=True):
        if image.shape != images[0].shape:
            sides = (f"{i.shape[1]}x{i.shape[0]}" for i in (images[0], image))
            raise DataError(
                f"images differ in size ({items[0].id} and {item.id}: "
                f"{' and '.join(sides)}); set data.size to resize them"
            )
    return np.stack(images)


def _masks(loaded: Loaded, size: int | None) -> np.ndarray | None:
    if any(mask is None for mask in loaded.masks) or not loaded.labels.any():
        return None
    masks = [mask.astype(np.uint8) for mask in loaded.masks if mask is not None]
    if size is None:
        return np.stack(masks)
    # Marked where half of a pixel is.
    large = (resize(mask[None, ..., None] * np.uint8(255), size) for mask in masks)
    return (np.concatenate(list(large))[..., 0] >= 128).astype(np.uint8)


def _digest(*arrays: np.ndarray | None) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        if array is not None:
            digest.update(f"{array.shape} {array.dtype}".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
