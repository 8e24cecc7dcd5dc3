"""Data: sets by name, a user's arrays, splits and protocols, augmentation."""

from jaxad.data.arrays import Examples, Source, from_arrays
from jaxad.data.augment import augment
from jaxad.data.decode import BadFile, read_pixels, shown
from jaxad.data.files import Reading, image_files, read_all, read_image
from jaxad.data.folders_stored import Stored, ahead, joined, picked
from jaxad.data.images import resize, to_float
from jaxad.data.nanofibres import dataset as nanofibre_images
from jaxad.data.patches import Cuts, Places, stitched, tiled
from jaxad.data.protocols import (
    corrupted_copies,
    counts,
    counts_line,
    left_out_lines,
    noisy,
    split,
    split_corrupted,
    split_labelled,
    split_leave_out,
    split_one_class,
    split_other_dataset,
)
from jaxad.data.sources import load, load_for, names, prepare, verify
from jaxad.data.splits import Split, Splits

__all__ = [
    "BadFile",
    "Cuts",
    "Examples",
    "Places",
    "Reading",
    "Source",
    "Split",
    "Splits",
    "Stored",
    "ahead",
    "augment",
    "corrupted_copies",
    "counts",
    "counts_line",
    "from_arrays",
    "image_files",
    "joined",
    "left_out_lines",
    "load",
    "load_for",
    "names",
    "nanofibre_images",
    "noisy",
    "picked",
    "prepare",
    "read_all",
    "read_image",
    "read_pixels",
    "resize",
    "shown",
    "split",
    "split_corrupted",
    "split_labelled",
    "split_leave_out",
    "split_one_class",
    "split_other_dataset",
    "stitched",
    "tiled",
    "to_float",
    "verify",
]
