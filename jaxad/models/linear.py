"""The linear autoencoder: with MSE it spans the space that PCA does."""

import flax.linen as nn
import jax

from jaxad.config.models import Linear
from jaxad.models.layers import EVAL, HEADS, Mode
from jaxad.types import Output


class LinearAE(nn.Module):
    """One dense layer down, one up.

    image (B, H, W, C) -> recon (B, H, W, C), latent (B, latent_dim).
    """

    spec: Linear

    @nn.compact
    def __call__(self, image: jax.Array, mode: Mode = EVAL) -> Output:
        flat = image.reshape(image.shape[0], -1)
        latent = nn.Dense(self.spec.latent_dim, name="encoder")(flat)
        recon = HEADS[self.spec.head](nn.Dense(flat.shape[1], name="decoder")(latent))
        return Output(recon.reshape(image.shape), latent)
