"""Pixels of image and mask files of unknown origin, as they are stored."""

import os
import stat
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import (
    BmpImagePlugin,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
)

from jaxad.data import decode_formats as formats
from jaxad.errors import DataError

MAX_PIXELS = 2**27
"""Pixels of the largest image that is read unless told otherwise: 134 million."""

Reader = Callable[[BinaryIO], ImageFile.ImageFile]
# The classes rather than Image.open, whose limit on pixels is global.
_READERS: dict[str, Reader] = {
    "PNG": PngImagePlugin.PngImageFile,
    "JPEG": JpegImagePlugin.JpegImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
}
_HEADS = {b"\x89PNG\r\n\x1a\n": "PNG", b"\xff\xd8\xff": "JPEG", b"BM": "BMP"}
_HEADS |= dict.fromkeys((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), "TIFF")
_NAMES = {".png": "PNG", ".bmp": "BMP", ".dib": "BMP", ".tif": "TIFF", ".tiff": "TIFF"}
_NAMES |= dict.fromkeys((".jpg", ".jpeg", ".jpe", ".jfif"), "JPEG")
# What Pillow raises for damaged files; Warning: where warnings are errors.
_DAMAGED = (
    *(OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError),
    *(struct.error, zlib.error, OverflowError, ZeroDivisionError, Warning),
)
_LUMA = (19595, 38470, 7471)
_TELLING = {
    "unknown pixel mode": "a TIFF of a type that is not read; save it with 8 or 16 "
    "bits, or grey as 32-bit floats",
}


class BadFile(DataError):
    """A file that cannot be used: `reason` is the message without the path."""

    def __init__(self, path: str | Path, reason: str):
        super().__init__(f"{shown(path)}: {reason}")
        self.path = Path(path)
        self.reason = reason


def shown(path: str | Path) -> str:
    """A path as one printable line; two paths never look the same."""
    return "".join(
        c if c.isprintable() and c != "\\" else c.encode("unicode_escape").decode()
        for c in str(path)
    )


def read_pixels(
    path: str | Path, max_pixels: int = MAX_PIXELS, alpha: bool = False
) -> np.ndarray:
    """The pixels of a PNG, JPEG, TIFF or BMP file, upright (EXIF orientation).

    max_pixels: images with more are refused before any memory is taken for them.
    alpha: an alpha channel is returned as a last channel. Otherwise an opaque one is
        dropped, and an image with any transparent pixel is refused: it would differ
        with the background it is put on, and detectors learn the background.
    Returns (H, W, C), C = 1 grey or 3 colour (2 or 4 with alpha), as stored: uint8,
    uint16 (also for 12 bits, which stay in [0, 4095]) or float32 in [0, 1]. Black and
    white is 0 and 255; a palette becomes colour, or grey where all its entries are;
    CMYK becomes colour by the plain formula. Colour profiles and gamma are not applied.
    Raises BadFile, a DataError, for a file that is missing, empty, damaged, truncated,
    of another format (found by content, whatever its name), with several images
    (animations, pages), with signed or 32-bit whole numbers, with floats outside
    [0, 1] or NaN. Colour of floats is not read either: Pillow does not decode it.
    """
    pixels = _read(path, max_pixels, alpha)[0]
    if pixels.dtype == np.float32:
        inside = (pixels >= 0) & (pixels <= 1)  # false for NaN as well
        if not inside.all():
            row, column, channel = np.argwhere(~inside)[0]
            raise BadFile(
                path,
                f"{pixels[row, column, channel]:g} at row {row}, column {column}; "
                "float images must lie in [0, 1] without NaN",
            )
    return pixels


def misnamed(path: Path) -> str | None:
    """What is wrong with the name of an image file that can be read; None: nothing.

    A file of another format than its name says was renamed, not converted: others may
    read it in another way, or not at all.
    """
    with open(path, "rb") as file:
        kind = _format(file.read(8))
    if _NAMES.get(path.suffix.lower()) == kind:
        return None
    return f"a {kind} file called {shown(path.suffix)}; rename or convert it"


