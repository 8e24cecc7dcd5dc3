"""A sweep from config and grid to folder: trains all members, ranks them, measures.

Members are ranked on validation data. The best are measured on held-out data once, when
all others have their results.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from jaxad import environment, opening, parallel
from jaxad.config import Config
from jaxad.config.grid import TASKS, Axis, Grid
from jaxad.errors import ConfigError
from jaxad.grid.members import column
from jaxad.progress import Reporter
from jaxad.report.sweep import read_sweep
from jaxad.search.context import Context
from jaxad.search.measuring import measure
from jaxad.search.result import Sweep
from jaxad.search.training import train
from jaxad.signals import watch
from jaxad.track import named

__all__ = ["Sweep", "as_grid", "sweep"]


def sweep(
    config: Config,
    grid: Grid | Mapping[str, Sequence[Any]] | None = None,
    data: Any = None,
    *,
    module: Any = None,
    out: str | Path | None = None,
    resume: bool = False,
    quiet: bool = False,
    command: str = "",
    track: str | Sequence[str] = (),
    **options: Any,
) -> Sweep:
    """Train every combination, rank on validation data, measure the best on the test.

    grid: a `Grid`, or field -> values: `{"optim.lr": [1e-2, 1e-3]}`.
    track: `tensorboard`, `wandb` or both are told of the run of the best setting;
        TensorBoard of all members too, once they are trained.
    options: fields of the grid: `seeds=4`, `rank="val_loss"`, `execution="map"`.
    The other arguments are those of `jaxad.train`.

    Raises ConfigError, DataError, CheckpointError, BusyError, and Preempted after a
    signal, with every finished chunk on disk.
    """
    given = as_grid(grid, **options)
    followers = tuple(parallel.told(lambda: named(track)))
    path = opening.chosen(out, config.name or "sweep")
    quiet = quiet or not parallel.first()
    environment.use_compilation_cache()
    with opening.held(path), watch() as stop, Reporter(quiet) as reporter:
        at = Context(config, given, data, module, path, reporter, stop)
        at.open(resume, command)
        done = measure(at, train(at), followers)
        if "tensorboard" in followers and parallel.first():
            from jaxad.track.tensorboard import members

            members(read_sweep(path))
        return done


def as_grid(grid: Any, **options: Any) -> Grid:
    """A grid from what `sweep` takes. Raises ConfigError.

    Axes among the options take the place of the grid's; `each`, where it names one of
    those, goes with them. Axes of tasks alone (`TASKS`) come in front of the grid's,
    and `each` is then the first of them.
    """
    try:
        if isinstance(grid, Grid):
            given = options.get("axes", ())
            names = {name for axis in given for name in axis.names}
            if names and names <= {*TASKS}:
                kept = (axis for axis in grid.axes if not names & {*axis.names})
                options = {"each": None} | options | {"axes": (*given, *kept)}
            if "axes" in options and grid.each not in _columns(options["axes"]):
                options = {"each": None} | options
            return dataclasses.replace(grid, **options)
        axes = tuple(Axis.of(name, *values) for name, values in (grid or {}).items())
        return Grid(axes=axes, **options)
    except (ValidationError, TypeError) as error:
        text = str(error)
        if isinstance(error, ValidationError):
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            text = f"{where} {first['msg'].removeprefix('Value error, ')}".strip()
        raise ConfigError(f"grid: {text}") from None


def _columns(axes: Sequence[Axis]) -> set[str]:
    """What tables call the fields of axes."""
    found: set[str] = set()
    for axis in axes:
        found |= {name} if (name := column(axis)) else set(axis.names)
    return found
