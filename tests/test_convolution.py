from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxad.models.convolution import conv2d
from jaxad.models.pooling import max_pool, upsample
from jaxad.models.upsampling import transposed_conv2d, upsample_conv2d

# (height, width, channels, features, kernel size, strides, padding): every form that a
# layer can take, at odd and even sizes.
CASES = [
    (9, 12, 1, 5, 3, 1, "SAME"),
    (9, 8, 5, 1, 3, 1, "SAME"),
    (9, 8, 3, 6, 3, 1, "VALID"),
    (8, 9, 6, 3, 5, 1, "SAME"),
    (7, 8, 4, 4, 4, 1, "SAME"),
    (7, 6, 12, 10, 3, 1, "VALID"),
    (16, 15, 18, 20, 3, 1, "SAME"),
    (16, 16, 48, 48, 3, 1, "SAME"),
    (8, 4, 16, 17, 3, 1, "SAME"),
    (6, 7, 9, 4, 1, 1, "SAME"),
    (9, 8, 2, 5, 3, 2, "SAME"),
    (10, 9, 20, 18, 3, 2, "VALID"),
    (9, 8, 1, 3, 1, 2, "SAME"),
    (8, 9, 5, 6, 5, 3, "SAME"),
    (11, 12, 8, 9, 5, 2, "SAME"),
    (8, 9, 5, 3, 5, 3, "SAME"),
    (8, 9, 5, 6, 4, 2, "SAME"),
    (9, 8, 6, 5, 4, 2, "VALID"),
]


def native(image, kernel, strides=1, padding="SAME"):
    layout = ("NHWC", "HWIO", "NHWC")
    steps = (strides, strides)
    return lax.conv_general_dilated(
        image, kernel, steps, padding, dimension_numbers=layout
    )


def normal(seed, *shape):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def assert_close(actual, expected, tolerance=1e-5):
    for a, b in zip(jax.tree.leaves(actual), jax.tree.leaves(expected), strict=True):
        scale = np.abs(b).max()
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * scale)


def output_and_gradients(conv, image, kernel):
    """Output, and gradients of a curved function of it for image and kernel."""

    def total(image, kernel):
        output = conv(image, kernel)
        return jnp.sum(jnp.sin(output)), output

    grads, output = jax.grad(total, (0, 1), has_aux=True)(image, kernel)
    return output, grads


@pytest.mark.parametrize("case", CASES, ids=str)
def test_conv_equals_the_native_one_with_gradients(case):
    height, width, channels, features, size, strides, padding = case
    image = normal(0, 3, height, width, channels)
    kernel = normal(1, size, size, channels, features)

    @jax.jit
    def both(image, kernel):
        keep = {"strides": strides, "padding": padding}
        return [
            output_and_gradients(partial(conv, **keep), image, kernel)
            for conv in (conv2d, native)
        ]

    ours, golden = both(image, kernel)
    assert ours[0].dtype == jnp.float32
    wide = (size, strides, padding) == (3, 1, "SAME") and min(channels, features) > 15
    assert_close(ours, golden, 1e-4 if wide else 1e-5)  # Winograd's rounding


@pytest.mark.parametrize("channels", [1, 3, 20])
def test_conv_in_scan_and_over_kernels_by_vmap(channels):
    image, kernels = normal(0, 2, 8, 7, channels), normal(1, 3, 3, 3, channels, 6)

    @partial(jax.jit, static_argnums=0)
    def outcomes(conv, image, kernels):
        each = partial(output_and_gradients, conv, image)
        _, scanned = lax.scan(lambda _, kernel: (None, each(kernel)), None, kernels)
        return scanned, jax.vmap(each)(kernels)

    scanned, mapped = outcomes(conv2d, image, kernels)
    golden, _ = outcomes(native, image, kernels)
    assert_close(scanned, golden)
    assert_close(mapped, golden)


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("taps", [1, 2, 3, 5])
def test_upsampling_conv_equals_upsample_then_conv(size, taps):
    image, kernel = normal(0, 2, 5, 4, 6), normal(1, taps, taps, 6, 3)

    @jax.jit
    def both(image, kernel):
        ours = partial(upsample_conv2d, size=size)
        return [
            output_and_gradients(conv, image, kernel)
            for conv in (ours, lambda x, k: native(upsample(x, size), k))
        ]

    assert_close(*both(image, kernel))


