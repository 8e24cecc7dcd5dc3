"""What a sweep ends with."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas

from jaxad.config import Config
from jaxad.config.grid import Grid
from jaxad.errors import DivergedError
from jaxad.report.sweep import ShownSweep, SweepFolder, read_sweep
from jaxad.saved import Run


@dataclass(frozen=True, repr=False)
class Sweep(ShownSweep):
    """A finished sweep, with the pictures of `jaxad.report.sweep.ShownSweep`.

    members, leaderboard, held_out: pandas frames, as the files of that name.
    arrays: "val" and "test", (members, n) float32, of the score that ranks; padded
        with NaN.
    runs: the run of the best setting, by the name of its row in `held_out`.
    """

    config: Config
    grid: Grid
    path: Path
    members: pandas.DataFrame
    leaderboard: pandas.DataFrame
    held_out: pandas.DataFrame
    arrays: dict[str, np.ndarray]
    runs: dict[str, Run]

    @property
    def best(self) -> Run:
        """The run of the best setting (of the first row, where there are several).

        Raises DivergedError where it has diverged as a run of its own.
        """
        if not self.runs:
            raise DivergedError(f"{self.path}: the best setting has no run", None)
        return next(iter(self.runs.values()))

    def read(self) -> SweepFolder:
        return read_sweep(self.path)
