"""Image files to score, as the images that a run was trained on."""

from pathlib import Path

import numpy as np

from jaxad.config.data import Data
from jaxad.data.decode import BadFile, as_channels, read_pixels
from jaxad.data.images import resize, to_float
from jaxad.errors import DataError


def read_image(
    path: str | Path, shape: tuple[int, ...], data: Data | None = None
) -> np.ndarray:
    """An image file as an array of exactly `shape` (H, W, C), C = 1, 3 or 4.

    data: of the run that it is for; the image is made as that one's were, by the
    config's size, fit and channels. What these leave open is not done behind the user's
    back. Returns uint8, or, of a file with more than 8 bits for a run of a folder,
    float32 in [0, 1].
    Raises DataError for a file that `read_pixels` refuses, of another size or number of
    channels, and with more than 8 bits where the run is not of a folder.
    """
    height, width, channels = shape
    if channels not in (1, 3, 4):
        raise DataError(
            f"{path}: the run was trained on {channels} channels, image files have "
            "1, 3 or 4; score arrays from Python"
        )
    found = read_pixels(path, alpha=channels == 4)
    if data is not None and data.channels is not None:
        found = as_channels(found, data.channels)
    usable = found.dtype == np.uint8
    if not usable and data is not None and data.root is not None:
        found, usable = np.asarray(to_float(found)), True
    if usable and data is not None and data.size is not None:
        found = resize(found[None], data.size, data.fit)[0]
    if found.shape != tuple(shape) or not usable:
        size = "x".join(map(str, (*found.shape[1::-1], found.shape[2])))
        raise BadFile(
            path,
            f"{size} {found.dtype}, but the run was trained on "
            f"{width}x{height}x{channels} and is given uint8; convert it",
        )
    return found
