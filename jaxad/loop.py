"""The host's side of a run: compile once, run segments, look, save, stop."""

import math
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from jaxad.batches import TrainData
from jaxad.carry import DIVERGED, RUNNING, Carry
from jaxad.config import Config
from jaxad.environment import COMPILE_FAST
from jaxad.errors import DivergedError, Preempted
from jaxad.feeding import Feeder
from jaxad.methods import Hparams
from jaxad.parallel import ONE, Layout, agree
from jaxad.program import Program
from jaxad.progress import Look, Reporter


class Saver(Protocol):
    """Where carries are kept; `jaxad.checkpoint` has the one that writes files."""

    def restore(self, template: Carry) -> tuple[int, Carry] | None: ...

    def save(self, step: int, carry: Carry) -> None: ...


class Fitted(NamedTuple):
    """A finished training. seconds: of the steps; compile_seconds: before the first."""

    carry: Carry
    steps: int
    seconds: float
    compile_seconds: float


def fit(
    program: Program,
    config: Config,
    key: jax.Array,
    hparams: Hparams,
    data: TrainData,
    *,
    warm: Any = None,
    saver: Saver | None = None,
    reporter: Reporter | None = None,
    stopping: Callable[[], bool] = lambda: False,
    watch: Callable[[Carry], None] = lambda carry: None,
    layout: Layout = ONE,
) -> Fitted:
    """Train to the end, or from the newest checkpoint on.

    warm: a model to start from. stopping: asked after every segment. watch: called
    after each epoch, before anything that may come of it. layout: of the devices that
    the program is for; data, key and hparams are on them.

    Raises DivergedError (with the carry of the failure) and, when asked to stop,
    Preempted after saving.
    """
    began = time.monotonic()
    reporter = reporter or Reporter(quiet=True)
    begun = begin(program, config, key, hparams, data, warm, saver, layout)
    most = begun.feeder.most
    loop = _Loop(program, config, saver, reporter, stopping, watch, most)
    with begun.feeder:
        at, carry = loop.run(begun.segment, begun.at, begun.carry)
    if int(carry.status) != RUNNING:
        raise diverged(carry)
    if saver:
        saver.save(at, carry)
    seconds = time.monotonic() - began - begun.seconds
    return Fitted(carry, at, seconds, begun.seconds)


class Begun(NamedTuple):
    """A training that is about to run, from step `at` on.

    segment(carry, epoch, first, last) -> Carry; it is called within `feeder`, and takes
    the carry's memory. compiled: the program in it. seconds: that compiling took.
    """

    segment: Callable[..., Carry]
    at: int
    carry: Carry
    compiled: Any
    feeder: Feeder
    seconds: float


def begin(
    program: Program,
    config: Config,
    key: jax.Array,
    hparams: Hparams,
    data: TrainData,
    warm: Any = None,
    saver: Saver | None = None,
    layout: Layout = ONE,
) -> Begun:
    """Compile a training, and make or restore what it starts from; as `fit`."""
    began = time.monotonic()
    feeder = Feeder(data, key, program.steps, config.train, layout)
    arguments = (key, hparams, feeder.example)
    template = jax.eval_shape(program.start, *arguments, warm)
    run = _compiled(program, arguments, template, layout)
    restored = saver.restore(template) if saver else None
    if restored is None:
        start = layout.gather(program.start, compiler_options=COMPILE_FAST)
        at, carry = 0, start(*arguments, warm)
    else:
        at, carry = restored[0], layout.owned(restored[1])

    def one(carry: Carry, *cut: int) -> Carry:
        bounds = layout.replicate([np.int32(x) for x in cut])
        return run(key, hparams, feeder.given(*cut), carry, *bounds)

    return Begun(one, at, carry, run, feeder, time.monotonic() - began)


def _compiled(program: Program, arguments, template: Carry, layout: Layout) -> Any:
    """The segment, whose carry is donated."""
    bound = layout.form(jax.ShapeDtypeStruct((), jnp.int32))
    segment = layout.gather(program.segment, donate_argnums=3)
    return segment.lower(*arguments, layout.form(template), *[bound] * 3).compile()


