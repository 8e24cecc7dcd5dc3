"""Data: sets by name, a user's arrays, splits and protocols, augmentation."""

from jaxad.data.arrays import Examples, Source, from_arrays
from jaxad.data.augment import augment
from jaxad.data.images import resize, to_float
from jaxad.data.sources import load, names, prepare, verify

__all__ = [
    "Examples",
    "Source",
    "augment",
    "from_arrays",
    "load",
    "names",
    "prepare",
    "resize",
    "to_float",
    "verify",
]