def read_mask(
    path: str | Path, shape: tuple[int, ...], max_pixels: int = MAX_PIXELS
) -> np.ndarray:
    """A mask file as (H, W) bool, True where anomalous.

    shape: (H, W) of the image that it belongs to.
    The file holds two values, 0 and one of 1, 255 or 65535, in one channel or the same
    in all three, or it has a palette of which only the entries 0 and 1 occur.
    Raises BadFile as `read_pixels` does, and for another size or other values.
    """
    pixels, indices = _read(path, max_pixels, alpha=False)
    if pixels.shape[:2] != tuple(shape[:2]):
        (height, width), (rows, columns) = pixels.shape[:2], shape[:2]
        raise BadFile(
            path, f"a mask of {width}x{height} for an image of {columns}x{rows}"
        )
    plane = pixels[..., 0]
    if pixels.shape[2] == 1 or (pixels == plane[..., None]).all():
        for peak in (1, 255, 65535):
            mask = plane == peak
            if (mask | (plane == 0)).all():
                return mask
    elif indices is None:
        raise BadFile(path, "a colour image, not a mask")
    if indices is not None and indices.max() <= 1:
        return indices == 1
    top = 1 if plane.dtype == np.float32 else np.iinfo(plane.dtype).max
    values, counts = np.unique(pixels, return_counts=True)
    other = (values != 0) & (values != top)
    pixels_of_other = counts[other].sum() // pixels.shape[2]
    raise BadFile(
        path,
        f"not binary: {other.sum()} values beside 0 and {top}, in {pixels_of_other} "
        "pixels",
    )


def as_channels(pixels: np.ndarray, channels: int) -> np.ndarray:
    """(H, W, 1 or 3) as (H, W, channels), channels 1 or 3, of the same type.

    Colour becomes grey by the luma of ITU-R BT.601, in the whole numbers of Pillow's
    mode L: (19595 R + 38470 G + 7471 B + 32768) / 65536.
    """
    if pixels.shape[2] == channels:
        return pixels
    if channels == 3:
        return np.repeat(pixels, 3, axis=2)
    if pixels.dtype == np.float32:
        grey = pixels @ (np.array(_LUMA, np.float32) / 65536)
        return grey[..., None]
    red, green, blue = np.moveaxis(pixels.astype(np.uint32), 2, 0)
    total = red * _LUMA[0] + green * _LUMA[1] + blue * _LUMA[2] + 32768
    return (total >> 16).astype(pixels.dtype)[..., None]


def _read(
    path: str | Path, max_pixels: int, alpha: bool
) -> tuple[np.ndarray, np.ndarray | None]:
    """Pixels (H, W, C), and (H, W) indices into the palette where there is one."""
    if ImageFile.LOAD_TRUNCATED_IMAGES:
        raise DataError(
            "Pillow is told to read truncated files; set "
            "PIL.ImageFile.LOAD_TRUNCATED_IMAGES = False"
        )
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # a pipe would wait for ever
            raise BadFile(path, "not a file")
        with open(path, "rb") as file:
            pixels, indices = _decode(file, max_pixels)
    except formats.Unusable as error:
        raise BadFile(path, str(error)) from error
    except _DAMAGED as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        if isinstance(error, LookupError | TypeError | struct.error):
            reason = "damaged"  # the message is about Pillow's inside
        reason = _TELLING.get(reason, f"not a readable image ({reason})")
        raise BadFile(path, reason) from error
    if pixels.shape[2] in (2, 4) and not alpha:
        if (pixels[..., -1] != np.iinfo(pixels.dtype).max).any():
            raise BadFile(path, "partly transparent; put it on a background")
        pixels = pixels[..., :-1]
    return np.ascontiguousarray(pixels), indices


def _decode(file: BinaryIO, max_pixels: int) -> tuple[np.ndarray, np.ndarray | None]:
    """As `_read`, with alpha."""
    reader = _READERS[_format(file.read(8))]

    def opened(rawmode: str | None = None) -> ImageFile.ImageFile:
        file.seek(0)
        image = reader(file)
        if rawmode is not None:
            image.tile = [formats.unpacked(tile, rawmode) for tile in image.tile]
        return image

    image = opened()
    formats.check(image, max_pixels)
    pixels, loaded = formats.pixels(image, opened)
    indices = np.asarray(loaded) if loaded.mode == "P" else None
    turn = formats.upright(loaded)
    return turn(pixels), None if indices is None else turn(indices)


def _format(head: bytes) -> str:
    """The format of a file that starts with these bytes."""
    for start, kind in _HEADS.items():
        if head.startswith(start):
            return kind
    kind = "not a PNG, JPEG, TIFF or BMP file" if head else "an empty file"
    raise formats.Unusable(kind)
