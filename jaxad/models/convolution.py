"""Convolutions that are also fast in loops on the CPU.

XLA on the CPU runs a convolution's weight gradient inside `scan` or `while_loop` about
fourteen times slower than outside, and is slow where channels are few. There, narrow
layers are products with a matrix of patches instead. Other platforms run the native
convolution, forward and backward.

A training step (Adam) of the autoencoder 1-16-8-8-16-1, 3x3, 28x28, batch 128, in a
`fori_loop` with traced bounds, in milliseconds of core time on 2 CPU cores:

    native convolution, pooling by reshape and max                      176
    the same, weight gradient by nine shifted products                   80
    conv2d                                                               42
    conv2d, `pooling.max_pool`                                           37
    conv2d, `pooling.max_pool`, upsample_conv2d                          22

The last took 21 ms elapsed while other programs kept both cores busy. Eager PyTorch
2.13, on nearly idle cores, took 49 ms elapsed, 24 with channels last.

A 3x3 convolution of 64 to 64 channels, 32x32, batch 32, with both gradients, elapsed on
two cores: 100 by the native convolution and shifted products, 48 to 65 by `winograd`,
43 in PyTorch 2.13. With fewer channels, `winograd` is faster for the kernel's gradient
alone: of 11 to 12 channels, 32x32, batch 64, 4.1 to 4.6 (nine products 5.4 to 6.2, one
product 10 to 12), but 4.3 to 16 for the output (native 3.9 to 5.5). Native convolutions
like whole vectors of channels: of 12 to 11, 5.7, filled up to 16, 3.7; of 17 to 16, 13
and 7. Strided convolutions are done at stride 1, on tiles of pixels as channels: a
step of the autoencoder 128-256-512 (5x5, stride 2, batch 32) took 528 so, beside 601 in
PyTorch, and 773 by the native one, whose way back has zeros between its pixels; 938
with Winograd's products, for whose large kernels 32 patches of 8x8 are too few.

All functions are pure, take and return float32, and work under `jit`, `vmap` (over
kernels as well) and reverse-mode differentiation, once: no forward mode and no second
order.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax import export, lax

from jaxad.models import tiles, winograd

Pads = tuple[tuple[int, int], ...]
_LAYOUT = ("NHWC", "HWIO", "NHWC")
# Channels up to which patches beat the alternative on a CPU, and from which Winograd's
# products do, for the output and for the kernel's gradient. They take longer to compile
# than nine plain products, which is not worth it with fewer channels.
_NARROW_INPUT = 4
_NARROW_SIDE = 4
_WIDE = 48
_WIDE_GRADIENT = 12


def conv2d(
    image: jax.Array,
    kernel: jax.Array,
    strides: int = 1,
    padding: str | Pads = "SAME",
) -> jax.Array:
    """Convolve (cross-correlate, as all networks do) images with a kernel.

    image: (B, H, W, C) float32, or bfloat16 as the kernel.
    kernel: (kh, kw, C, D) float32.
    padding: "SAME" (H' = ceil(H / strides)), "VALID", or pixels before and after.
    Returns (B, H', W', D) float32.
    """
    window, steps = kernel.shape[:2], (strides, strides)
    if isinstance(padding, str):
        found = lax.padtype_to_pads(image.shape[1:3], window, steps, padding)
        padding = tuple((int(a), int(b)) for a, b in found)
    if image.dtype != jnp.float32:  # the ways of a CPU are of float32
        return _native(image, kernel, strides, padding)
    if strides == 1 or min(kernel.shape[2:]) <= _NARROW_INPUT:
        return _conv(image, kernel, strides, padding)
    on_cpu = partial(_by_phases, strides=strides, pads=padding)
    default = partial(_native, strides=strides, pads=padding)
    return lax.platform_dependent(image, kernel, cpu=on_cpu, default=default)


def _by_phases(
    image: jax.Array, kernel: jax.Array, strides: int, pads: Pads
) -> jax.Array:
    """A strided convolution as one at stride 1, with tiles of strides x strides pixels
    as channels: without the zeros between pixels that its way back would else have."""
    axes = (
        _axis(side, taps, strides, *beside)
        for side, taps, beside in zip(
            image.shape[1:3], kernel.shape[:2], pads, strict=True
        )
    )
    fill, met, edges = zip(*axes, strict=True)
    image = jnp.pad(image, ((0, 0), *fill, (0, 0)))
    batch, height, width, channels = image.shape
    sizes = height // strides, width // strides
    given = image.reshape(batch, sizes[0], strides, sizes[1], strides, channels)
    given = given.swapaxes(2, 3).reshape(batch, *sizes, -1)
    small = jnp.einsum("aut,bvs,tscd->uvabcd", *met, kernel)
    small = small.reshape(*small.shape[:2], -1, kernel.shape[3])
    return _conv(given, small, 1, edges)


def _axis(side: int, taps: int, strides: int, low: int, high: int):
    """Of one axis: pixels before and after the image that fill its tiles up, which taps
    meet which pixel of which tile (`tiles.down`), and tiles before and after."""
    more = tiles.shift(taps, strides, low)
    size = -(-(side + more) // strides)
    met, first = tiles.down(taps, strides, low - more)
    out = (side + low + high - taps) // strides + 1
    after = out + first + met.shape[1] - 1 - size
    return (more, size * strides - side - more), met, (-first, after)


def _native(image: jax.Array, kernel: jax.Array, strides: int, pads: Pads) -> jax.Array:
    return lax.conv_general_dilated(
        image, kernel, (strides, strides), pads, dimension_numbers=_LAYOUT
    )


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _conv(image: jax.Array, kernel: jax.Array, strides: int, pads: Pads) -> jax.Array:
    return lax.platform_dependent(
        image,
        kernel,
        cpu=partial(_cpu, strides=strides, pads=pads),
        default=partial(_native, strides=strides, pads=pads),
    )


def _conv_forward(image, kernel, strides, pads):
    return _conv(image, kernel, strides, pads), (image, kernel)


def _conv_backward(strides, pads, residuals, cotangent):
    def native(image, kernel, cotangent):
        conv = partial(_native, strides=strides, pads=pads)
        return jax.vjp(conv, image, kernel)[1](cotangent)

    on_cpu = partial(_cpu_gradients, strides=strides, pads=pads)
    return lax.platform_dependent(*residuals, cotangent, cpu=on_cpu, default=native)


_conv.defvjp(_conv_forward, _conv_backward)


def _cpu(image: jax.Array, kernel: jax.Array, strides: int, pads: Pads) -> jax.Array:
    """The convolution in the form that is fastest on a CPU."""
    channels, features = kernel.shape[2:]
    if _by_winograd(image, kernel.shape, strides, pads, _WIDE):
        return winograd.conv(image, kernel)
    if channels > min(features, _NARROW_INPUT):
        return _native(*_even(image, kernel), strides, pads)
    shifted = _shifted(image, kernel.shape, strides, pads)
    if channels == 1:
        weights = kernel.reshape(-1, 1, 1, 1, features)
        return sum(x * w for x, w in zip(shifted, weights, strict=True))
    patches = jnp.concatenate(shifted, -1)
    return jnp.einsum("bhwp,pd->bhwd", patches, kernel.reshape(-1, features))


def _even(image: jax.Array, kernel: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Input channels, if they are many, filled up with zeros to whole vectors of 8."""
    more = -kernel.shape[2] % 8 if kernel.shape[2] > _NARROW_INPUT else 0
    fill = (0, 0), (0, 0), (0, 0), (0, more)
    return jnp.pad(image, fill), jnp.pad(kernel, (*fill[:2], (0, more), (0, 0)))


def _by_winograd(image, shape: tuple[int, ...], strides: int, pads: Pads, least: int):
    """Whether Winograd's products can do it, with at least so many channels, and with
    enough 4x4 tiles to be worth the transforms of the kernel. A batch of any size (of
    an exported program) counts as a large one."""
    same = pads == ((1, 1), (1, 1)) and strides == 1
    many = export.is_symbolic_dim(image.shape[0])
    count = image.shape[0] * -(-image.shape[1] // 4) * -(-image.shape[2] // 4)
    wide = min(shape[2:]) >= least and (many or count >= max(shape[2:]))
    return shape[:2] == (3, 3) and same and wide


def _cpu_gradients(image, kernel, cotangent, strides, pads):
    """Gradients for image and kernel. The compiler drops the one that nobody uses."""
    if strides > 1:
        conv = partial(_native, kernel=kernel, strides=strides, pads=pads)
        (image_grad,) = jax.vjp(conv, image)[1](cotangent)
        return image_grad, _kernel_grad(image, cotangent, kernel.shape, strides, pads)
    # At stride 1, the way back is a convolution with the turned kernel.
    turned = _turn(kernel)
    pads_back = tuple(
        (n - 1 - a, n - 1 - b) for n, (a, b) in zip(kernel.shape, pads, strict=False)
    )
    image_grad = _cpu(cotangent, turned, 1, pads_back)
    if _by_winograd(image, kernel.shape, strides, pads, _WIDE_GRADIENT):
        return image_grad, winograd.kernel_gradient(image, cotangent)
    if kernel.shape[2] <= kernel.shape[3]:
        kernel_grad = _kernel_grad(image, cotangent, kernel.shape, 1, pads)
    else:
        grad = _kernel_grad(cotangent, image, turned.shape, 1, pads_back)
        kernel_grad = _turn(grad)
    return image_grad, kernel_grad


def _turn(kernel: jax.Array) -> jax.Array:
    """Turn by 180 degrees and swap input and output channels."""
    return kernel[::-1, ::-1].swapaxes(2, 3)


def _kernel_grad(image, cotangent, shape, strides, pads):
    """Products of the shifted image with the cotangent: (kh, kw, C, D)."""
    shifted = _shifted(image, shape, strides, pads)
    if shape[2] <= _NARROW_SIDE:
        # One product is faster, but all patches at once take kh * kw * C per pixel.
        shifted = [jnp.concatenate(shifted, -1)]
    flat = cotangent.reshape(-1, cotangent.shape[-1])
    grads = [x.reshape(-1, x.shape[-1]).T @ flat for x in shifted]
    return jnp.stack(grads).reshape(shape)


def _shifted(image, shape, strides, pads) -> list[jax.Array]:
    """What each of the kh * kw taps of a kernel sees: arrays (B, H', W', C)."""
    padded = jnp.pad(image, ((0, 0), *pads, (0, 0)))
    rows, columns = (
        range(n - taps + 1)[::strides]
        for n, taps in zip(padded.shape[1:3], shape[:2], strict=True)
    )
    return [
        padded[:, i : i + rows[-1] + 1 : strides, j : j + columns[-1] + 1 : strides]
        for i in range(shape[0])
        for j in range(shape[1])
    ]
