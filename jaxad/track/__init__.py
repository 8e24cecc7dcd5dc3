"""Following a run elsewhere: TensorBoard, Weights & Biases.

history.csv is the truth: what is told elsewhere are its rows, one after the other. A
run that goes on tells them from the first one again, or from where they were left.
Only the first process tells, between segments of a training. A follower that fails is
given up, and the run goes on without it.
"""

import importlib
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from jaxad import report
from jaxad.config import Config
from jaxad.config.names import leaves, suggestion
from jaxad.errors import ConfigError
from jaxad.report import RunFolder

_HOMES = {
    "tensorboard": ("tensorboardX", "jaxad.track.tensorboard"),
    "wandb": ("wandb", "jaxad.track.weights_and_biases"),
}
"""Name -> the package that it needs, and the module whose `follow` begins with it."""


class Follower(Protocol):
    """Where a run is told to. `told` is the number of epochs that are there already."""

    told: int

    def epoch(self, number: int, values: Mapping[str, float]) -> None:
        """Numbers by column of history.csv; number: counted from 1."""

    def results(self, run: RunFolder) -> None:
        """All that is known at the end."""

    def close(self, finished: bool) -> None: ...


def named(track: str | Sequence[str]) -> tuple[str, ...]:
    """The names of followers, each once and each able to begin.

    Raises ConfigError, one line, for an unknown name and for a missing package.
    """
    names = tuple(dict.fromkeys([track] if isinstance(track, str) else track))
    for name in names:
        if name not in _HOMES:
            near = suggestion(name, _HOMES)
            hint = f"did you mean {near}?" if near else f"there are {', '.join(_HOMES)}"
            raise ConfigError(f"track: {name} is not known; {hint}")
        package = _HOMES[name][0]
        try:
            importlib.import_module(package)
        except ImportError:
            raise ConfigError(
                f"track: {name} needs {package}; run: pip install 'jaxad[{name}]'"
            ) from None
    return names


class Track:
    """The followers of one run. Used as a context.

    names: as from `named`; none: nothing is told. path: the run folder. say: one line
    to the user.
    Raises ConfigError where one cannot begin.
    """

    def __init__(
        self,
        names: Sequence[str],
        path: Path,
        config: Config,
        say: Callable[[str], None],
        quiet: bool = False,
    ):
        self.path, self.say, self.finished = path, say, False
        flat = {name: _simple(value) for name, value in leaves(config)}
        self.followers: dict[str, Follower] = {}
        for name in names:
            module = importlib.import_module(_HOMES[name][1])
            self.followers[name] = module.follow(path, flat, quiet)

    def __enter__(self) -> "Track":
        return self

    def __exit__(self, *_: object) -> None:
        self._each(lambda follower: follower.close(self.finished))

    def epochs(self, history: Mapping[str, np.ndarray]) -> None:
        """Tell the rows that are new. history: column -> (epochs done,)."""

        def tell(follower: Follower) -> None:
            for row in range(follower.told, len(history["epoch"])):
                follower.epoch(row + 1, _row(history, row))
                follower.told = row + 1

        self._each(tell)

    def results(self) -> None:
        """Tell what the finished run folder holds."""
        if not self.followers:
            return
        run = report.read(self.path)
        self.epochs(run.history)
        self._each(lambda follower: follower.results(run))
        self.finished = True

    def _each(self, tell: Callable[[Follower], None]) -> None:
        for name, follower in [*self.followers.items()]:
            try:
                tell(follower)
            except Exception as error:
                # A full disk or a lost network there costs no run here.
                self.followers.pop(name)
                words = " ".join(f"{type(error).__name__}: {error}".split())
                self.say(f"{name}: {words[:200]}; the run goes on without it")


def _row(history: Mapping[str, np.ndarray], row: int) -> dict[str, float]:
    """The numbers of an epoch; NaN stands for what was not measured."""
    values = {name: float(column[row]) for name, column in history.items()}
    return {k: v for k, v in values.items() if k != "epoch" and not np.isnan(v)}


def _simple(value: Any) -> bool | int | float | str:
    """A config's value as trackers show it."""
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return "none" if value is None else str(value)
