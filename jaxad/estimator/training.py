"""A training in memory, from a config and images to the model that scores them.

Compiled programs are shared by all fits of the same static config and shapes: a search
over learning rates compiles once.
"""

import warnings
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from jaxad import environment, loop, methods
from jaxad.batches import TrainData, finalized, steps_of
from jaxad.carry import COLLAPSED, RUNNING, chosen
from jaxad.config import Config, Score, Train, load_config, set_values, stages, traced
from jaxad.config.traced import blank
from jaxad.data.splits import cut
from jaxad.errors import ConfigError
from jaxad.program import program
from jaxad.scoring import Scorer
from jaxad.streams import root

DEFAULT = Config(train=Train(batch_size=32), score=Score(names=("mse",)))
LATENTS = 32
"""Of the default, at most."""
FEW = 20
"""With fewer examples, all of them train and validate."""
_STEP = 32
"""Numbers of validation examples are padded to multiples of it: fewer shapes."""


class Options(NamedTuple):
    """Parameters of the estimator that make up its config."""

    config: Config | str | Path | None
    model: str | None
    latent_dim: int | None
    lr: float | None
    epochs: int | None
    batch_size: int | None
    score_name: str | None
    overrides: dict[str, Any] | None


class Fitted(NamedTuple):
    """model: arrays on the host. history: column -> (epochs,)."""

    model: Any
    history: dict[str, np.ndarray]


def resolve(options: Options, features: int, seed: int) -> Config:
    """The config of a fit to so many features. Raises ConfigError."""
    given = options.config
    config = load_config(given) if isinstance(given, str | Path) else given or DEFAULT
    if not isinstance(config, Config):
        raise ConfigError(f"config: a jaxad.Config or a path, not {config!r}")
    values: dict[str, Any] = {
        "model.kind": options.model,
        "model.latent_dim": options.latent_dim,
        "optim.lr": options.lr,
        "train.epochs": options.epochs,
        "train.batch_size": options.batch_size,
        "score.names": options.score_name and (options.score_name,),
    }
    values = {name: value for name, value in values.items() if value is not None}
    own = {"seed": seed} | values | (options.overrides or {})
    if given is None and own.get("model.kind", "deep") in ("linear", "deep"):
        most = min(LATENTS, max(1, features // 2))
        own = {"model.latent_dim": most} | own
    config = set_values(config, own)
    if config.data.patches.size is not None:
        raise ConfigError("data.patches.size: an estimator takes whole images")
    if methods.labelled(stages.last(config)) is not None:
        raise ConfigError(
            f"model.kind {config.model.kind} learns from labels, and an estimator's "
            "fit has none; choose an autoencoder"
        )
    return config


def fit(config: Config, image: np.ndarray) -> Fitted:
    """Train all stages of a config on images (N, H, W, C) uint8 or float32.

    Raises DivergedError; a training that stands still is a ConvergenceWarning.
    """
    environment.use_compilation_cache()
    data = _data(config, image)
    compiled = _compiled(_form(config), len(data.rows))
    carries = []
    for own, run in zip(stages.every(config), compiled, strict=True):
        key, hparams = _arguments(own)
        carry = run.fit(key, hparams, data)
        if int(carry.status) == COLLAPSED:
            text = str(loop.diverged(carry))
            warnings.warn(text, ConvergenceWarning, stacklevel=3)
        elif int(carry.status) != RUNNING:
            raise loop.diverged(carry)
        carries.append(carry)
        model = run.finalize(key, hparams, chosen(own, carry), data)
        data = data._replace(before=model)
    return Fitted(jax.tree.map(np.asarray, data.before), loop.history(*carries))


def values(config: Config, model: Any, image: np.ndarray) -> np.ndarray:
    """(N,) float64, the first score of the config."""
    found = _scorer(config).values(model, image)
    return found[config.score.names[0]].astype(np.float64)


def maps(config: Config, model: Any, image: np.ndarray) -> np.ndarray:
    """(N, H, W) float32, the map of the first score that has one."""
    found = _scorer(config).scores(model, image).maps
    if not found:
        raise ConfigError(f"score.names: {config.score.names[0]} has no map")
    return next(iter(found.values()))


class _Run(NamedTuple):
    """Of a stage: fit(key, hparams, data) -> carry, and
    finalize(key, hparams, model, data) -> model."""

    fit: Callable[..., Any]
    finalize: Callable[..., Any]


def _form(config: Config) -> Config:
    """All of a config that a program is compiled for; hashable."""
    return blank(stages._with(config, seed=0))


@lru_cache(maxsize=32)
def _compiled(form: Config, examples: int) -> tuple[_Run, ...]:
    """Of each stage; compiled when first called."""
    return tuple(_run(own, examples) for own in stages.every(form))


def _run(form: Config, examples: int) -> _Run:
    steps = steps_of(form.train, examples) * form.train.epochs
    method = methods.build(form, steps)

    def finalize(key, hparams, model, data: TrainData) -> Any:
        block = form.score.together(data.image.shape[1:3])
        return finalized(method, key, hparams, model, data, block)

    fit = jax.jit(program(method, form, examples).fit)
    if method.finalize is None:
        return _Run(fit, lambda key, hparams, model, data: model)
    return _Run(fit, jax.jit(finalize))


def _scorer(config: Config) -> Scorer:
    last = stages.last(config)
    return _compiled_scorer(_form(last)).of(*_arguments(last))


@lru_cache(maxsize=32)
def _compiled_scorer(form: Config) -> Scorer:
    return Scorer(methods.build(form), jax.random.key(0), {}, form.score)


def _arguments(own: Config) -> tuple[jax.Array, dict[str, jax.Array]]:
    """Key and hyper-parameters of a stage."""
    numbers = {name: np.float32(value) for name, value in traced(own).items()}
    return root(own.seed, stages.number(own)), jax.tree.map(jax.numpy.asarray, numbers)


def _data(config: Config, image: np.ndarray) -> TrainData:
    """All examples on the device, some of them for training and some for validation.

    Their numbers are padded, so that sets of about the same size share a program.
    """
    count, size = len(image), config.train.batch_size
    train = val = np.arange(count)
    if count >= FEW:
        order = np.random.default_rng(config.seed).permutation(count)
        train, val = cut(order, config.data.validation, "validation")
    pads = ((0, -count % size), *[(0, 0)] * 3)
    given = jax.numpy.asarray(np.pad(image, pads))
    rows, held = _padded(train, size), _padded(val, _STEP)
    return TrainData(given, None, rows, given, None, held)


def _padded(rows: np.ndarray, size: int) -> jax.Array:
    more = np.full(-len(rows) % size, -1)
    return jax.numpy.asarray(np.concatenate([rows, more]).astype(np.int32))
