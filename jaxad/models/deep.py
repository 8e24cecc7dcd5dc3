"""The deep fully connected autoencoder."""

import flax.linen as nn
import jax

from jaxad.config.models import Deep
from jaxad.models.layers import ACTIVATIONS, EVAL, HEADS, BatchNorm, Dropout, Mode
from jaxad.types import Output


class DeepAE(nn.Module):
    """Hidden layers down to a linear bottleneck and mirrored up again.

    image (B, H, W, C) -> recon (B, H, W, C), latent (B, latent_dim).
    """

    spec: Deep

    @nn.compact
    def __call__(self, image: jax.Array, mode: Mode = EVAL) -> Output:
        spec = self.spec
        flat = image.reshape(image.shape[0], -1)
        x = flat
        for i, size in enumerate(spec.hidden):
            x = _Hidden(spec, size, name=f"encoder_{i}")(x, mode)
        latent = nn.Dense(spec.latent_dim, name="latent")(x)
        x = latent
        for i, size in enumerate(reversed(spec.hidden)):
            x = _Hidden(spec, size, name=f"decoder_{i}")(x, mode)
        recon = HEADS[spec.head](nn.Dense(flat.shape[1], name="output")(x))
        return Output(recon.reshape(image.shape), latent)


class _Hidden(nn.Module):
    """Dense, batch norm, activation, dropout."""

    spec: Deep
    size: int

    @nn.compact
    def __call__(self, x: jax.Array, mode: Mode) -> jax.Array:
        # A bias before batch norm has no gradient but rounding noise.
        x = nn.Dense(self.size, use_bias=not self.spec.batch_norm)(x)
        if self.spec.batch_norm:
            x = BatchNorm()(x, mode)
        return Dropout()(ACTIVATIONS[self.spec.activation](x), mode)
