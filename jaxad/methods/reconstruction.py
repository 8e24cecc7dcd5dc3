"""Autoencoders: learn to reconstruct normal images, score by the residual.

One code path trains the identity (no noise), denoising (corrupted in, clean target)
and noise-injected (a fraction corrupted, input and target alike) variants.
"""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from jaxad import models
from jaxad.config import Config
from jaxad.corrupt import corrupt
from jaxad.losses import LOSSES, check_ssim
from jaxad.methods import optimiser, residual
from jaxad.methods.base import Hparams, Method
from jaxad.models import Mode
from jaxad.streams import stream
from jaxad.types import Batch, Output, Scores, State


def reconstruction(module: Any, config: Config, steps: int | None = None) -> Method:
    """The method of an autoencoder.

    module: any Flax Linen module from image (B, H, W, C) to `Output` or recon.
    config: its loss, corrupt, optim and score groups count.
    steps: number of all steps, for schedules that end.
    """
    loss_of = LOSSES[config.loss.kind]

    def init(key: jax.Array, hparams: Hparams, batch: Batch) -> State:
        if "ssim" in (config.loss.kind, *config.score.names):
            check_ssim(*batch.image.shape[1:3])
        model = models.init(module, stream(key, "init"), batch.image)
        tx = optimiser.make(config.optim, hparams, steps)
        return State(model, tx.init(model["params"]))

    def step(key, hparams, state, batch, axis_name=None):
        if axis_name is not None:  # each device draws noise for its own examples
            key = jax.random.fold_in(key, jax.lax.axis_index(axis_name))
        image, target = _pair(config, stream(key, "corrupt"), hparams, batch.image)
        rate = hparams.get("model.dropout")
        mode = Mode(True, rate, batch.valid, axis_name)
        count = _total(jnp.sum(batch.valid.astype(jnp.float32)), axis_name)

        def objective(params):
            variables = {**state.model, "params": params}
            output, model = models.apply(
                module, variables, image, mode, stream(key, "dropout")
            )
            per_example = jnp.where(batch.valid, loss_of(output.recon, target), 0.0)
            return jnp.sum(per_example) / jnp.maximum(count, 1.0), model

        params = state.model["params"]
        (loss, model), grads = jax.value_and_grad(objective, has_aux=True)(params)
        loss, grads = _total((loss, grads), axis_name)
        grads = _penalised(hparams, params, grads)
        tx = optimiser.make(config.optim, hparams, steps)
        updates, opt_state = tx.update(grads, state.rest, params)
        model = {**model, "params": optax.apply_updates(params, updates)}
        info = {"loss": loss, "grad_norm": optax.tree.norm(grads), "count": count}
        return State(model, opt_state), info

    def validate(key, hparams, model, batch):
        image, target = _pair(config, stream(key, "corrupt"), hparams, batch.image)
        return loss_of(models.apply(module, model, image)[0].recon, target)

    def output(key, hparams, model, image) -> Output:
        return models.apply(module, model, image)[0]

    def score(key, hparams, model, image) -> Scores:
        return residual.scores(
            config.score, image, output(key, hparams, model, image).recon
        )

    return Method(init, step, validate, score, output)


def _pair(config, key, hparams, image) -> tuple[jax.Array, jax.Array]:
    """What goes in and what should come out, by the config's `corrupt` group."""
    if "corrupt.level" not in hparams:
        return image, image
    level, fraction = hparams["corrupt.level"], hparams.get("corrupt.fraction")
    noisy = corrupt(config.corrupt.kind, key, image, level, fraction)
    return noisy, image if config.corrupt.target == "clean" else noisy


def _penalised(hparams: Hparams, params, grads):
    """Add the gradient of the penalties on kernels; biases and norms go free."""
    l1, l2 = hparams.get("loss.l1"), hparams.get("loss.l2")

    def add(grad, param):
        if param.ndim > 1 and l1 is not None:
            grad = grad + l1 * jnp.sign(param)
        if param.ndim > 1 and l2 is not None:
            grad = grad + l2 * param
        return grad

    return jax.tree.map(add, grads, params)


def _total(tree, axis_name: str | None):
    """The sum over the devices of a mapped axis."""
    return tree if axis_name is None else jax.lax.psum(tree, axis_name)
