"""The denoising network of Remez et al., a second stage behind an autoencoder."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxad.config.denoiser import Denoiser
from jaxad.models.layers import Conv
from jaxad.types import Output


class RemezDenoiser(nn.Module):
    """Convolutions that each add a channel to the output (Remez, Litany and Giryes,
    "Class-Aware Fully Convolutional Gaussian and Poisson Denoising", 2018, Fig. 2).

    image (B, H, W, C) -> recon (B, H, W, C), the image plus a mask; latent
    (B, T + 1, H, W, C): the mask after each layer of `spec.taps`, and the whole one.
    Of a layer's `width` features, C are added to the mask, as they are, and the others
    go on, through a ReLU. There is no batch normalisation. Before the training the mask
    is zero: at random, the sum of twenty layers would drown the image.
    """

    spec: Denoiser

    @nn.compact
    def __call__(self, image: jax.Array) -> Output:
        spec, channels = self.spec, image.shape[-1]
        x, mask, taps = image, jnp.zeros_like(image), []
        for layer in range(1, spec.depth + 1):
            # Of the last layer, nothing goes on.
            more = 0 if layer == spec.depth else spec.width - channels
            features = Conv(
                channels + more,
                spec.kernel_size,
                still=channels,
                name=f"layer_{layer}",
            )(x)
            mask = mask + features[..., :channels]
            x = nn.relu(features[..., channels:])
            if layer in spec.taps:
                taps.append(mask)
        return Output(image + mask, jnp.stack([*taps, mask], 1))
