"""Autoencoders: learn to reconstruct normal images, score by residual or latent.

One code path trains the identity (no noise), denoising (corrupted in, clean target)
and noise-injected (a fraction corrupted, input and target alike) variants.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax

from jaxad import models
from jaxad.config import FITTED, Config
from jaxad.corrupt import corrupt
from jaxad.errors import ConfigError
from jaxad.losses import LOSSES, check_ssim, negative_elbo
from jaxad.methods import density, optimiser, positions, residual
from jaxad.methods.base import Blocks, Hparams, Method
from jaxad.methods.update import of_device, update
from jaxad.models import Mode
from jaxad.streams import stream
from jaxad.types import Batch, Output, Scores, State

_FITTED = ("density", "positions")
"""Parts of a finalised model that are no variables of the module."""


def reconstruction(module: Any, config: Config, steps: int | None = None) -> Method:
    """The method of an autoencoder.

    module: any Flax Linen module from image (B, H, W, C) to `Output` or recon.
    config: its loss, corrupt, optim and score groups count.
    steps: number of all steps, for schedules that end.
    """
    one = _Autoencoder(module, config, steps)
    finalize = one.finalize if one.fitted else None
    return Method(one.init, one.step, one.validate, one.score, one.output, finalize)


class _Autoencoder:
    """The method's functions, pure in all but these three static values."""

    def __init__(self, module: Any, config: Config, steps: int | None):
        self.module, self.config, self.steps = module, config, steps
        self.variational = config.loss.kind == "elbo"
        self.fitted = {name for name in config.score.names if name in FITTED}

    def init(self, key: jax.Array, hparams: Hparams, batch: Batch) -> State:
        if "ssim" in (self.config.loss.kind, *self.config.score.names):
            check_ssim(*batch.image.shape[1:3])
        model = models.init(self.module, stream(key, "init"), batch.image)
        if self.fitted & {*density.NAMES}:
            jax.eval_shape(self._latent, model, batch.image)
        return State(model, self._tx(hparams).init(model["params"]))

    def step(
        self,
        key: jax.Array,
        hparams: Hparams,
        state: State,
        batch: Batch,
        axis_name: str | None = None,
    ) -> tuple[State, dict[str, jax.Array]]:
        key = of_device(key, axis_name)
        rate = hparams.get("model.dropout")
        mode = Mode(True, rate, batch.valid, axis_name)
        image, target = self._pair(key, hparams, batch.image)

        def loss(params):
            variables, drawn = {**state.model, "params": params}, stream(key, "dropout")
            output, model = models.apply(self.module, variables, image, mode, drawn)
            return self._loss(hparams, output, target), model

        return update(loss, self._tx(hparams), hparams, state, batch.valid, axis_name)

    def validate(self, key, hparams: Hparams, model: Any, batch: Batch) -> jax.Array:
        image, target = self._pair(key, hparams, batch.image)
        drawn = stream(key, "sample") if self.variational else None
        return self._loss(hparams, self._apply(model, image, drawn), target)

    def output(self, key, hparams: Hparams, model: Any, image: jax.Array) -> Output:
        return self._apply(model, image, None)

    def _apply(self, model: Any, image: jax.Array, key: jax.Array | None) -> Output:
        variables = {name: model[name] for name in model if name not in _FITTED}
        return models.apply(self.module, variables, image, key=key)[0]

    def score(self, key, hparams: Hparams, model: Any, image: jax.Array) -> Scores:
        spec, draws = self.config.score, self.config.score.samples
        output = self.output(key, hparams, model, image)
        if not self.variational or draws == 0:
            found = self._residual(hparams, output, image)
        else:
            keys = jax.random.split(stream(key, "sample"), draws)
            found = jax.tree.map(
                lambda values: jnp.mean(values, 0),
                jax.lax.map(
                    lambda key: self._residual(
                        hparams, self._apply(model, image, key), image
                    ),
                    keys,
                ),
            )
        if not self.fitted:
            return found
        if not model.keys() & {*_FITTED}:
            raise ConfigError("score.names: fitted scores need the finalised model")
        values, maps = dict(found.values), dict(found.maps)
        if "density" in model:
            values |= density.scores(spec, model["density"], output.latent)
        if "positions" in model:
            signed = residual.signed(image, output.recon)
            shown = positions.deviations(model["positions"], signed)
            maps["zmap"] = residual.smoothed(jnp.abs(shown), spec.blur)
            values["zmap"] = residual.reduced("zmap", maps["zmap"], spec.top)
        wanted = [name for name in spec.names if name in values]
        return Scores({name: values[name] for name in wanted}, maps)

    def _residual(self, hparams: Hparams, output: Output, image: jax.Array) -> Scores:
        """The scores of one reconstruction."""
        spec = self.config.score
        found = residual.scores(spec, image, output.recon)
        if "elbo" not in spec.names:
            return found
        values = found.values | {"elbo": self._loss(hparams, output, image)}
        wanted = [name for name in spec.names if name in values]
        return Scores({name: values[name] for name in wanted}, found.maps)

    def _loss(self, hparams: Hparams, output: Output, target: jax.Array) -> jax.Array:
        """(B,), by the config's `loss` group."""
        spec = self.config.loss
        if spec.kind != "elbo":
            return LOSSES[spec.kind](output.recon, target)
        beta = hparams.get("loss.beta", jnp.float32(1))
        return negative_elbo(output, target, spec.likelihood, spec.variance, beta)

    def finalize(
        self, key: jax.Array, hparams: Hparams, model: Any, train: Blocks, val: Blocks
    ) -> Any:
        spec, fitted = self.config.score, dict(model)
        if self.fitted & {*density.NAMES}:
            encode = partial(self._latent, model)
            fitted["density"] = density.fit(key, spec, encode, train, val)
        if "zmap" in self.fitted:

            def signed(image: jax.Array) -> jax.Array:
                return residual.signed(image, self._apply(model, image, None).recon)

            fitted["positions"] = positions.fit(signed, train)
        return fitted

    def _latent(self, model: Any, image: jax.Array) -> jax.Array:
        output = self._apply(model, image, None)
        if output.latent is output.recon:
            raise ConfigError(
                "score.names: the module gives no latent for latent scores; let it "
                "return a jaxad.types.Output, or choose other scores"
            )
        return output.latent

    def _tx(self, hparams: Hparams) -> optax.GradientTransformation:
        return optimiser.make(self.config.optim, hparams, self.steps)

    def _pair(self, key, hparams, image: jax.Array) -> tuple[jax.Array, jax.Array]:
        """What goes in and what should come out, by the config's `corrupt` group."""
        if "corrupt.level" not in hparams:
            return image, image
        spec = self.config.corrupt
        level, fraction = hparams["corrupt.level"], hparams.get("corrupt.fraction")
        noisy = corrupt(spec.kind, stream(key, "corrupt"), image, level, fraction)
        return noisy, image if spec.target == "clean" else noisy
