"""Image files from outside."""

import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from jaxad.errors import DataError

FORMATS = ("PNG", "JPEG", "TIFF", "BMP")
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def read_image(path: str | Path, shape: tuple[int, ...]) -> np.ndarray:
    """An 8-bit image file as uint8 of exactly `shape` (H, W, C), C = 1, 3 or 4.

    Raises DataError for a file that is missing, damaged, of another format, mode or
    size: nothing is resized or converted behind the user's back.
    """
    height, width, channels = shape
    mode = _MODES.get(channels)
    if mode is None:
        raise DataError(
            f"{path}: the run was trained on {channels} channels, image files have "
            "1, 3 or 4; score arrays from Python"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as image:
                if image.size != (width, height) or image.mode != mode:
                    found = f"{image.size[0]}x{image.size[1]} {image.mode}"
                    raise DataError(
                        f"{path}: {found}, but the run was trained on "
                        f"{width}x{height} {mode}; convert it"
                    )
                return np.asarray(image).reshape(shape)
    except (OSError, ValueError, Warning, Image.DecompressionBombError) as error:
        reason = getattr(error, "strerror", None) or str(error).split("\n")[0]
        raise DataError(f"{path}: not a readable image ({reason})") from error
