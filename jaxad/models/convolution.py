"""A 2-D convolution that is also fast inside compiled loops on the CPU.

XLA on the CPU runs the weight gradient of a convolution inside `scan` or `while_loop`
about fourteen times slower than outside. There, that gradient is a sum of matrix
products of shifted images instead. Other platforms use the native one.

All functions are pure, take and return float32, and work under `jit`, `vmap` and
reverse-mode differentiation (once: no forward mode, no second order).
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

Pads = tuple[tuple[int, int], tuple[int, int]]
_LAYOUT = ("NHWC", "HWIO", "NHWC")


def conv2d(
    image: jax.Array, kernel: jax.Array, strides: int = 1, padding: str = "SAME"
) -> jax.Array:
    """Convolve (cross-correlate, as all networks do) images with a kernel.

    image: (B, H, W, C) float32.
    kernel: (kh, kw, C, D) float32.
    padding: "SAME" (H' = ceil(H / strides)) or "VALID".
    Returns (B, H', W', D) float32.
    """
    window, steps = kernel.shape[:2], (strides, strides)
    pads = lax.padtype_to_pads(image.shape[1:3], window, steps, padding)
    (top, bottom), (left, right) = pads
    return _conv(image, kernel, strides, ((top, bottom), (left, right)))


def max_pool(image: jax.Array, size: int = 2) -> jax.Array:
    """Maximum of size x size tiles: (B, H, W, C) -> (B, H // size, W // size, C).

    Rows and columns that fill no tile are dropped. Equal maxima of a tile share the
    gradient equally.
    """
    batch, height, width, channels = image.shape
    rows, columns = height // size, width // size
    tiles = image[:, : rows * size, : columns * size]
    tiles = tiles.reshape(batch, rows, size, columns, size, channels)
    return tiles.max(axis=(2, 4))


def upsample(image: jax.Array, size: int = 2) -> jax.Array:
    """Nearest-neighbour: (B, H, W, C) -> (B, size * H, size * W, C)."""
    batch, height, width, channels = image.shape
    tiles = jnp.broadcast_to(
        image[:, :, None, :, None], (batch, height, size, width, size, channels)
    )
    return tiles.reshape(batch, size * height, size * width, channels)


def _native(image: jax.Array, kernel: jax.Array, strides: int, pads: Pads) -> jax.Array:
    return lax.conv_general_dilated(
        image, kernel, (strides, strides), pads, dimension_numbers=_LAYOUT
    )


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _conv(image: jax.Array, kernel: jax.Array, strides: int, pads: Pads) -> jax.Array:
    return _native(image, kernel, strides, pads)


def _conv_forward(image, kernel, strides, pads):
    return _conv(image, kernel, strides, pads), (image, kernel)


def _conv_backward(strides, pads, residuals, cotangent):
    image, kernel = residuals
    _, image_vjp = jax.vjp(lambda x: _native(x, kernel, strides, pads), image)
    (image_grad,) = image_vjp(cotangent)

    def native_grad(image, cotangent):
        _, kernel_vjp = jax.vjp(lambda k: _native(image, k, strides, pads), kernel)
        return kernel_vjp(cotangent)[0]

    kernel_grad = lax.platform_dependent(
        image,
        cotangent,
        cpu=partial(_shifted_kernel_grad, kernel.shape, strides, pads),
        default=native_grad,
    )
    return image_grad, kernel_grad


_conv.defvjp(_conv_forward, _conv_backward)


def _shifted_kernel_grad(shape, strides, pads, image, cotangent):
    """The weight gradient as kh * kw matrix products of shifted images."""
    padded = jnp.pad(image, ((0, 0), *pads, (0, 0)))
    rows, columns = (strides * (n - 1) + 1 for n in cotangent.shape[1:3])
    grads = [
        jnp.einsum(
            "bhwc,bhwd->cd",
            padded[:, i : i + rows : strides, j : j + columns : strides],
            cotangent,
        )
        for i in range(shape[0])
        for j in range(shape[1])
    ]
    return jnp.stack(grads).reshape(shape)
