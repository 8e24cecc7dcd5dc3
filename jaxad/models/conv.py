"""The convolutional autoencoder: max pooling down, nearest up-sampling up."""

import flax.linen as nn
import jax

from jaxad.config import models as spec_of
from jaxad.models.layers import ACTIVATIONS, EVAL, HEADS, BatchNorm, Conv, Dropout, Mode
from jaxad.models.pooling import max_pool, upsample, whole
from jaxad.types import Output


class ConvAE(nn.Module):
    """Convolutions with pooling, an optional dense bottleneck, and the mirror.

    image (B, H, W, C) -> recon (B, H, W, C), latent (B, h, w, c) or (B, latent_dim).
    Sizes that do not divide are padded with their edge before pooling and cropped on
    the way up.
    """

    spec: spec_of.Conv

    @nn.compact
    def __call__(self, image: jax.Array, mode: Mode = EVAL) -> Output:
        spec, x, sizes = self.spec, image, []
        pools = spec.pools or (2,) * len(spec.channels)
        for i, (channels, pool) in enumerate(zip(spec.channels, pools, strict=True)):
            x = _Block(spec, channels, name=f"encoder_{i}")(x, mode)
            sizes.append((*x.shape[1:3], pool))
            x = max_pool(whole(x, pool), pool)
        x, latent = self._bottleneck(x)
        scale = 1
        for i, channels in enumerate(reversed(spec.channels)):
            x = _Block(spec, channels, scale, name=f"decoder_{i}")(x, mode)
            x, scale = _grown(x, *sizes.pop())
        last = spec.output_kernel or spec.kernel_size
        x = Conv(image.shape[-1], last, scale=scale, name="output")(x)
        return Output(HEADS[spec.head](x), latent)

    @nn.nowrap
    def _bottleneck(self, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        if self.spec.latent_dim is None:
            return x, x
        shape = x.shape
        latent = nn.Dense(self.spec.latent_dim, name="latent")(x.reshape(shape[0], -1))
        x = nn.Dense(shape[1] * shape[2] * shape[3], name="from_latent")(latent)
        return ACTIVATIONS[self.spec.activation](x).reshape(shape), latent


class _Block(nn.Module):
    """Convolution, batch norm, activation, dropout."""

    spec: spec_of.Conv
    channels: int
    scale: int = 1

    @nn.compact
    def __call__(self, x: jax.Array, mode: Mode) -> jax.Array:
        spec = self.spec
        # A bias before batch norm has no gradient but rounding noise.
        bias = not spec.batch_norm
        x = Conv(self.channels, spec.kernel_size, bias, self.scale)(x)
        if spec.batch_norm:
            x = BatchNorm()(x, mode)
        return Dropout()(ACTIVATIONS[spec.activation](x), mode)


def _grown(x: jax.Array, height: int, width: int, pool: int) -> tuple[jax.Array, int]:
    """`pool` times the size, cropped; or as is, with the scale left to the next layer.

    A convolution of an up-sampled image costs less than half on the small grid.
    """
    if x.shape[1:3] == (height / pool, width / pool):
        return x, pool
    return upsample(x, pool)[:, :height, :width], 1
