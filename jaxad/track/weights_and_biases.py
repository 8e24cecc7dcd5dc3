"""A run of Weights & Biases; `WANDB_MODE=offline` keeps it in the folder `wandb`."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import wandb

from jaxad.errors import ConfigError
from jaxad.folder import read_json, write_json
from jaxad.report import RunFolder
from jaxad.track.told import final, panels

FOLDER, RECORD = "wandb", "wandb.json"


class Remote:
    """A run there. It has the same id however often the run here goes on."""

    def __init__(self, run: Any, told: int):
        self.run, self.told = run, told

    def epoch(self, number: int, values: Mapping[str, float]) -> None:
        self.run.log({"epoch": number, **values})

    def results(self, run: RunFolder) -> None:
        self.run.summary.update(final(run))
        shown = panels(run).items()
        pictures = [wandb.Image(image, caption=name) for name, image in shown]
        self.run.log({"epoch": self.told, "examples": pictures})

    def close(self, finished: bool) -> None:
        self.run.finish(exit_code=0 if finished else 1)


def follow(path: Path, config: Mapping[str, Any], quiet: bool) -> Remote:
    """The run of the run folder `path`, a new one or the one from before.

    Raises ConfigError where it cannot begin.
    """
    record = path / RECORD
    known = read_json(record).get("id") if record.is_file() else None
    if os.environ.get("WANDB_MODE") == "offline":
        # What is kept here and was not sent comes again from the history.
        shutil.rmtree(path / FOLDER, ignore_errors=True)
    path.mkdir(parents=True, exist_ok=True)
    try:
        run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", "jaxad"),
            name=path.resolve().name,
            id=known,
            resume="allow",
            dir=str(path),
            config=dict(config),
            settings=wandb.Settings(silent=quiet, console="off"),
        )
    except Exception as error:
        words = " ".join(str(error).split())
        raise ConfigError(
            f"track: wandb cannot begin ({words}); log in with `wandb login`, or set "
            "WANDB_MODE=offline"
        ) from error
    write_json(record, {"id": run.id})
    run.define_metric("*", step_metric="epoch")
    told = 0 if run.offline else int(run.summary.get("epoch") or 0)
    return Remote(run, told)
