"""Ways to detect anomalies, each a tuple of pure functions (`Method`)."""

from collections.abc import Callable
from typing import Any

from jaxad import models
from jaxad.config import USUAL, Config, stages
from jaxad.methods.adversarial import adversarial
from jaxad.methods.base import ANOMALOUS, Blocks, Hparams, Method, Taught
from jaxad.methods.classification import classification
from jaxad.methods.denoising import denoising
from jaxad.methods.discrimination import discrimination
from jaxad.methods.either import beside_either
from jaxad.methods.reconstruction import reconstruction
from jaxad.methods.tone import toned
from jaxad.methods.usual import beside_usual
from jaxad.methods.views import viewed

METHODS: dict[str, Callable[..., Method]] = {
    "cnn": classification,
    "dcgan": adversarial,
    "draem": discrimination,
}
"""Kind of the model -> (module, config, steps) -> its method; else `reconstruction`."""


def build(config: Config, steps: int | None = None, module: Any = None) -> Method:
    """The method of a config's last stage.

    config: as from `stages.last`. module: a Flax module in place of the config's model.
    """
    method, spec = _built(config, steps, module), config.score
    if "either" in spec.names:
        method = beside_either(method, spec)
    if config.data.tone == "log":
        method = toned(method)
    return method if spec.views == "one" else viewed(method, spec.views)


def _built(config: Config, steps: int | None, module: Any) -> Method:
    before = stages.before(config)
    if before is not None:
        return denoising(_built(before, None, module), config, steps)
    if module is None:
        module = models.build(config.model)
    module = models.in_precision(module, config.train.precision)
    method = METHODS.get(config.model.kind, reconstruction)(module, config, steps)
    if {*USUAL} & {*config.score.names}:
        method = beside_usual(method, config.score)
    return method


def labelled(config: Config) -> Taught | None:
    """Which labelled images the method of a config's last stage learns from."""
    return build(config).labelled


__all__ = ["ANOMALOUS", "METHODS", "Blocks", "Hparams", "Method", "Taught"]
__all__ += ["adversarial", "build", "classification", "denoising", "discrimination"]
__all__ += ["labelled", "reconstruction", "toned", "viewed"]
