"""Image files to score."""

from pathlib import Path

import numpy as np

from jaxad.data.decode import BadFile, read_pixels
from jaxad.errors import DataError


def read_image(path: str | Path, shape: tuple[int, ...]) -> np.ndarray:
    """An 8-bit image file as uint8 of exactly `shape` (H, W, C), C = 1, 3 or 4.

    Raises DataError for a file that `read_pixels` refuses, with more than 8 bits, or of
    another size or number of channels: nothing is resized or rounded behind the user's
    back.
    """
    height, width, channels = shape
    if channels not in (1, 3, 4):
        raise DataError(
            f"{path}: the run was trained on {channels} channels, image files have "
            "1, 3 or 4; score arrays from Python"
        )
    found = read_pixels(path, alpha=channels == 4)
    if found.shape != tuple(shape) or found.dtype != np.uint8:
        size = "x".join(map(str, (*found.shape[1::-1], found.shape[2])))
        raise BadFile(
            path,
            f"{size} {found.dtype}, but the run was trained on "
            f"{width}x{height}x{channels} and is given uint8; convert it",
        )
    return found
