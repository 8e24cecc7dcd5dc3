"""The optimiser, built from traced numbers inside the traced functions.

Built that way the rate is an argument of the program, not a part of the state: it can
be a grid axis, and a changed rate takes effect when a run is resumed.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

from jaxad.config import Optim
from jaxad.errors import ConfigError
from jaxad.methods.base import Hparams


def make(
    spec: Optim, hparams: Hparams, steps: int | None
) -> optax.GradientTransformation:
    """Clipping, the optimiser's direction, decoupled decay, schedule and rate.

    steps: number of all steps of the run, which the schedule is stretched over.
    """
    parts = []
    if "optim.clip" in hparams:
        parts.append(optax.clip_by_global_norm(hparams["optim.clip"]))
    parts += _DIRECTIONS[spec.kind](hparams)
    if "optim.weight_decay" in hparams:
        parts.append(
            optax.add_decayed_weights(hparams["optim.weight_decay"], mask=_kernels)
        )
    shape = unit_schedule(spec, steps)
    parts.append(optax.scale_by_schedule(lambda count: -shape(count)))
    parts.append(optax.scale(hparams["optim.lr"]))
    return _lenient(optax.chain(*parts))


def _lenient(tx: optax.GradientTransformation) -> optax.GradientTransformation:
    """Let optax mix int32 counts and traced float32 decays where users are strict."""

    def update(updates, state, params=None):
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            return tx.update(updates, state, params)

    return optax.GradientTransformation(tx.init, update)


def unit_schedule(spec: Optim, steps: int | None) -> Callable[[jax.Array], jax.Array]:
    """The schedule's shape: step count () int32 -> () float32 in [0, 1]."""
    if spec.schedule == "constant" and spec.warmup == 0:
        return lambda count: jnp.ones((), jnp.float32)
    if steps is None:
        raise ConfigError(
            f"optim.schedule: {spec.schedule} with warmup {spec.warmup:g} needs the "
            "number of steps; pass steps= to the method"
        )
    warmup = round(spec.warmup * steps)

    def shape(count: jax.Array) -> jax.Array:
        t = count.astype(jnp.float32)
        rise = (t + 1) / max(warmup, 1)
        done = jnp.clip((t - warmup) / max(steps - warmup, 1), 0.0, 1.0)
        fall = (1 + jnp.cos(jnp.pi * done)) / 2 if spec.schedule == "cosine" else 1.0
        return jnp.minimum(jnp.where(count < warmup, rise, fall), 1.0)

    return shape


def _sgd(hparams: Hparams) -> list[optax.GradientTransformation]:
    return _momentum(hparams)


def _adam(hparams: Hparams) -> list[optax.GradientTransformation]:
    return [optax.scale_by_adam(hparams["optim.b1"], hparams["optim.b2"])]


def _rmsprop(hparams: Hparams) -> list[optax.GradientTransformation]:
    return [optax.scale_by_rms(hparams["optim.b2"]), *_momentum(hparams)]


def _momentum(hparams: Hparams) -> list[optax.GradientTransformation]:
    if "optim.momentum" not in hparams:
        return []
    return [optax.trace(hparams["optim.momentum"])]


_DIRECTIONS = {"sgd": _sgd, "adam": _adam, "adamw": _adam, "rmsprop": _rmsprop}


def _kernels(params):
    """True for kernels: biases and norms are not decayed."""
    return jax.tree.map(lambda leaf: leaf.ndim > 1, params)
