"""What Pillow makes of a file, checked, and as the array that was stored.

Pillow shortens 16-bit colour to 8 bits without a word. Such an image is decoded twice
here, once for the high and once for the low bytes of its channels.
"""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image, ImageFile

Opened = Callable[[str], ImageFile.ImageFile]
Turn = Callable[[np.ndarray], np.ndarray]

_EIGHT_BIT = {"1": "L", "L": "L", "LA": "LA", "La": "LA", "RGB": "RGB", "RGBX": "RGB"}
_EIGHT_BIT |= {"RGBA": "RGBA", "RGBa": "RGBA", "CMYK": "RGB", "YCbCr": "RGB"}
_SINGLE: dict[str, Any] = {
    **dict.fromkeys(("I;16", "I;16B", "I;16L", "I;16N"), np.uint16),
    "F": np.float32,
}
_COLOUR = ("RGB", "RGBA")
_ORIENTATION, _BITS, _PHOTOMETRIC, _PLANAR, _SIGN = 274, 258, 262, 284, 339
_TURNS: dict[int, Turn] = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a),
}


class Unusable(Exception):
    """Why an image is refused."""


def check(image: ImageFile.ImageFile, max_pixels: int) -> None:
    """Raises Unusable for an image, not yet decoded, that is not to be decoded."""
    width, height = image.size
    if width * height > max_pixels:
        raise Unusable(
            f"{width}x{height} pixels are more than the {max_pixels} that are read"
        )
    if width * height == 0:
        raise Unusable("an image without pixels")
    if getattr(image, "n_frames", 1) > 1:
        raise Unusable("several images in one file; save them one by one")
    if image.mode == "I" or 2 in _tag(image, _SIGN, 1):
        raise Unusable("signed or 32-bit whole numbers have no stated range")
    wide = max(_tag(image, _BITS, 8)) > 8 and len(image.getbands()) > 1
    if wide and _tag(image, _PLANAR, 1) == (2,):  # Pillow decodes them wrongly
        raise Unusable("16-bit channels in separate planes; save them interleaved")
    rawmode, mode = _rawmode(image), image.mode
    shortened = ";16" in rawmode and mode in _EIGHT_BIT and mode not in _COLOUR
    if shortened or mode not in {*_EIGHT_BIT, *_SINGLE, "P", "PA"}:
        raise Unusable(f"pixels of type {rawmode or mode}; save as grey or RGB")


def pixels(
    image: ImageFile.ImageFile, opened: Opened
) -> tuple[np.ndarray, Image.Image]:
    """(H, W, C) as stored, C = 1 or 3, one more with alpha; and a loaded image.

    opened: opens the file again, its tiles unpacked in the way that is named. Loading
        turns a TIFF upright and forgets its orientation, so ask the loaded one for it.
    """
    rawmode = _rawmode(image)
    if ";16" in rawmode and image.mode in _COLOUR:
        array, image = _sixteen_bits(rawmode, opened)
    else:
        image.load()
        array = _as_stored(image)
    transparent = image.info.get("transparency")
    if transparent is None or array.shape[2] in (2, 4):
        return array, image
    opaque = (array != np.asarray(transparent)).any(2, keepdims=True)
    alpha = opaque.astype(array.dtype) * np.iinfo(array.dtype).max
    return np.concatenate([array, alpha], 2), image


def unpacked(tile: Any, rawmode: str) -> Any:
    """A tile of Pillow's decoders, its bytes unpacked in another way."""
    args = rawmode if isinstance(tile.args, str) else (rawmode, *tile.args[1:])
    return tile._replace(args=args)


def upright(image: Image.Image) -> Turn:
    """What turns a loaded image's arrays as its EXIF orientation says."""
    return _TURNS.get(image.getexif().get(_ORIENTATION, 1), lambda array: array)


def _as_stored(image: ImageFile.ImageFile) -> np.ndarray:
    """(H, W, C) of a loaded image of grey, or of colour in 8 bits."""
    if image.mode in ("P", "PA"):
        return _from_palette(image)
    if image.mode not in _SINGLE:
        array = np.asarray(image.convert(_EIGHT_BIT[image.mode]))
        return array[..., None] if array.ndim == 2 else array
    array = np.asarray(image).astype(_SINGLE[image.mode])[..., None]
    if _tag(image, _PHOTOMETRIC, 1) != (0,):
        return array
    # White is 0, which Pillow inverts only of 8 bits.
    white = 1 if image.mode == "F" else 2 ** max(_tag(image, _BITS, 8)) - 1
    return array.dtype.type(white) - array


def _sixteen_bits(
    rawmode: str, opened: Opened
) -> tuple[np.ndarray, ImageFile.ImageFile]:
    if rawmode == "LA;16B":  # the four bytes of a pixel pass for four channels
        image = opened("RGBA")
        return np.asarray(image).copy().view(">u2").astype(np.uint16), image
    order = rawmode[-1].replace("N", sys.byteorder[0].upper())
    found = np.asarray(opened(rawmode[:-1] + order)).astype(np.uint16)
    found <<= 8
    image = opened(rawmode[:-1] + {"B": "L", "L": "B"}[order])
    found |= np.asarray(image)
    if rawmode.startswith("RGBa") and (found[..., 3] != 65535).any():
        # Pillow divides by alpha byte by byte, which is right for opaque pixels only.
        raise Unusable("partly transparent; put it on a background")
    return found, image


def _from_palette(image: Image.Image) -> np.ndarray:
    alpha = image.mode == "PA" or "transparency" in image.info
    array = np.asarray(image.convert("RGBA" if alpha else "RGB"))
    palette = np.array(image.getpalette("RGB")).reshape(-1, 3)
    grey = (palette == palette[:, :1]).all()
    return array[..., [0, 3] if alpha else [0]] if grey else array


def _rawmode(image: ImageFile.ImageFile) -> str:
    """How the decoder is to unpack bytes to pixels; empty for the first of planes."""
    args = image.tile[0].args if image.tile else ""
    args = args[0] if isinstance(args, tuple) else args
    return args if isinstance(args, str) else ""


def _tag(image: Image.Image, number: int, default: int) -> tuple[int, ...]:
    """The values of a TIFF tag; of other files the default."""
    found = getattr(image, "tag_v2", {}).get(number, default)
    return found if isinstance(found, tuple) else (found,)
