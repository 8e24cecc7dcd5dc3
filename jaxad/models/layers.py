"""Layers that the models share. An image is (B, H, W, C) float32."""

from collections.abc import Callable
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxad.models.convolution import conv2d
from jaxad.models.upsampling import upsample_conv2d

ACTIVATIONS: dict[str, Callable[[jax.Array], jax.Array]] = {
    "relu": nn.relu,
    "leaky_relu": lambda x: nn.leaky_relu(x, 0.2),
    "tanh": nn.tanh,
    "gelu": nn.gelu,
    "silu": nn.silu,
}
HEADS: dict[str, Callable[[jax.Array], jax.Array]] = {
    "sigmoid": nn.sigmoid,
    "linear": lambda x: x,
}


class Mode(NamedTuple):
    """How a model is applied.

    train: use and update batch statistics, drop units.
    dropout: () float32 or None, the share of dropped units; None is off.
    valid: (B,) bool or None, False for padding, which batch statistics leave out.
    axis_name: the mapped axis that a batch is split over, if any.
    """

    train: bool = False
    dropout: jax.Array | None = None
    valid: jax.Array | None = None
    axis_name: str | None = None


EVAL = Mode()


class Conv(nn.Module):
    """A convolution, SAME padding; fast under `scan` on a CPU as well.

    scale: nearest up-sampling before it, computed on the small grid; at stride 1.
    still: the first so many features are zero before the training.
    """

    features: int
    kernel_size: int = 3
    use_bias: bool = True
    scale: int = 1
    strides: int = 1
    still: int = 0

    @nn.compact
    def __call__(self, image: jax.Array) -> jax.Array:
        size = (self.kernel_size, self.kernel_size, image.shape[-1], self.features)
        kernel = self.param("kernel", self._kernel, size)
        if self.scale == 1:
            image = conv2d(image, kernel, self.strides)
        else:
            image = upsample_conv2d(image, kernel, self.scale)
        if self.use_bias:
            bias = self.param("bias", nn.initializers.zeros, (self.features,))
            image = image + bias.reshape(1, 1, 1, -1)
        return image

    def _kernel(self, key: jax.Array, size: tuple[int, ...]) -> jax.Array:
        kernel = nn.initializers.lecun_normal()(key, size)
        return kernel if self.still == 0 else kernel.at[..., : self.still].set(0.0)


class BatchNorm(nn.Module):
    """Batch normalisation (Ioffe and Szegedy, 2015) over all but the last axis.

    Statistics are those of the valid examples of the whole batch, also where it is
    split over devices: Flax averages the devices' means, which is wrong as soon as
    they hold different numbers of valid examples.
    """

    momentum: float = 0.9
    epsilon: float = 1e-5

    @nn.compact
    def __call__(self, x: jax.Array, mode: Mode) -> jax.Array:
        size, dtype = (x.shape[-1],), x.dtype
        x = x.astype(jnp.float32)  # sums of many numbers
        mean_kept = self.variable("batch_stats", "mean", jnp.zeros, size)
        var_kept = self.variable("batch_stats", "var", jnp.ones, size)
        scale = self.param("scale", nn.initializers.ones, size)
        bias = self.param("bias", nn.initializers.zeros, size)
        if mode.train:
            mean, var = _moments(x, mode)
            if not self.is_initializing():
                keep = self.momentum
                mean_kept.value = keep * mean_kept.value + (1 - keep) * mean
                var_kept.value = keep * var_kept.value + (1 - keep) * var
        else:
            mean, var = mean_kept.value, var_kept.value
        shape = (1,) * (x.ndim - 1) + size
        scale, bias = scale.astype(jnp.float32), bias.astype(jnp.float32)
        factor = scale * jax.lax.rsqrt(var + self.epsilon)
        x = (x - mean.reshape(shape)) * factor.reshape(shape) + bias.reshape(shape)
        return x.astype(dtype)


def _moments(x: jax.Array, mode: Mode) -> tuple[jax.Array, jax.Array]:
    """Mean and variance of each channel over the valid examples of all devices."""
    axes = tuple(range(x.ndim - 1))
    weight = jnp.ones(x.shape[0]) if mode.valid is None else mode.valid
    weight = weight.astype(x.dtype).reshape((-1,) + (1,) * (x.ndim - 1))
    per_example = x.size // x.shape[0] // x.shape[-1]

    def total(values):
        return jax.lax.psum(values, mode.axis_name) if mode.axis_name else values

    count = jnp.maximum(total(jnp.sum(weight)) * per_example, 1.0)
    mean = total(jnp.sum(x * weight, axes)) / count
    centred = x - mean.reshape((1,) * (x.ndim - 1) + (-1,))
    return mean, total(jnp.sum(centred * centred * weight, axes)) / count


class Dropout(nn.Module):
    """Dropout whose rate may be traced (`nn.Dropout` compares it in Python)."""

    @nn.compact
    def __call__(self, x: jax.Array, mode: Mode) -> jax.Array:
        if mode.dropout is None or not mode.train:
            return x
        share = 1 - mode.dropout
        keep = jax.random.bernoulli(self.make_rng("dropout"), share, x.shape)
        return jnp.where(keep, x / share.astype(x.dtype), 0.0)
