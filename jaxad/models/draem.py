"""The networks of DRAEM: one that undoes defects, and one that finds them."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxad.config.draem import Draem
from jaxad.models.layers import EVAL, BatchNorm, Conv, Mode
from jaxad.models.pooling import cells, max_pool, pixels, whole
from jaxad.types import Output


class DraemNet(nn.Module):
    """Discriminatively trained reconstruction embedding (V. Zavrtanik, M. Kristan and
    D. Skočaj, ICCV 2021): an autoencoder without skip connections, and a U-Net
    (Ronneberger et al., arXiv:1505.04597) on the image beside its reconstruction.

    image (B, H, W, C) -> recon (B, H, W, C), not bounded; latent (B, h, w, c), the
    autoencoder's bottleneck; pictures {"logit": (B, H, W, 1)}, of a pixel being
    anomalous. Sizes that do not divide are padded with their edge, and cropped again.

    The networks are smaller than the paper's, for two cores: fewer channels and levels,
    in the autoencoder one convolution a level, and both see a square of `cell` by
    `cell` pixels as one pixel (sub-pixel convolution, Shi et al., 2016).
    """

    spec: Draem

    @nn.compact
    def __call__(self, image: jax.Array, mode: Mode = EVAL) -> Output:
        spec, (height, width) = self.spec, image.shape[1:3]
        deepest = max(len(spec.recon), len(spec.segment))
        x = cells(whole(image, spec.cell * 2 ** (deepest - 1)), spec.cell)
        recon, latent = _Undo(spec.recon, x.shape[-1], name="undo")(x, mode)
        both = jnp.concatenate([x, recon], -1)
        logit = _Find(spec.segment, spec.cell**2, name="find")(both, mode)
        recon, logit = (
            pixels(made, spec.cell)[:, :height, :width] for made in (recon, logit)
        )
        return Output(recon, latent, pictures={"logit": logit})


class _Undo(nn.Module):
    """Down to a bottleneck and up again: what does not fit through it is lost."""

    channels: tuple[int, ...]
    output: int

    @nn.compact
    def __call__(self, x: jax.Array, mode: Mode) -> tuple[jax.Array, jax.Array]:
        for level, channels in enumerate(self.channels):
            x = _Block(channels)(x if level == 0 else max_pool(x), mode)
        latent = x = _Block(self.channels[-1])(x, mode)
        for channels in reversed(self.channels[:-1]):
            x = _Block(channels, scale=2)(x, mode)
        return Conv(self.output, name="output")(x), latent


class _Find(nn.Module):
    """The U-Net."""

    channels: tuple[int, ...]
    output: int

    @nn.compact
    def __call__(self, x: jax.Array, mode: Mode) -> jax.Array:
        seen: list[jax.Array] = []
        for level, channels in enumerate(self.channels):
            x = _Block(channels)(x if level == 0 else max_pool(x), mode)
            x = _Block(channels)(x, mode)
            seen.append(x)
        seen.pop()
        for channels in reversed(self.channels[:-1]):
            x = _Block(channels, scale=2)(x, mode)
            x = _Block(channels)(jnp.concatenate([x, seen.pop()], -1), mode)
        return Conv(self.output, name="output")(x)


class _Block(nn.Module):
    """Convolution, batch norm, ReLU."""

    channels: int
    scale: int = 1

    @nn.compact
    def __call__(self, x: jax.Array, mode: Mode) -> jax.Array:
        # A bias before batch norm has no gradient but rounding noise.
        x = Conv(self.channels, use_bias=False, scale=self.scale)(x)
        return nn.relu(BatchNorm()(x, mode))
