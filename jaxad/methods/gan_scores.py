"""How badly a GAN draws an image: scores from its encoder, and by search for a latent.

T. Schlegl et al., "Unsupervised Anomaly Detection with Generative Adversarial Networks
to Guide Marker Discovery" (AnoGAN, 2017), and "f-AnoGAN: Fast unsupervised anomaly
detection with generative adversarial networks" (2019).
"""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from jaxad import losses, models
from jaxad.config import Optim, Score
from jaxad.methods import optimiser
from jaxad.methods.base import Hparams
from jaxad.models.dcgan import apply_part, features, made, part_of
from jaxad.types import Scores


def scores(
    module: Any, spec: Score, hparams: Hparams, model: Any, image: jax.Array
) -> Scores:
    """The scores of `spec`, all by fixed batch statistics.

    module, model: as of `adversarial`. image: (B, H, W, C) float32 in [0, 1].
    """
    weight = hparams.get("model.feature_weight")
    output = models.apply(module, model, image)[0]
    judge = part_of(model, "discriminator")
    (logit, own), _ = apply_part(module, "discriminator", judge, image)
    residual = losses.squared_error_map(output.recon, image)
    maps = {"encoder": residual, "residual": residual}
    values = {"residual": jnp.mean(residual, (1, 2)), "discriminator": -logit}
    values["features"] = losses.mse(features(module, judge, output.recon), own)
    values["encoder"] = values["residual"]
    if weight is not None:  # A(x) of f-AnoGAN (eq. 5)
        values["encoder"] = values["residual"] + weight * values["features"]
    if "search" in spec.names:
        near = _Near(module, model, weight, image, own)
        latent = near.search(spec, output.latent)
        values["search"], recon = near.far(latent)
        maps["search"] = losses.absolute_error_map(recon, image)
    wanted = [name for name in spec.names if name in values]
    return Scores(
        {name: values[name] for name in wanted},
        {name: maps[name] for name in wanted if name in maps},
    )


class _Near:
    """The way from images to latents that draw them.

    AnoGAN starts at random and makes hundreds of steps. From the encoder's latent few
    do, and an example's score is the same each time and in any company.
    """

    def __init__(self, module: Any, model: Any, weight: Any, image, own: jax.Array):
        self.module, self.weight, self.image, self.own = module, weight, image, own
        self.generator = part_of(model, "generator")
        self.judge = part_of(model, "discriminator")

    def far(self, latent: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Losses (B,) of latents, and what they draw: AnoGAN's eq. 3, 5 and 6, with
        means in place of sums."""
        recon = made(self.module, self.generator, latent)
        values = losses.mae(recon, self.image)
        if self.weight is not None:
            found = features(self.module, self.judge, recon)
            values = values + self.weight * losses.mae(found, self.own)
        return values, recon

    def search(self, spec: Score, latent: jax.Array) -> jax.Array:
        """Latents (B, latent_dim) after `spec.search_steps` from others."""
        numbers = {"optim.lr": spec.search_rate, "optim.b1": 0.9, "optim.b2": 0.999}
        rates = {name: jnp.float32(value) for name, value in numbers.items()}
        tx = optimiser.make(Optim(), rates, None)

        def step(_, carry):
            latent, moments = carry
            # The sum's gradient: that of each example, whatever the others are.
            grad = jax.grad(lambda latent: jnp.sum(self.far(latent)[0]))(latent)
            updates, moments = tx.update(grad, moments)
            return optax.apply_updates(latent, updates), moments

        start = latent, tx.init(latent)
        return jax.lax.fori_loop(0, spec.search_steps, step, start)[0]
