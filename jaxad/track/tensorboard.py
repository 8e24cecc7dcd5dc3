"""Event files for TensorBoard, in the folder `tensorboard` of a run."""

import re
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tensorboardX import summary
from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event

from jaxad.errors import CheckpointError
from jaxad.report import RunFolder
from jaxad.report.sweep import SweepFolder
from jaxad.track.told import final, panels

FOLDER = "tensorboard"
_SHOWN = ("auroc", "average_precision", "difference", "val_loss")


class Events:
    """The event file of one run, written anew each time. Numbers are the float32 that
    are in history.csv.

    Raises CheckpointError where the folder cannot be written.
    """

    def __init__(self, folder: Path, config: Mapping[str, Any]):
        self.told, self.config = 0, dict(config)
        try:
            # What an earlier start has told comes again from the history.
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            self.writer = EventsWriter(str(folder.resolve() / "events"))
        except OSError as error:
            raise CheckpointError(
                f"{folder}: cannot be written ({error.strerror})"
            ) from error

    def epoch(self, number: int, values: Mapping[str, float]) -> None:
        self._scalars(values, number)
        self.writer.flush()

    def results(self, run: RunFolder) -> None:
        numbers = final(run)
        self._scalars(numbers, self.told)
        score, rule = run.primary
        kept = [f"final/{score}/{name}" for name in ("auroc", "average_precision")]
        kept += [f"final/{score}/{rule}/f1"]
        self.hparams({name: numbers[name] for name in kept if name in numbers})
        for name, image in panels(run).items():
            self._add(summary.image(_tag(name), image, dataformats="HWC"), self.told)
        self.writer.flush()

    def hparams(self, metrics: dict[str, float]) -> None:
        """The config's values, beside numbers that are told as scalars too."""
        named = {_tag(name): value for name, value in metrics.items()}
        for part in summary.hparams(self.config, named):
            self._add(part, self.told)

    def close(self, finished: bool) -> None:
        self.writer.close()

    def _scalars(self, values: Mapping[str, float], step: int) -> None:
        for name, value in values.items():
            self._add(summary.scalar(_tag(name), value), step)

    def _add(self, what: Any, step: int) -> None:
        event = Event(step=step, wall_time=time.time(), summary=what)
        self.writer.write_event(event)


def follow(path: Path, config: Mapping[str, Any], quiet: bool) -> Events:
    """The events of the run in `path`. config: flat."""
    return Events(path / FOLDER, config)


def members(sweep: SweepFolder) -> None:
    """Event files of all members of a sweep, a folder each: the losses of the epochs,
    and the values of its axes beside what it reached on validation data."""
    history, table = sweep.history.number, sweep.members
    for row, number in enumerate(table.number["member"]):
        setting = {name: table.text[name][row] for name in sweep.axes}
        setting |= {"seed": table.text["seed"][row]}
        events = Events(sweep.path / FOLDER / f"member-{int(number):04d}", setting)
        own = history["member"] == number
        epochs = zip(
            *(history[name][own] for name in ("epoch", "train_loss", "val_loss")),
            strict=True,
        )
        for epoch, train, val in epochs:
            losses = {"train_loss": train, "val_loss": val}
            events.told = int(epoch)
            events.epoch(events.told, {k: v for k, v in losses.items() if v == v})
        reached = {f"validation/{n}": table.number[n][row] for n in _SHOWN}
        reached = {k: v for k, v in reached.items() if v == v}
        events.epoch(events.told, reached)
        events.hparams(reached)
        events.close(True)


def _tag(name: str) -> str:
    return re.sub(r"[^\w./-]+", "_", name).strip("_")
