"""The trainings that a run consists of: an autoencoder, then what follows it.

A stage's config is a config like any other: its `optim` and `train` are those of the
stage, so that nothing that trains, checkpoints or counts knows of stages.
"""

import copy
from typing import Any, TypeVar

from jaxad.config.data import Corrupt
from jaxad.config.experiment import Config
from jaxad.config.scoring import of_denoiser

Spec = TypeVar("Spec")


def before(config: Config) -> Config | None:
    """The config of the stage before the last one; None where there is one alone."""
    if config.denoiser is None:
        return None
    own = config.score.names
    names = [name for name in own if not of_denoiser(name) and name != "either"]
    score = _with(config.score, names=tuple(names) or ("mse",))
    return _with(config, denoiser=None, score=score)


def every(config: Config) -> list[Config]:
    """The configs of all stages, in the order of the trainings."""
    first = before(config)
    return [*([] if first is None else every(first)), last(config)]


def last(config: Config) -> Config:
    """The config of the last stage, which scores. Its own last stage is itself.

    What of the autoencoder's training leaves no trace in it is at its default.
    """
    if config.denoiser is None:
        return config
    own = config.denoiser
    return _with(config, optim=own.optim, train=own.train, corrupt=Corrupt())


def validate(config: Config) -> int | None:
    """`train.validate`, where all stages have the same; otherwise none: all images."""
    first = before(config)
    found = last(config).train.validate
    return found if first is None or first.train.validate == found else None


def with_epochs(config: Config, epochs: int) -> Config:
    """The config with so many epochs in its last stage."""
    if config.denoiser is None:
        return _with(config, train=_with(config.train, epochs=epochs))
    train = _with(config.denoiser.train, epochs=epochs)
    return _with(config, denoiser=_with(config.denoiser, train=train))


def number(config: Config) -> int:
    """How many stages come before the last one."""
    return 0 if config.denoiser is None else 1


def _with(spec: Spec, **changes: Any) -> Spec:
    """The spec with other values, past its validation: it may be a blank one."""
    new = copy.copy(spec)
    for name, value in changes.items():
        object.__setattr__(new, name, value)
    return new
