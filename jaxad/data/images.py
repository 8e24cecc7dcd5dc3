"""Images on their way from the disk to the device."""

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image


@jax.jit
def to_float(image: jax.Array) -> jax.Array:
    """uint8 or uint16 to float32 in [0, 1], white 255 or 65535; float32 is passed on.

    The only place where this is done: numpy and XLA differ in the last bit. Compiled
    even when called alone, since XLA divides by a constant in another way than by an
    argument.
    """
    if image.dtype == jnp.uint8:
        return image.astype(jnp.float32) / jnp.float32(255)
    if image.dtype == jnp.uint16:
        return image.astype(jnp.float32) / jnp.float32(65535)
    return image


def resize(image: np.ndarray, size: int, fit: str = "stretch") -> np.ndarray:
    """Bilinear, with antialiasing where it shrinks.

    image: (N, H, W, C) uint8, or float32 in [0, 1]. fit: of images that are not square,
    as `squared` has it. Returns (N, size, size, C).
    """
    image = squared(image, fit)
    if image.shape[1:3] == (size, size):
        return image
    out = np.empty((len(image), size, size, image.shape[3]), image.dtype)
    for source, target in zip(image, out, strict=True):
        for channel in range(image.shape[3]):
            plane = Image.fromarray(np.ascontiguousarray(source[..., channel]))
            small = plane.resize((size, size), Image.Resampling.BILINEAR)
            target[..., channel] = np.asarray(small)
    return out


def resize_mask(mask: np.ndarray, size: int, fit: str = "stretch") -> np.ndarray:
    """Masks beside images that `resize` changes, marked where half of a pixel is.

    mask: (N, H, W) bool or uint8, not 0 where anomalous; what `pad` adds is not. One
    that is thinner than that everywhere is marked where most of a pixel is: only what
    `crop` cuts off is lost.
    Returns (N, size, size) uint8, 0 or 1.
    """
    grey = (mask != 0)[..., None] * np.uint8(255)
    grey = squared(grey, fit, edge=False)
    small = resize(grey, size)[..., 0]
    most = np.max(small, axis=(1, 2), keepdims=True, initial=1)
    return (small >= np.minimum(most, 128)).astype(np.uint8)


def squared(image: np.ndarray, fit: str, edge: bool = True) -> np.ndarray:
    """Images (N, H, W, C) with equal sides, ready for `resize`.

    fit: `crop` keeps the middle of the longer side; `pad` repeats the pixels of the
    border beside the shorter one (zeros where `edge` is false), an odd pixel at the
    end; `stretch` leaves images as they are.
    """
    height, width = image.shape[1:3]
    side = min(height, width) if fit == "crop" else max(height, width)
    if fit == "stretch" or height == width:
        return image
    top, left = (abs(side - length) // 2 for length in (height, width))
    if fit == "crop":
        return image[:, top : top + side, left : left + side]
    pads = ((0, 0), (top, side - height - top), (left, side - width - left), (0, 0))
    return np.pad(image, pads, mode="edge" if edge else "constant")
