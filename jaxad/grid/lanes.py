"""What every lane computes, as pure functions: train, score, thresholds, metrics.

The functions take one lane. How many run at a time, and how, is decided elsewhere.
"""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxad import metrics, threshold
from jaxad.batches import TrainData, finalized, take
from jaxad.carry import Carry, chosen
from jaxad.config import Config
from jaxad.grid.lane_data import LaneData
from jaxad.methods import Method
from jaxad.parallel import ONE, Layout
from jaxad.program import Program, program
from jaxad.streams import stream
from jaxad.threshold import Validation
from jaxad.types import Batch


class Functions(NamedTuple):
    """start(image, lane) -> Carry. advance(image, lane, carry, bounds) -> Carry, with
    bounds (first epoch, last epoch, first step, last step of each), all int32.
    measure(image, lane, carry) -> dict of arrays. steps: steps of an epoch."""

    start: Any
    advance: Any
    measure: Any
    steps: int


def functions(
    method: Method,
    config: Config,
    examples: int,
    together: bool,
    keep: bool = False,
    layout: Layout = ONE,
) -> Functions:
    """The functions of a group's lanes, for so many (padded) training rows each.

    config: static, as from `blank`. together: whether they run under `vmap`. keep: the
    trained stages are what is wanted: `measure` gives those alone. layout: of devices,
    of which those along the data axis share each batch.
    """
    prog = program(method, config, examples, together=together, layout=layout)
    one = _Lane(method, config, prog)
    measure = one.stage if keep else one.measure
    return Functions(one.start, one.advance, measure, prog.steps)


class _Lane:
    """The functions, pure in all but these static values."""

    def __init__(self, method: Method, config: Config, prog: Program):
        self.method, self.config, self.program = method, config, prog

    def start(self, image: jax.Array, lane: LaneData) -> Carry:
        data = _train_data(image, lane)
        return self.program.start(lane.key, lane.hparams, data, lane.warm)

    def advance(self, image, lane: LaneData, carry: Carry, bounds) -> Carry:
        first, last, *steps = bounds
        data = _train_data(image, lane)

        def epoch(at, carry):
            segment = self.program.segment
            return segment(lane.key, lane.hparams, data, carry, at, *steps)

        return jax.lax.fori_loop(first, last, epoch, carry)

    def model(self, image, lane: LaneData, carry: Carry) -> dict[str, Any]:
        """The model that a run would end with here, as the next stage stands behind."""
        data = _train_data(image, lane)
        size = self.config.score.together(image.shape[1:3])
        model = chosen(self.config, carry)
        return {
            "model": finalized(self.method, lane.key, lane.hparams, model, data, size)
        }

    def stage(self, image, lane: LaneData, carry: Carry) -> dict[str, Any]:
        """The model for the next stage, and the leaves of the carry, by number, for a
        run of its own."""
        leaves = {f"{i:05d}": leaf for i, leaf in enumerate(jax.tree.leaves(carry))}
        return self.model(image, lane, carry) | {"carry": leaves}

    def measure(self, image, lane: LaneData, carry: Carry) -> dict[str, Any]:
        """Scores, limits and metrics of the model that a run would end with here.

        val, test: score name -> (V,), (T,). metrics: score name -> scalars.
        limits: score name -> (rules, 2), lower and upper. The rest are scalars:
        mse_normal, mse_anomalous: of the reconstruction of validation images;
        spread: variance of the reconstructions over that of the images.
        """
        model = self.model(image, lane, carry)["model"]
        val, errors, spread = self._scored(image, lane, model, lane.tune_rows)
        test, *_ = self._scored(image, lane, model, lane.test_rows)
        valid = lane.tune_rows >= 0
        # All scores at once: sorting compiles slowly.
        rates, limits = jax.vmap(self._rated, (0, None, None))(
            jnp.stack(list(val.values())), lane.tune_label, valid
        )
        normal = valid & (lane.tune_label == 0)
        return {
            "val": val,
            "test": test,
            "metrics": {
                name: {k: v[i] for k, v in rates.items()} for i, name in enumerate(val)
            },
            "limits": {name: limits[i] for i, name in enumerate(val)},
            "mse_normal": _mean(errors, normal),
            "mse_anomalous": _mean(errors, valid & (lane.tune_label == 1)),
            "spread": spread,
            "val_loss": _val_loss(self.config, carry),
            "train_loss": carry.history["train_loss"][_last(carry)],
            "best_epoch": carry.best_epoch,
            "status": carry.status,
            "status_step": carry.status_step,
        }

    def _scored(self, image, lane: LaneData, model, rows):
        """Scores by name and the error of the reconstruction, (n,) each; the spread."""
        size = self.config.score.together(image.shape[1:3])
        count = math.ceil(rows.shape[0] / size)
        filled = jnp.pad(rows, (0, count * size - rows.shape[0]), constant_values=-1)
        key = stream(lane.key, "score")

        def one(rows):
            batch = take(image, None, rows)
            scores = self.method.score(key, lane.hparams, model, batch.image).values
            recon = jnp.full_like(batch.image, jnp.nan)
            if self.method.output is not None:
                recon = self.method.output(key, lane.hparams, model, batch.image).recon
            return scores, _errors(recon, batch)

        found = jax.lax.map(one, filled.reshape(count, size))
        scores, (error, *moments) = found
        number = jnp.sum(rows >= 0).astype(jnp.float32)
        recon, images = (_variance(m, number) for m in moments)
        flat = {k: v.reshape(-1)[: rows.shape[0]] for k, v in scores.items()}
        return flat, error.reshape(-1)[: rows.shape[0]], recon / images

    def _rated(self, score, label, valid):
        rated = metrics.summary(score, label, valid)
        given = Validation(score, label, valid)
        rules = self.config.threshold.rules
        limits = [jnp.stack(threshold.fit(rule, given)) for rule in rules]
        kept = ("auroc", "average_precision", "f1_max")
        return {name: rated[name] for name in kept}, jnp.stack(limits)


def _train_data(image: jax.Array, lane: LaneData) -> TrainData:
    label = lane.label
    rows = (image, label, lane.rows, image, label, lane.val_rows)
    return TrainData(*rows, before=lane.before)


def _errors(recon: jax.Array, batch: Batch):
    """Squared error of each image (B,), and the moments of recon and image."""
    valid = batch.valid[:, None, None, None]
    pair = recon, batch.image
    error = jnp.mean((recon - batch.image) ** 2, (1, 2, 3))
    return error, *(_moments(jnp.where(valid, x, 0.0)) for x in pair)


def _moments(x: jax.Array) -> jax.Array:
    """Sums of the pixels and of their squares over a block, (2, H, W, C)."""
    return jnp.stack([jnp.sum(x, 0), jnp.sum(x * x, 0)])


def _variance(moments: jax.Array, number: jax.Array) -> jax.Array:
    """Mean over pixels of their variance over images."""
    total, square = jnp.sum(moments, 0) / number
    return jnp.mean(square - total * total)


def _mean(values: jax.Array, where: jax.Array) -> jax.Array:
    """NaN where there are none."""
    total = jnp.sum(jnp.where(where, values, 0.0))
    return total / jnp.sum(where).astype(jnp.float32)


def _last(carry: Carry) -> jax.Array:
    done = jnp.sum(~jnp.isnan(carry.history["train_loss"]), dtype=jnp.int32)
    return jnp.maximum(done - 1, 0)


def _val_loss(config: Config, carry: Carry) -> jax.Array:
    if config.train.select == "last":
        return carry.history["val_loss"][_last(carry)]
    return carry.best_value
