"""Data: sets by name, a user's arrays, splits and protocols, augmentation."""

from jaxad.data.arrays import Examples, Source, from_arrays
from jaxad.data.augment import augment
from jaxad.data.files import read_image
from jaxad.data.images import resize, to_float
from jaxad.data.protocols import (
    corrupted_copies,
    split,
    split_corrupted,
    split_labelled,
)
from jaxad.data.sources import load, names, prepare, verify
from jaxad.data.splits import Split, Splits

__all__ = [
    "Examples",
    "Source",
    "Split",
    "Splits",
    "augment",
    "corrupted_copies",
    "from_arrays",
    "load",
    "names",
    "prepare",
    "read_image",
    "resize",
    "split",
    "split_corrupted",
    "split_labelled",
    "to_float",
    "verify",
]
