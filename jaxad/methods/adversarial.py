"""A GAN, and what it finds anomalous: what its generator does not draw.

The losses are those of V. Wilmet et al., "A Comparison of Supervised and Unsupervised
Deep Learning Methods for Anomaly Detection in Images" (eq. 3, 4 and 6), after
Goodfellow et al. (2014). The scores, which that source left open, are those of Schlegl
et al.: `search` of AnoGAN (2017), the others of f-AnoGAN (2019).
"""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from jaxad import losses, models
from jaxad.config import Config
from jaxad.config.dcgan import Dcgan
from jaxad.errors import ConfigError
from jaxad.methods import gan_scores, optimiser
from jaxad.methods.base import Hparams, Method, Taught
from jaxad.methods.update import total, update
from jaxad.models import Mode
from jaxad.models.dcgan import VERBS, apply_part, features, made, part_of, whole
from jaxad.streams import stream
from jaxad.types import Batch, Output, Scores, State

Networks = dict[str, State]
"""Name -> its variables and the state of its optimiser."""


def adversarial(module: Any, config: Config, steps: int | None = None) -> Method:
    """The method of a GAN. There is nothing to validate: the last epoch counts.

    module: a Flax Linen module like `models.DCGAN`, with networks `generator`,
        `discriminator` and `encoder`, and the methods that `models.dcgan.VERBS` names.
    config: its model, loss, optim and score groups count.
    steps: number of all steps, for schedules that end.
    """
    lacking = [verb for verb in VERBS.values() if not hasattr(module, verb)]
    if lacking:
        raise ConfigError(f"model.kind dcgan: the module has no method {lacking[0]}")
    one = _Adversarial(module, config, steps)
    taught: Taught | None = "anomalous" if one.inverted else None
    return Method(
        one.init,
        one.step,
        None,
        one.score,
        one.output,
        labelled=taught,
        sample=one.sample,
    )


