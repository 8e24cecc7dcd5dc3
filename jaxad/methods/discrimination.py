"""Learn from synthetic defects to undo and to find them; score by what is found.

V. Zavrtanik, M. Kristan and D. Skočaj, "DRAEM - A discriminatively trained
reconstruction embedding for surface anomaly detection", ICCV 2021.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxad import losses, models
from jaxad.config import Config, Draem
from jaxad.defects import synthesise
from jaxad.methods import optimiser, residual
from jaxad.methods.base import Hparams, Method
from jaxad.methods.update import of_device, update
from jaxad.models import Mode
from jaxad.streams import stream
from jaxad.types import Batch, Output, Scores, State


def discrimination(module: Any, config: Config, steps: int | None = None) -> Method:
    """The method of a model that is trained on synthetic defects.

    module: from image (B, H, W, C) to an `Output` with pictures["logit"].
    config: its model (a `Draem`), optim and score groups count, and the penalties of
        its loss. steps: number of all steps, for schedules that end.
    """
    assert isinstance(config.model, Draem)
    one = _Discrimination(module, config, config.model, steps)
    return Method(one.init, one.step, one.validate, one.score, one.output)


class _Discrimination:
    """The method's functions, pure in all but these static values."""

    def __init__(self, module: Any, config: Config, spec: Draem, steps: int | None):
        self.module, self.config, self.spec, self.steps = module, config, spec, steps

    def init(self, key: jax.Array, hparams: Hparams, batch: Batch) -> State:
        if "model.ssim" in hparams:
            losses.check_ssim(*batch.image.shape[1:3])
        model = models.init(self.module, stream(key, "init"), batch.image)
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
        mode = Mode(True, None, batch.valid, axis_name)
        image, mask = self._spoiled(key, hparams, batch.image)

        def loss(params):
            variables = {**state.model, "params": params}
            output, model = models.apply(self.module, variables, image, mode)
            return _loss(hparams, output, batch.image, mask), model

        return update(loss, self._tx(hparams), hparams, state, batch.valid, axis_name)

    def validate(self, key, hparams: Hparams, model: Any, batch: Batch) -> jax.Array:
        image, mask = self._spoiled(key, hparams, batch.image)
        output = models.apply(self.module, model, image)[0]
        return _loss(hparams, output, batch.image, mask)

    def output(self, key, hparams: Hparams, model: Any, image: jax.Array) -> Output:
        # The map shows what is found.
        return models.apply(self.module, model, image)[0]._replace(pictures=None)

    def score(self, key, hparams: Hparams, model: Any, image: jax.Array) -> Scores:
        output = models.apply(self.module, model, image)[0]
        found = _probability(output)
        error = losses.squared_error_map(output.recon, image)
        maps = {"defect": found, "defect_top": found, "defect_mse": error}
        values = {
            "defect": jnp.max(local_means(found, self.spec.window), (1, 2)),
            "defect_top": residual.top_mean(found, self.config.score.top),
            "defect_mse": jnp.mean(error, (1, 2)),
        }
        wanted = [name for name in self.config.score.names if name in values]
        return Scores(
            {name: values[name] for name in wanted},
            {name: maps[name] for name in wanted},
        )

    def _spoiled(self, key, hparams: Hparams, image: jax.Array):
        """Images with synthetic defects, and the masks of these."""
        opacity, fraction = hparams["model.opacity"], hparams.get("model.fraction")
        spec, key = self.spec, stream(key, "defects")
        kinds = spec.shapes, spec.fillings
        return synthesise(key, image, opacity, fraction, spec.most, *kinds)

    def _tx(self, hparams: Hparams) -> optax.GradientTransformation:
        return optimiser.make(self.config.optim, hparams, self.steps)


def local_means(anomaly_map: jax.Array, side: int) -> jax.Array:
    """Means over all square windows inside the maps (B, H, W); (B, H', W') float32.

    side: of the windows in pixels; a map that is smaller is one window in that axis.
    """
    rows, columns = (_windows(size, side) for size in anomaly_map.shape[1:])
    exact = jax.lax.Precision.HIGHEST
    down = jnp.einsum("ph,bhw->bpw", rows, anomaly_map, precision=exact)
    return jnp.einsum("qw,bpw->bpq", columns, down, precision=exact)


def _windows(size: int, side: int) -> np.ndarray:
    """(size - side + 1, size) float32, a window's mean a row."""
    side = min(size, side)
    place = np.arange(size) - np.arange(size - side + 1)[:, None]
    return ((place >= 0) & (place < side)).astype(np.float32) / np.float32(side)


def _probability(output: Output) -> jax.Array:
    """(B, H, W) in [0, 1], of a pixel being anomalous."""
    return jax.nn.sigmoid(_logit(output))


def _logit(output: Output) -> jax.Array:
    assert output.pictures is not None
    return output.pictures["logit"][..., 0]


def _loss(
    hparams: Hparams, output: Output, clean: jax.Array, mask: jax.Array
) -> jax.Array:
    """(B,): the source's sum of three losses, weighted by the config."""
    gamma = hparams.get("model.gamma", jnp.float32(0))
    loss = hparams["model.focal"] * losses.focal(_logit(output), mask, gamma)
    for name in ("mse", "ssim"):
        if f"model.{name}" in hparams:
            weight = hparams[f"model.{name}"]
            loss = loss + weight * losses.LOSSES[name](output.recon, clean)
    return loss