def test_upsample_repeats_pixels():
    image = normal(0, 2, 3, 4, 2)
    large = np.repeat(np.repeat(image, 3, 1), 3, 2)
    np.testing.assert_array_equal(upsample(image, 3), large)


@pytest.mark.parametrize(
    ("size", "height", "width"), [(2, 8, 6), (2, 7, 9), (3, 10, 6), (6, 12, 13)]
)
def test_max_pool_and_its_gradient(size, height, width):
    image = normal(0, 2, height, width, 3)
    steps = (1, size, size, 1)

    def golden(image):
        return lax.reduce_window(image, -np.inf, lax.max, steps, steps, "VALID")

    ours, back = jax.vjp(partial(max_pool, size=size), image)
    expected, back_golden = jax.vjp(golden, image)
    np.testing.assert_array_equal(ours, expected)
    cotangent = normal(1, *ours.shape)
    np.testing.assert_array_equal(back(cotangent)[0], back_golden(cotangent)[0])


def test_of_equal_maxima_the_first_has_the_gradient():
    image = jnp.array([[1.0, 1.0, 0.0, 2.0], [0.0, 1.0, 1.0, 0.0]]).reshape(1, 2, 4, 1)
    grad = jax.grad(lambda image: jnp.sum(max_pool(image, 2)))(image)
    np.testing.assert_array_equal(grad.reshape(2, 4), [[1, 0, 0, 1], [0, 0, 0, 0]])


def test_the_maximum_of_what_is_computed_twice_has_a_gradient():
    """Compiled, a cheap layer may be computed again where its gradient is needed, and
    then differ in the last bit: a flat image had infinite gradients."""
    image = jnp.full((4, 24, 24, 1), 0.4, jnp.float32)
    kernels = normal(0, 3, 3, 1, 128), 0.1 * normal(1, 3, 3, 128, 64)
    biases = jnp.zeros((1, 1, 1, 128)), jnp.zeros((1, 1, 1, 64))

    def loss(kernels, biases):
        pooled = image
        for kernel, bias in zip(kernels, biases, strict=True):
            pooled = max_pool(jax.nn.relu(conv2d(pooled, kernel) + bias))
        return jnp.mean(jnp.square(pooled))

    grad = jax.grad(loss, (0, 1))
    for one, other in zip(
        jax.tree.leaves(jax.jit(grad)(kernels, biases)),
        jax.tree.leaves(grad(kernels, biases)),
        strict=True,
    ):
        np.testing.assert_allclose(one, other, atol=1e-4 * np.abs(other).max())


@pytest.mark.parametrize("channels", [(1, 4), (4, 1), (6, 3), (20, 20)])
def test_an_image_does_not_depend_on_its_company(channels):
    image, kernel = normal(0, 7, 10, 9, channels[0]), normal(1, 3, 3, *channels)
    order = np.array([6, 2, 2, 0, 5, 3, 1])

    @jax.jit
    def apply(image):
        return upsample_conv2d(max_pool(image), kernel), conv2d(image, kernel)

    for one, other in zip(apply(image), apply(image[order]), strict=True):
        np.testing.assert_array_equal(one[order], other)


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("kernel_size", [1, 2, 3, 4, 5])
def test_a_transposed_convolution_is_that_of_lax(kernel_size, size):
    image, kernel = normal(0, 3, 4, 5, 6), normal(1, kernel_size, kernel_size, 6, 7)

    def transposed(image, kernel):
        return lax.conv_transpose(image, kernel, (size, size), "SAME")

    expected = output_and_gradients(transposed, image, kernel)
    ours = partial(transposed_conv2d, size=size)
    assert_close(output_and_gradients(ours, image, kernel), expected)