class _Adversarial:
    """The method's functions, pure in all but these static values.

    The encoder is trained in the same step, on the generator as it is then, and not
    when all is over: so it is averaged, checkpointed and resumed like the rest, runs
    under a grid, and costs no second program. The generator does not know of it.
    """

    def __init__(self, module: Any, config: Config, steps: int | None):
        self.module, self.config, self.steps = module, config, steps
        assert isinstance(config.model, Dcgan)
        self.spec: Dcgan = config.model
        self.inverted = self.spec.of == "anomalous"

    def init(self, key: jax.Array, hparams: Hparams, batch: Batch) -> State:
        if self.config.loss.kind == "ssim":
            losses.check_ssim(*batch.image.shape[1:3])
        model = models.init(self.module, stream(key, "init"), batch.image)
        rest = {
            name: self._tx(name, hparams).init(model["params"][name]) for name in VERBS
        }
        return State(model, rest)

    def step(
        self,
        key: jax.Array,
        hparams: Hparams,
        state: State,
        batch: Batch,
        axis_name: str | None = None,
    ) -> tuple[State, dict[str, jax.Array]]:
        """`discriminator_steps` of the discriminator, then one of each other network.

        All steps of the discriminator see the whole batch, and new generated images
        each: as many as the batch has, those in the places of padding count for
        nothing either.
        """
        mode = Mode(True, None, batch.valid, axis_name)
        own = {n: State(part_of(state.model, n), state.rest[n]) for n in VERBS}
        own["discriminator"], info = self._judge(key, hparams, own, batch, mode)
        own["generator"], drew = self._draw(key, hparams, own, batch, mode)
        own["encoder"], found = self._encode(hparams, own, batch, mode)
        norms = [part["grad_norm"] for part in (info, drew, found)]
        info["grad_norm"] = jnp.sqrt(jnp.sum(jnp.square(jnp.stack(norms))))
        info |= {"generator_loss": drew["loss"], "encoder_loss": found["loss"]}
        rest = {name: part.rest for name, part in own.items()}
        return State(whole({n: p.model for n, p in own.items()}), rest), info

    def _judge(self, key, hparams: Hparams, own: Networks, batch: Batch, mode: Mode):
        """Steps of the discriminator, by eq. 3. Its loss is what the run logs."""
        tx = self._tx("discriminator", hparams)
        smooth, generator = hparams.get("model.smoothing"), own["generator"].model

        def step(state: State, key):
            latent = self._latents(key, batch, mode.axis_name)
            fake = made(self.module, generator, latent, mode)

            def loss(params):
                given = {**state.model, "params": params}
                real, model = self._judged(given, batch.image, mode)
                # Scoring looks at real images: the statistics that are kept are theirs.
                false, _ = self._judged(given, fake, mode)
                unlikely = jax.nn.softplus(-real)
                if smooth is not None:
                    unlikely = unlikely + smooth * real
                values = (unlikely + jax.nn.softplus(false)) / 2
                logits = {"d_real": real, "d_fake": false}
                return values, {**model, "logits": logits}

            state, info = update(loss, tx, hparams, state, batch.valid, mode.axis_name)
            model = dict(state.model)
            means = _means(model.pop("logits"), batch.valid, info["count"], mode)
            return state._replace(model=model), info | means

        keys = jax.random.split(
            stream(key, "discriminator"), self.spec.discriminator_steps
        )
        state, info = jax.lax.scan(step, own["discriminator"], keys)
        return state, {name: values[-1] for name, values in info.items()}

    def _draw(self, key, hparams: Hparams, own: Networks, batch: Batch, mode: Mode):
        """A step of the generator, by eq. 4 or 6."""
        drawn = self._latents(stream(key, "sample"), batch, mode.axis_name)

        def loss(params):
            given = {**own["generator"].model, "params": params}
            fake, model = apply_part(self.module, "generator", given, drawn, mode)
            logit, _ = self._judged(own["discriminator"].model, fake, mode)
            if self.spec.generator_loss == "minimax":
                return -jax.nn.softplus(logit) / 2, model
            return jax.nn.softplus(-logit) / 2, model

        tx, state = self._tx("generator", hparams), own["generator"]
        return update(loss, tx, hparams, state, batch.valid, mode.axis_name)

    def _encode(self, hparams: Hparams, own: Networks, batch: Batch, mode: Mode):
        """A step of the encoder: izi_f of f-AnoGAN, pixels by `loss.kind`.

        Generator and discriminator have the fixed statistics that scoring has.
        """
        image = batch.image
        judge, pixels = own["discriminator"].model, losses.LOSSES[self.config.loss.kind]
        weight = hparams.get("model.feature_weight")

        def loss(params):
            given = {**own["encoder"].model, "params": params}
            latent, model = apply_part(self.module, "encoder", given, image, mode)
            recon = made(self.module, own["generator"].model, latent)
            values = pixels(recon, image)
            if weight is not None:
                pair = (features(self.module, judge, x) for x in (recon, image))
                values = values + weight * losses.mse(*pair)
            return values, model

        tx, state = self._tx("encoder", hparams), own["encoder"]
        return update(loss, tx, hparams, state, batch.valid, mode.axis_name)

    def output(self, key, hparams: Hparams, model: Any, image: jax.Array) -> Output:
        """What the generator draws from the encoder's latent."""
        return models.apply(self.module, model, image)[0]

    def sample(self, key, hparams: Hparams, model: Any, count: int) -> jax.Array:
        latent = jax.random.normal(key, (count, self.spec.latent_dim))
        return made(self.module, part_of(model, "generator"), latent)

    def score(self, key, hparams: Hparams, model: Any, image: jax.Array) -> Scores:
        names = self.config.score
        found = gan_scores.scores(self.module, names, hparams, model, image)
        if not self.inverted:
            return found
        return Scores({name: -values for name, values in found.values.items()}, {})

    def _judged(self, variables: Any, image: jax.Array, mode: Mode):
        """Logits (B,), and the variables with the statistics of these images."""
        (logit, _), model = apply_part(
            self.module, "discriminator", variables, image, mode
        )
        return logit, model

    def _latents(self, key, batch: Batch, axis_name: str | None) -> jax.Array:
        """(B, latent_dim) of this device, of a global draw: the same on any number."""
        count, dim = batch.valid.shape[0], self.spec.latent_dim
        if axis_name is None:
            return jax.random.normal(key, (count, dim))
        drawn = jax.random.normal(key, (count * jax.lax.axis_size(axis_name), dim))
        own = count * jax.lax.axis_index(axis_name)
        return jax.lax.dynamic_slice_in_dim(drawn, own, count)

    def _tx(self, name: str, hparams: Hparams) -> optax.GradientTransformation:
        steps = self.steps
        if name == "discriminator":
            rate = hparams["optim.lr"] * hparams["model.discriminator_rate"]
            hparams = {**hparams, "optim.lr": rate}
            steps = steps and steps * self.spec.discriminator_steps
        return optimiser.make(self.config.optim, hparams, steps)


def _means(logits: dict[str, jax.Array], valid: jax.Array, count, mode: Mode):
    """Mean probability of being real over the valid examples of all devices."""
    sums = {
        name: jnp.sum(jnp.where(valid, jax.nn.sigmoid(values), 0.0))
        for name, values in logits.items()
    }
    sums = total(sums, mode.axis_name)
    return {name: value / jnp.maximum(count, 1.0) for name, value in sums.items()}
