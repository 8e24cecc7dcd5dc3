"""A folder of images as a data set, with its defects and masks."""

import hashlib
from collections.abc import Iterable

import numpy as np

from jaxad.config.data import Data
from jaxad.data.arrays import Examples, Source
from jaxad.data.folders import FolderError, Stored, Wanted, check, find, leave_out
from jaxad.data.folders_stored import masks as read_masks
from jaxad.data.folders_stored import picked
from jaxad.data.splits import GOOD
from jaxad.errors import DataError
from jaxad.progress import counted


def load_folder(data: Data) -> Source:
    """The images of the folder `data.root`, see `jaxad.data.folders` for the layouts.

    Class 0 is normal, the others are the kinds of defect by name. Images of 8 bits are
    kept as bytes, others as float32; with `data.stream` they stay in their files. Masks
    are kept, in memory, where every anomalous image has one.
    Raises DataError, one line, that names what is wrong: all bad files at once. With
    `data.problems` leave_out it goes on without them, if a normal image is left.
    """
    assert data.root is not None
    found = find(data.root, data.category)
    wanted = Wanted(data.channels, data.size, data.fit, data.declared)
    checked = check(found, wanted)
    if checked.problems and data.problems == "stop":
        raise FolderError(found.root, checked.problems)
    items, gone = leave_out(found, checked.problems)
    if not any(item.label == 0 and item.part == "train" for item in items):
        error = FolderError(found.root, checked.problems)
        raise DataError(f"no normal image to train on is without a problem: {error}")
    stored = Stored.of(items, checked.forms, wanted)
    images: np.ndarray | Stored = stored
    if not data.stream:
        images = np.empty(stored.shape, stored.dtype)
        each = counted(stored.each(), "images read", len(stored))
        for place, image in zip(images, each, strict=True):
            place[...] = image
    masks = read_masks(items, checked.forms, wanted)
    kinds = sorted({item.defect for item in items} - {GOOD})
    names = [GOOD, *kinds]
    label = np.array([names.index(item.defect) for item in items], np.int32)
    ids = np.array([item.id for item in items])
    held = np.array([item.part == "test" for item in items])
    train, test = (
        Examples(
            picked(images, at), label[at], ids[at], None if masks is None else masks[at]
        )
        for at in (~held, held)
    )
    return Source(
        train,
        test if held.any() else None,
        _digest(images, label, ids, masks),
        bool(label.any()),
        tuple(names),
        left_out=gone,
    )


def _digest(images: np.ndarray | Stored, *arrays: np.ndarray | None) -> str:
    """The same of images in memory and of those in their files."""
    digest = hashlib.sha256(f"{images.shape} {images.dtype}".encode())
    each: Iterable[np.ndarray] = images.each() if isinstance(images, Stored) else images
    for image in each:
        digest.update(np.ascontiguousarray(image).tobytes())
    for array in arrays:
        if array is not None:
            digest.update(f"{array.shape} {array.dtype}".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
