"""A finished run, read back from its folder, and what it says of new images.

Nothing in a run folder is executed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxad import folder, report
from jaxad.checkpoint import Checkpointer, restore
from jaxad.config import Config
from jaxad.config.load import load_config
from jaxad.config.traced import traced
from jaxad.errors import ConfigError, DataError
from jaxad.parallel import local
from jaxad.parts import Parts, make_parts
from jaxad.scoring import Scorer
from jaxad.types import State


@dataclass(frozen=True, repr=False)
class Run(report.Shown):
    """A finished run, with the tables and pictures of `jaxad.report.Shown`.

    image_shape: (H, W, C) of the images it was trained on.
    state: its `model` is the fitted model, all that scoring reads; `rest` is None.
    history: column -> (epochs,).
    scores: the columns of scores.csv. thresholds, metrics: as in their files.
    left: all that is in the folder.
    """

    config: Config
    path: Path
    image_shape: tuple[int, ...]
    state: State
    scorer: Scorer
    left: report.RunFolder

    def read(self) -> report.RunFolder:
        return self.left

    @property
    def history(self) -> dict[str, np.ndarray]:
        return self.left.history

    @property
    def scores(self) -> dict[str, Any]:
        return self.left.scores

    @property
    def thresholds(self) -> dict[str, Any]:
        return self.left.thresholds

    @property
    def metrics(self) -> dict[str, Any]:
        return self.left.metrics


def load_run(path: str | Path, module: Any = None) -> Run:
    """A finished run from its folder. Nothing in it is executed.

    module: the Flax module it was trained with, if it was one's own.
    Raises DataError when the run is not finished or damaged, CheckpointError when no
    checkpoint can be trusted.
    """
    read = report.read(path)
    config = load_config(Path(path) / folder.CONFIG)
    check_module(path, read.env, module)
    parts = make_parts(config, 1, module, layout=local())
    shape = _shape(Path(path), read.env)
    if parts.method.finalize is None:
        model = saved_model(Path(path), parts, shape)
    else:
        model = _final_model(Path(path), parts, shape, read.env)
    state = State(model, None)
    return Run(config, Path(path), shape, state, parts.scorer, read)


def _shape(path: Path, env: dict[str, Any]) -> tuple[int, ...]:
    sides = env.get("image_shape")
    if not isinstance(sides, list) or any(type(side) is not int for side in sides):
        raise DataError(f"{path}/env.json: damaged: no `image_shape`")
    return tuple(sides)


def check_module(path: str | Path, env: dict[str, Any], module: Any) -> None:
    """Refuse another module of one's own than the one a run was trained with."""
    before, now = env.get("module"), describe_module(module)
    if before != now:
        raise ConfigError(
            f"{path}: trained with {before or 'the model of its config'}, not with "
            f"{now or 'the model of its config'}; give that as module="
        )


def describe_module(module: Any) -> str | None:
    """A module of one's own in one line, None for none: what runs compare."""
    return None if module is None else " ".join(repr(module).split())


def save_final(path: Path, model: Any, identity: Any) -> None:
    """Keep the model after `finalize`: it cannot be made again without the data."""
    with Checkpointer(path / folder.MODEL, config=identity, keep=1) as checkpointer:
        checkpointer.save(0, model, {})


def _final_model(path: Path, parts: Parts, shape: tuple[int, ...], env) -> Any:
    sizes = env.get("examples"), env.get("normals")
    if not all(isinstance(size, int) for size in sizes):
        raise DataError(
            f"{path}/env.json: no number of training examples; train it with --resume"
        )
    form = parts.final_form(shape, *sizes)
    found = restore(path / folder.MODEL, form, say=lambda text: None)
    if found is None:
        raise DataError(f"{path}: no {folder.MODEL}/; train it with --resume")
    return found.tree


def saved_model(
    path: Path,
    parts: Parts,
    shape: tuple[int, ...],
    say: Callable[[str], None] = lambda text: None,
) -> Any:
    """The model that the first stage of the run in `path` ended with, not finalised;
    of a run that is not finished, that of its newest checkpoint.

    parts: of a first stage. say: told of damaged checkpoints that are passed over.
    """
    ended = ended_at(path)
    model = parts.form(shape)
    config = load_config(path / folder.CONFIG)
    averaged = "train.ema" in traced(config)
    template = {"best": model, "best_epoch": jax.ShapeDtypeStruct((), jnp.int32)}
    template |= {"average": model} if averaged else {"state": {"model": model}}
    found = restore(
        path / folder.CHECKPOINTS[0],
        template,
        say=say,
        subset=True,
        step=ended[0] if ended else None,
    )
    if found is None:
        raise DataError(f"{path}: no checkpoint; train it with --resume")
    last = found.tree["average"] if averaged else found.tree["state"]["model"]
    last_only = config.train.select == "last" or int(found.tree["best_epoch"]) < 0
    return last if last_only else found.tree["best"]


def ended_at(path: Path) -> list[int]:
    """The step that each stage of the run in `path` ended with; [] where it has not."""
    file = path / "env.json"
    env = folder.read_json(file) if file.is_file() else {}
    steps = env.get("steps", []) if isinstance(env, dict) else None
    if not isinstance(steps, list) or any(type(step) is not int for step in steps):
        raise DataError(f"{file}: damaged: `steps` is no list of numbers")
    return steps
