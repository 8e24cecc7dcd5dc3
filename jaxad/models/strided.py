"""Strided convolutional autoencoders: plain, and variational."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxad.config.models import Strided, Vae
from jaxad.models.layers import ACTIVATIONS, EVAL, HEADS, BatchNorm, Conv, Dropout, Mode
from jaxad.types import Output


class StridedAE(nn.Module):
    """Convolutions of stride 2, a dense bottleneck, and the mirror by up-sampling.

    image (B, H, W, C) -> recon (B, H, W, C), latent (B, latent_dim). Sizes that do not
    halve evenly are rounded up on the way down and cropped on the way up.
    """

    spec: Strided

    @nn.compact
    def __call__(self, image: jax.Array, mode: Mode = EVAL) -> Output:
        x, sizes = _Encoder(self.spec, name="encoder")(image, mode)
        latent = nn.Dense(self.spec.latent_dim, name="latent")(x)
        decoder = _Decoder(self.spec, image.shape[-1], name="decoder")
        return Output(decoder(latent, sizes, mode), latent)


class VariationalAE(nn.Module):
    """Variational autoencoder (Kingma and Welling, arXiv:1312.6114).

    image (B, H, W, C) -> recon (B, H, W, C), latent (B, latent_dim) and its posterior
    `mean` and `logvar` (B, latent_dim). In training, each example draws its latent;
    elsewhere all examples share one draw where a key is given, and the latent is the
    mean without one: an example's numbers never depend on its batch.
    `noise_logvar`: () log variance of the pixels, a parameter; read where the
    likelihood is a Gaussian of learned variance.
    """

    spec: Vae

    @nn.compact
    def __call__(self, image: jax.Array, mode: Mode = EVAL) -> Output:
        x, sizes = _Encoder(self.spec, name="encoder")(image, mode)
        mean = nn.Dense(self.spec.latent_dim, name="mean")(x)
        logvar = nn.Dense(self.spec.latent_dim, name="logvar")(x)
        latent = mean
        if self.has_rng("sample"):
            shape = mean.shape if mode.train else (1, self.spec.latent_dim)
            noise = jax.random.normal(self.make_rng("sample"), shape)
            noise = noise.astype(mean.dtype)
            latent = mean + jnp.exp(0.5 * logvar) * noise
        decoder = _Decoder(self.spec, image.shape[-1], name="decoder")
        noise_logvar = self.param("noise_logvar", nn.initializers.zeros, ())
        recon = decoder(latent, sizes, mode)
        return Output(recon, latent, mean, logvar, noise_logvar)


class _Encoder(nn.Module):
    """Image to flat features, and the sizes of the feature maps on the way."""

    spec: Strided | Vae

    @nn.compact
    def __call__(self, x: jax.Array, mode: Mode):
        sizes = []
        for i, channels in enumerate(self.spec.channels):
            sizes.append(x.shape[1:3])
            block = _Block(self.spec, channels, strides=2, plain=i == 0)
            x = block(x, mode)
        sizes.append(x.shape[1:])
        return x.reshape(x.shape[0], -1), sizes


class _Decoder(nn.Module):
    spec: Strided | Vae
    channels: int

    @nn.compact
    def __call__(self, latent: jax.Array, sizes, mode: Mode) -> jax.Array:
        spec = self.spec
        height, width, features = sizes[-1]
        x = nn.Dense(height * width * features, name="from_latent")(latent)
        x = ACTIVATIONS[spec.activation](x).reshape(-1, height, width, features)
        for channels, size in zip(
            reversed(spec.channels[:-1]), reversed(sizes[1:-1]), strict=True
        ):
            x = _Block(spec, channels, scale=2)(x, mode)[:, : size[0], : size[1]]
        x = Conv(self.channels, spec.kernel_size, scale=2, name="output")(x)
        return HEADS[spec.head](x[:, : sizes[0][0], : sizes[0][1]])


class _Block(nn.Module):
    """Convolution, batch norm, activation, dropout. plain: without batch norm."""

    spec: Strided | Vae
    channels: int
    strides: int = 1
    scale: int = 1
    plain: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, mode: Mode) -> jax.Array:
        spec = self.spec
        norm = isinstance(spec, Strided) and spec.batch_norm and not self.plain
        # A bias before batch norm has no gradient but rounding noise.
        size, bias = spec.kernel_size, not norm
        x = Conv(self.channels, size, bias, self.scale, self.strides)(x)
        if norm:
            x = BatchNorm()(x, mode)
        return Dropout()(ACTIVATIONS[spec.activation](x), mode)
