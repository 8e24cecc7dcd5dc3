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


def resize(image: np.ndarray, size: int) -> np.ndarray:
    """Bilinear, with antialiasing where it shrinks.

    image: (N, H, W, C) uint8, or float32 in [0, 1]. Returns (N, size, size, C).
    """
    if image.shape[1:3] == (size, size):
        return image
    out = np.empty((len(image), size, size, image.shape[3]), image.dtype)
    for source, target in zip(image, out, strict=True):
        for channel in range(image.shape[3]):
            plane = Image.fromarray(np.ascontiguousarray(source[..., channel]))
            small = plane.resize((size, size), Image.Resampling.BILINEAR)
            target[..., channel] = np.asarray(small)
    return out
