"""Ways to detect anomalies, each a tuple of pure functions (`Method`)."""

from jaxad import models
from jaxad.config import Config
from jaxad.methods.base import Blocks, Hparams, Method
from jaxad.methods.reconstruction import reconstruction


def build(config: Config, steps: int | None = None) -> Method:
    """The method that a config names, with its model."""
    return reconstruction(models.build(config.model), config, steps)


__all__ = ["Blocks", "Hparams", "Method", "build", "reconstruction"]
