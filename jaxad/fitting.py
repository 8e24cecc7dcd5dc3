"""The trainings of a run, stage by stage, with their checkpoints."""

import math
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxad import folder, loop, parallel
from jaxad.batches import TrainData
from jaxad.carry import Carry, chosen
from jaxad.checkpoint import Checkpointer, differences, restore
from jaxad.config import Config, stages
from jaxad.config.load import as_now
from jaxad.errors import CheckpointError, DivergedError
from jaxad.parts import Parts
from jaxad.program import program
from jaxad.saved import save_final
from jaxad.track import Track

# They change how a run is carried out, not what comes out of it.
FREE = (
    "name",
    "parallel",
    "data.stream",
    "train.segment_seconds",
    "train.checkpoint_seconds",
    "denoiser.train.segment_seconds",
    "denoiser.train.checkpoint_seconds",
)
# They come after the training: a finished run is measured again with other values.
AFTER = ("score", "threshold", "baselines", "data.protocol.curve")


class Fitted(NamedTuple):
    """The carry at the end of each stage and its step, the model as scoring reads it,
    and the seconds spent."""

    carries: list[Carry]
    steps: list[int]
    model: Any
    seconds: dict[str, float]


def layout_of(config: Config, say: Callable[[str], None]) -> parallel.Layout:
    """The devices that share each batch of every stage."""
    batches = [stage.train.batch_size for stage in stages.every(config)]
    layout = parallel.over_all(config.parallel.devices, math.gcd(*batches))
    if layout.size > 1:
        say(f"{layout.size} devices of {parallel.count()} processes share each batch")
    return layout


def fit_stages(
    parts: Parts, data: TrainData, path, identity, warm, reporter, stop, first, track
) -> Fitted:
    """Train all stages, each behind the fitted ones before it.

    path: the run folder. first: leaves of the carry that the first stage ended with
    elsewhere, or None. track: is told the epochs of all stages.
    """
    carries: list[Carry] = []
    ends: list[int] = []
    compiled = trained = 0.0
    for number, part in enumerate(parts.stages):
        reporter.begin(part.static.model.kind if number == 0 else "denoiser")
        where = path / folder.CHECKPOINTS[number]
        layout = part.layout
        with _checkpointer(where, identity, layout.size) as checkpointer:
            one = program(part.method, part.static, len(data.rows), layout=layout)
            steps = one.steps * part.static.train.epochs
            given = None if number or first is None else (steps, first)
            told = identity, reporter.say, layout.size
            saver = _Saver(where, checkpointer, *told, given)
            try:
                fitted = loop.fit(
                    one,
                    part.static,
                    part.key,
                    part.hparams,
                    data,
                    warm=None if number else warm,
                    saver=saver,
                    reporter=reporter,
                    stopping=lambda: stop.requested,
                    watch=partial(_watch, track, [*carries]),
                    layout=layout,
                )
            except DivergedError as error:
                history = loop.history(*carries, error.carry)
                parallel.told(partial(folder.write_csv, path / "history.csv", history))
                raise
        carries.append(fitted.carry)
        ends.append(fitted.steps)
        compiled += fitted.compile_seconds
        trained += saver.seconds - fitted.compile_seconds
        model = part.finalizer(data)(chosen(part.static, fitted.carry))
        data = data._replace(before=model)
    if parts.method.finalize is not None:
        parallel.told(lambda: save_final(path, data.before, identity))
    seconds = {"compile": compiled, "train": trained}
    return Fitted(carries, ends, data.before, seconds)


def _watch(track: Track, before: Sequence[Carry], carry: Carry) -> None:
    if track.followers:
        track.epochs(loop.history(*before, carry))


def _checkpointer(
    path: Path, identity: Any, devices: int
) -> AbstractContextManager[Any]:
    """Of the first process; None in the others, which write nothing."""
    if not parallel.first():
        return nullcontext()
    return Checkpointer(path, config=identity, devices=devices)


class _Saver:
    """Checkpoints of carries in the folder `path`, and the seconds that went into them.

    checkpointer: None in a process that only reads. given: a step and the leaves of the
    carry there, where no checkpoint is; or None.
    """

    def __init__(
        self, path: Path, checkpointer: Any, identity: Any, say, devices, given
    ):
        self.path, self.checkpointer, self.devices = path, checkpointer, devices
        self.identity, self.say, self.given = identity, say, given
        self.began, self.before = time.monotonic(), 0.0

    def restore(self, template: Carry) -> tuple[int, Carry] | None:
        parallel.together()  # the first process has cleaned up
        found = restore(
            self.path,
            template,
            say=self.say,
            changed=self._changed,
            devices=self.devices,
        )
        at = parallel.agree(-1 if found is None else found.step)[:, 0]
        if (at != at[0]).any():
            raise CheckpointError(
                f"{self.path}: processes see different checkpoints (steps "
                f"{', '.join(f'{step:.0f}' for step in at)}); check the file system"
            )
        if found is None:
            return None if self.given is None else _made(template, *self.given)
        self.before = found.meta["seconds"]
        self.say(f"going on from step {found.step}")
        return found.step, found.tree

    def _changed(self, saved: dict[str, Any]) -> list[str]:
        free = [f"run.{name}" for name in FREE + AFTER]
        saved = saved | {"run": as_now(saved["run"])}
        return differences(saved, self.identity, free)

    def save(self, step: int, carry: Carry) -> None:
        if self.checkpointer is not None:
            self.checkpointer.save(step, carry, {"seconds": self.seconds})

    @property
    def seconds(self) -> float:
        """Compiling and training, over all the times that the run was started."""
        return self.before + time.monotonic() - self.began


def _made(
    template: Carry, step: int, leaves: Sequence[np.ndarray]
) -> tuple[int, Carry]:
    """The carry of a stage that was trained among others, its history maybe longer."""
    forms, tree = jax.tree.flatten(template)
    cut = [
        jnp.asarray(leaf[: form.shape[0]] if form.shape else leaf, form.dtype)
        for form, leaf in zip(forms, leaves, strict=True)
    ]
    return step, jax.tree.unflatten(tree, cut)
