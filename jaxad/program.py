"""A run as pure functions: steps, segments of steps, and the end of an epoch.

A segment lies within an epoch and ends at any step. Cutting a run into other segments
changes no byte of it, so progress, signals and checkpoints can come at any time.
Nothing here knows which method it runs.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxad.batches import (
    TrainData,
    evenly,
    example,
    on_device,
    order,
    steps_of,
    take,
    taken,
)
from jaxad.carry import COLLAPSED, DIVERGED, RUNNING, Carry, chosen, finite, going
from jaxad.config import Config
from jaxad.config.scoring import at_a_time
from jaxad.data import augment
from jaxad.methods import Hparams, Method
from jaxad.parallel import ONE, Layout
from jaxad.streams import stream

__all__ = ["Carry", "Program", "TrainData", "chosen", "on_device", "program"]


class Program(NamedTuple):
    """Pure functions of a run; `jit` them, or `vmap` them over members first.

    start(key, hparams, data, model=None) -> Carry; `model` warm-starts it.
    segment(key, hparams, data, carry, epoch, first, last) -> Carry, with traced bounds
        0 <= first <= last <= steps of one epoch.
    fit(key, hparams, data) -> Carry: all epochs, for notebooks.
    steps: steps of an epoch.
    """

    start: Callable[..., Carry]
    segment: Callable[..., Carry]
    fit: Callable[..., Carry]
    steps: int


def program(
    method: Method,
    config: Config,
    examples: int,
    block: int = 512,
    together: bool = False,
    layout: Layout = ONE,
) -> Program:
    """The functions of a run of `config` on so many training rows.

    config: as from `jaxad.config.traced.blank`; its train group and data.augment count.
    block: validation examples looked at together, at most. together: for members side
        by side under `vmap`; one that has stopped is then computed on and thrown away,
        where otherwise it is skipped.
    layout: of the devices that share each batch.
    """
    steps = steps_of(config.train, examples)
    one = _Run(method, config, steps, block, together, layout)
    return Program(one.start, one.segment, one.fit, one.steps)


class _Run:
    """The program's functions, pure in all but these static values."""

    def __init__(self, method: Method, config: Config, steps, block, together, layout):
        self.method, self.config, self.steps = method, config, steps
        self.block, self.together = block, together
        self.layout: Layout = layout

    def start(self, key, hparams: Hparams, data: TrainData, model=None) -> Carry:
        batch = example(self.config.train, data)
        state = self.method.init(stream(key, "init"), hparams, batch)
        if model is not None:
            state = state._replace(model=model)
        step = self.method.after(data.before).step
        info = jax.eval_shape(step, key, hparams, state, batch)[1]
        names = [name for name in info if name != "count"]
        columns = [
            "train_loss",
            "val_loss",
            *(name for name in names if name != "loss"),
        ]
        empty = jnp.full(self.config.train.epochs, jnp.nan, jnp.float32)
        return Carry(
            state=state,
            average=state.model if "train.ema" in hparams else None,
            # Own buffers: the carry is donated, and one buffer cannot be given twice.
            best=jax.tree.map(jnp.copy, state.model),
            best_value=jnp.float32(jnp.inf),
            best_epoch=jnp.int32(-1),
            waited=jnp.int32(0),
            stopped=jnp.bool_(False),
            status=jnp.int32(RUNNING),
            status_step=jnp.int32(-1),
            sums={name: jnp.float32(0) for name in names},
            weight=jnp.float32(0),
            history=dict.fromkeys(columns, empty),
        )

    def segment(self, key, hparams, data, carry: Carry, epoch, first, last) -> Carry:
        # Asked once and not at every step: each question may copy the carry.
        return self._if_going(
            lambda carry: self._run(key, hparams, data, carry, epoch, first, last),
            carry,
        )

    def fit(self, key, hparams: Hparams, data: TrainData, model=None) -> Carry:
        steps = jnp.int32(0), jnp.int32(self.steps)

        def one(epoch, carry):
            return self.segment(key, hparams, data, carry, epoch, *steps)

        carry = self.start(key, hparams, data, model)
        return jax.lax.fori_loop(0, self.config.train.epochs, one, carry)

    def _run(self, key, hparams, data, carry: Carry, epoch, first, last) -> Carry:
        steps, train = self.steps, self.config.train
        rows = order(stream(key, "order"), epoch, data.rows, steps, train)
        rows = self.layout.whole(rows)

        def body(i, carry):
            return self._step(key, hparams, data, rows[i], epoch * steps + i, carry)

        carry = jax.lax.fori_loop(first, last, body, carry)
        return jax.lax.cond(
            last == steps,
            lambda carry: self._if_going(
                lambda carry: self._end_epoch(key, hparams, data, epoch, carry), carry
            ),
            lambda carry: carry,
            carry,
        )

    def _if_going(self, function: Callable[[Carry], Carry], carry: Carry) -> Carry:
        """function(carry), or carry itself when it has failed or stopped."""
        on = going(carry)
        if not self.together:
            return jax.lax.cond(on, function, lambda carry: carry, carry)
        # `cond` under `vmap` would copy the images for each member.
        new = function(carry)
        return jax.tree.map(lambda a, b: jnp.where(on, a, b), new, carry)

    def _step(self, key, hparams, data, rows, now, carry: Carry) -> Carry:
        key = jax.random.fold_in(stream(key, "step"), now)
        batch = self.layout.batch(taken(data, rows, now % self.steps))
        spec = self.config.data.augment
        batch = batch._replace(image=augment(stream(key, "augment"), batch.image, spec))
        step = self.method.after(data.before).step
        state, info = step(key, hparams, carry.state, batch)
        # Written so that NaN counts: it is neither finite nor zero.
        norm = info["grad_norm"]
        # A batch of padding alone has no gradient either.
        still = (norm == 0) & (info["count"] > 0)
        found = jnp.where(still, COLLAPSED, RUNNING)
        found = jnp.where(jnp.isfinite(norm), found, DIVERGED).astype(jnp.int32)
        failed = carry.status != RUNNING
        status = jnp.where(failed, carry.status, found)
        first_failed = ~failed & (status != RUNNING)
        weight = info["count"]
        return carry._replace(
            state=state,
            average=_averaged(hparams, carry.average, state.model, now),
            sums={name: carry.sums[name] + info[name] * weight for name in carry.sums},
            weight=carry.weight + weight,
            status=status,
            status_step=jnp.where(first_failed, now, carry.status_step),
        )

    def _end_epoch(self, key, hparams, data, epoch, carry: Carry) -> Carry:
        model = carry.state.model if carry.average is None else carry.average
        good = finite(carry.state.model)
        row = {name: total / carry.weight for name, total in carry.sums.items()}
        row["train_loss"] = row.pop("loss")
        row["val_loss"] = self._validation(key, hparams, model, data)
        better = good & (row["val_loss"] < carry.best_value)
        if self.method.validate is None:
            better = good
        waited = jnp.where(better, 0, carry.waited + 1)
        patience = self.config.train.patience
        last = (epoch + 1) * self.steps - 1
        return carry._replace(
            best=jax.tree.map(lambda a, b: jnp.where(better, a, b), model, carry.best),
            best_value=jnp.where(better, row["val_loss"], carry.best_value),
            best_epoch=jnp.where(better, epoch, carry.best_epoch),
            waited=waited,
            stopped=jnp.bool_(False) if patience is None else waited >= patience,
            status=jnp.where(good, carry.status, DIVERGED).astype(jnp.int32),
            status_step=jnp.where(good, carry.status_step, last),
            sums=jax.tree.map(jnp.zeros_like, carry.sums),
            weight=jnp.zeros_like(carry.weight),
            history={n: h.at[epoch].set(row[n]) for n, h in carry.history.items()},
        )

    def _validation(self, key, hparams, model, data: TrainData) -> jax.Array:
        """Mean of the method's criterion over the validation rows; NaN if none."""
        validate = self.method.after(data.before).validate
        if validate is None:
            return jnp.float32(jnp.nan)
        number = self.config.train.validate
        rows = data.val_rows[evenly(data.val_rows.shape[0], number)]
        most = at_a_time(self.block, data.val_image.shape[1:3])
        size = max(1, min(most, rows.shape[0]))
        count = math.ceil(rows.shape[0] / size)
        padding = count * size - rows.shape[0]
        rows = jnp.concatenate([rows, jnp.full(padding, -1, jnp.int32)])
        key = stream(key, "validate")  # the same noise in every epoch

        def one(totals, at):
            index, rows = at
            batch = self.layout.batch(take(data.val_image, data.val_label, rows))
            values = validate(jax.random.fold_in(key, index), hparams, model, batch)
            total = jnp.sum(jnp.where(batch.valid, values, 0.0))
            return (totals[0] + total, totals[1] + jnp.sum(batch.valid)), None

        start = (jnp.float32(0), jnp.int32(0))
        blocks = (jnp.arange(count), rows.reshape(count, size))
        (total, number), _ = jax.lax.scan(one, start, blocks)
        return total / number.astype(jnp.float32)


def _averaged(hparams: Hparams, average, model, now):
    """Moving average; its decay rises, or the first steps would weigh on it."""
    if average is None:
        return None
    t = now.astype(jnp.float32)
    decay = jnp.minimum(hparams["train.ema"], (1 + t) / (10 + t))
    return jax.tree.map(lambda a, m: decay * a + (1 - decay) * m, average, model)