class _Loop(NamedTuple):
    program: Program
    config: Config
    saver: Saver | None
    reporter: Reporter
    stopping: Callable[[], bool]
    watch: Callable[[Carry], None]
    most: int  # steps of a segment

    def run(self, segment, at: int, carry: Carry) -> tuple[int, Carry]:
        """Run segments from step `at` until all is done, or the run ends itself."""
        steps, train = self.program.steps, self.config.train
        total = steps * train.epochs
        # The first segment is saved too: of short runs there are then two to trust.
        length, saved, shown = 1, -math.inf, None
        while at < total and not _over(carry):
            epoch, first = divmod(at, steps)
            last = min(steps, first + length)
            began = time.monotonic()
            with self.reporter.profiled():
                carry = segment(carry, epoch, first, last)
                if shown is not None:  # the device works on meanwhile
                    self.reporter.look(shown)
                jax.block_until_ready(carry.status)
            at = epoch * steps + last
            shown = _look(carry, at, steps, train.epochs)
            if last == steps:
                self.watch(carry)
            pace = (time.monotonic() - began) / (last - first)
            length = max(
                1, min(self.most, int(train.segment_seconds / max(pace, 1e-9)))
            )
            if int(carry.status) != RUNNING:
                break
            late = time.monotonic() - saved >= train.checkpoint_seconds
            # Processes must cut and stop alike: any may stop, the first has the clock.
            stop, late, length = _agreed(self.stopping(), late, length)
            if stop:
                self._preempt(at, carry)
            if self.saver and late:
                self.saver.save(at, carry)
                saved = time.monotonic()
        if shown is not None:
            self.reporter.look(shown._replace(steps=at))
        return at, carry

    def _preempt(self, at: int, carry: Carry) -> None:
        if self.saver is None:
            raise Preempted(f"stopped at step {at}; nothing was saved")
        self.saver.save(at, carry)
        raise Preempted(f"stopped at step {at} and saved; go on with --resume")


def diverged(carry: Carry) -> DivergedError:
    """The error of a run that diverged or collapsed; it keeps the carry."""
    step = int(carry.status_step)
    if int(carry.status) == DIVERGED:
        text = f"training diverged at step {step}: the gradient or a parameter is not "
        text += "finite; try a smaller optim.lr, or optim.clip"
    else:
        text = f"training collapsed at step {step}: the gradient is exactly zero; try "
        text += "another activation or head, or a smaller optim.lr"
    return DivergedError(text, carry)


def history(*carries: Carry) -> dict[str, np.ndarray]:
    """Column -> (epochs done,) float32, of all stages one after the other.

    `epoch` counts from 1 through all stages; `stage`, from 1, is there for several.
    """
    parts = [_history(carry) for carry in carries]
    counts = [len(part["train_loss"]) for part in parts]
    columns = {"epoch": np.arange(1, sum(counts) + 1)}
    if len(parts) > 1:
        columns["stage"] = np.repeat(np.arange(1, len(parts) + 1), counts)
    both = {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}
    return columns | both


def _history(carry: Carry) -> dict[str, np.ndarray]:
    columns = {name: np.asarray(values) for name, values in carry.history.items()}
    names = ["train_loss", "val_loss"]
    names += sorted(columns.keys() - set(names))
    done = int(np.sum(~np.isnan(columns["train_loss"])))
    return {name: columns[name][:done] for name in names}


def kept(config: Config, carries: Sequence[Carry]) -> dict[str, int]:
    """The epoch of the last stage whose model a run ends with, counted as in
    `history`, and how many epochs there were. config: of the last stage."""
    epochs, last = len(history(*carries)["epoch"]), carries[-1]
    best = int(last.best_epoch) + 1
    if config.train.select == "best" and best > 0:
        chosen = epochs - len(_history(last)["train_loss"]) + best
    else:
        chosen = epochs
    return {"best_epoch": chosen, "epochs": epochs}


def _agreed(stop: bool, late: bool, length: int) -> tuple[bool, bool, int]:
    found = agree(stop, late, length)
    return bool(found[:, 0].any()), bool(found[0, 1]), int(found[0, 2])


def _over(carry: Carry) -> bool:
    return bool(carry.stopped) or int(carry.status) != RUNNING


def _look(carry: Carry, at: int, steps: int, epochs: int) -> Look:
    epoch = at // steps
    row = max(epoch - 1, 0)
    train, val = carry.history["train_loss"], carry.history["val_loss"]
    return Look(at, steps * epochs, epoch, epochs, float(train[row]), float(val[row]))
