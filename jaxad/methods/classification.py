"""A classifier: learns from labelled images which ones are anomalous.

V. Wilmet et al., "A Comparison of Supervised and Unsupervised Deep Learning Methods for
Anomaly Detection in Images", section 3.4: binary cross-entropy of one output. It does
not reconstruct, and has no anomaly map.
"""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from jaxad import models
from jaxad.config import Classifier, Config
from jaxad.errors import ConfigError
from jaxad.losses import label_bce
from jaxad.methods import optimiser
from jaxad.methods.base import ANOMALOUS, Hparams, Method
from jaxad.methods.update import of_device, update
from jaxad.models import Mode
from jaxad.streams import stream
from jaxad.types import Batch, Scores, State


def classification(module: Any, config: Config, steps: int | None = None) -> Method:
    """The method of a classifier.

    module: any Flax Linen module from image (B, H, W, C) to logit (B,) or (B, 1), the
        log odds of an anomaly.
    config: of a model of kind `cnn`; its model, optim and score groups count, and the
        penalties of its loss.
    steps: number of all steps, for schedules that end.
    With `model.weights balanced` its hparams need ANOMALOUS, in (0, 1).
    """
    one = _Classifier(module, config, steps)
    return Method(one.init, one.step, one.validate, one.score, labelled="all")


class _Classifier:
    """The method's functions, pure in all but these three static values."""

    def __init__(self, module: Any, config: Config, steps: int | None):
        self.module, self.config, self.steps = module, config, steps
        assert isinstance(config.model, Classifier)
        self.balanced = config.model.weights == "balanced"

    def init(self, key: jax.Array, hparams: Hparams, batch: Batch) -> State:
        model = models.init(self.module, stream(key, "init"), batch.image)
        shape = jax.eval_shape(self._raw, model, batch.image).shape
        if shape not in ((len(batch.image),), (len(batch.image), 1)):
            raise ConfigError(
                f"the module gives {shape} for {len(batch.image)} images; a classifier "
                "gives one number for each, the log odds of an anomaly"
            )
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
        mode = Mode(True, hparams.get("model.dropout"), batch.valid, axis_name)

        def loss(params):
            variables, drawn = {**state.model, "params": params}, stream(key, "dropout")
            logit, model = models.call(self.module, variables, batch.image, mode, drawn)
            return self._loss(hparams, logit.reshape(-1), batch.label), model

        return update(loss, self._tx(hparams), hparams, state, batch.valid, axis_name)

    def validate(self, key, hparams: Hparams, model: Any, batch: Batch) -> jax.Array:
        return self._loss(hparams, self._logit(model, batch.image), batch.label)

    def score(self, key, hparams: Hparams, model: Any, image: jax.Array) -> Scores:
        logit = self._logit(model, image)
        values = {"logit": logit, "probability": jax.nn.sigmoid(logit)}
        return Scores({name: values[name] for name in self.config.score.names}, {})

    def _raw(self, model: Any, image: jax.Array) -> jax.Array:
        return models.call(self.module, model, image)[0]

    def _logit(self, model: Any, image: jax.Array) -> jax.Array:
        return self._raw(model, image).reshape(-1)

    def _loss(self, hparams: Hparams, logit: jax.Array, label: jax.Array) -> jax.Array:
        """(B,): as in training, also where it is validated."""
        values = label_bce(logit, label)
        if not self.balanced:
            return values
        return values * balanced(hparams[ANOMALOUS], label)

    def _tx(self, hparams: Hparams) -> optax.GradientTransformation:
        return optimiser.make(self.config.optim, hparams, self.steps)


def balanced(anomalous: jax.Array, label: jax.Array) -> jax.Array:
    """Weights (B,) of images by label (B,), inversely to how many have it.

    anomalous: () float32 in (0, 1), the share of label 1 among all training images,
    over which the weights have mean 1 (G. King and L. Zeng, "Logistic Regression in
    Rare Events Data", 2001; scikit-learn's `balanced`).
    """
    return 0.5 / jnp.where(label == 1, anomalous, 1 - anomalous)
