"""A sweep folder as plain values, and how its settings are called."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jaxad.folder import GRID
from jaxad.report.files import damaged, read_json, read_table, to_numbers
from jaxad.report.names import title
from jaxad.report.sweep.notebook import ShownSweep

CRITERIA = {
    "auroc": "AUROC",
    "average_precision": "AP",
    "difference": "MSE(anomalous) - MSE(normal)",
    "val_loss": "validation loss",
}
"""What a sweep can rank by, in words."""


def _sds(*names: str) -> tuple[str, ...]:
    return tuple(f"{name}_sd" for name in names)


_SHARED = (*CRITERIA, "mse_normal", "mse_anomalous")
_MEMBERS = ("member", "setting", "seed", "epochs", "spread", *_SHARED)
_BOARD = ("rank", "setting", "members", "failed", *_SHARED, *_sds(*CRITERIA))
_MEASURED = ("auroc", "average_precision", "f1_max", "f1", "recall", "fpr")
_HELD_OUT = ("detectors", "auroc_low", "auroc_high", *_MEASURED, *_sds(*_MEASURED))
_EVERY = ("setting", *_MEASURED, *_sds(*_MEASURED), "precision", "precision_sd")
_MINUS = ("best_minus", "best_minus_low", "best_minus_high")
_HISTORY = ("member", "epoch", "train_loss", "val_loss")


@dataclass(frozen=True)
class Columns:
    """A CSV file. text: all columns. number: those that are read as numbers, (N,)
    float64, NaN where a cell is empty."""

    text: dict[str, list[str]]
    number: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(next(iter(self.text.values()), []))


@dataclass(frozen=True, repr=False)
class SweepFolder(ShownSweep):
    """What a sweep left.

    grid: the fields of its `Grid`. score: the one that is measured.
    axes: columns of the settings that hold more than one value, in their order.
    held_out: without rows where no member could be ranked. every: all settings on
        held-out data by each score, without rows where that was not asked for.
    """

    path: Path
    grid: dict[str, Any]
    score: str
    axes: list[str]
    members: Columns
    leaderboard: Columns
    held_out: Columns
    history: Columns
    every: Columns

    def read(self) -> "SweepFolder":
        return self

    @property
    def criterion(self) -> str:
        """The column that ranks."""
        return self.grid["rank"]

    @property
    def each(self) -> str | None:
        """The axis for each of whose values a best setting was chosen."""
        return self.grid["each"]

    @property
    def ranked(self) -> int:
        """Rows of the leaderboard with a rank; the others failed."""
        return int(np.isfinite(self.leaderboard.number["rank"]).sum())

    @property
    def good(self) -> np.ndarray:
        """(members,) bool: those that did not fail and have a value to rank by."""
        fine = np.array([status == "ok" for status in self.members.text["status"]])
        return fine & np.isfinite(self.members.number[self.criterion])

    def words(self) -> str:
        """The criterion in words, with the score that it is of."""
        name = CRITERIA[self.criterion]
        return f"{name} of {title(self.score)}" if name in ("AUROC", "AP") else name

    def on_validation(self) -> str:
        """The criterion in words, and where it was measured."""
        return self.words() + " on validation data" * (self.criterion != "val_loss")

    def short(self, axis: str) -> str:
        """The last part of an axis's name, or all of it where two would be alike."""
        last = axis.rpartition(".")[2]
        alike = [name for name in self.axes if name.rpartition(".")[2] == last]
        return last if len(alike) == 1 else axis

    def label(self, table: Columns, row: int, without: Iterable[str] = ()) -> str:
        """The values of a row of `members` or `leaderboard` that vary."""
        words = [
            f"{self.short(name)}={cut(value(table.text[name][row]))}"
            for name in self.axes
            if name not in without
        ]
        return ", ".join(words) or "the config"

    def member_label(self, row: int) -> str:
        """A row of `members`, with its seed and fold where they vary."""
        words = [self.label(self.members, row)]
        for name in ("seed", "fold"):
            cells = self.members.text.get(name, [])
            if name not in self.axes and len(set(cells)) > 1:
                words.append(f"{name}={cells[row]}")
        return ", ".join(words)

    def settings(self, setting: float) -> np.ndarray:
        """Rows of `members` of a setting that are good, (n,) int."""
        own = self.members.number["setting"] == setting
        return np.flatnonzero(own & self.good)


def reconstructs(sweep: SweepFolder) -> bool:
    """Whether any member has an error of reconstruction to show."""
    return bool(np.isfinite(sweep.leaderboard.number["mse_normal"]).any())


def value(cell: str) -> str:
    """A value of an axis as it is shown: numbers short, several joined by `:`."""
    if cell.startswith("(") and cell.endswith(")"):
        parts = [part.strip().strip("'\"") for part in cell[1:-1].split(",")]
        return ":".join(part for part in parts if part) or "none"
    number = to_float(cell)
    return f"{number:.4g}" if math.isfinite(number) else cell or "none"


def cut(words: str, width: int = 28) -> str:
    """A long value without its middle."""
    if len(words) <= width:
        return words
    half = (width - 1) // 2
    return f"{words[:half]}…{words[-half:]}"


def to_float(cell: str) -> float:
    """A cell as a number, NaN where it is none."""
    try:
        return float(cell)
    except ValueError:
        return math.nan


def is_sweep(path: str | Path) -> bool:
    return (Path(path) / GRID).is_file()


def read_sweep(path: str | Path) -> SweepFolder:
    """Reads the folder of a finished sweep.

    Raises: DataError where a file is missing or damaged, or lacks what its form asks.
    """
    path = Path(path)
    grid, score = _grid(path / GRID)
    words = ("status", "flag")
    members = _columns(path / "members.csv", _MEMBERS, words)
    board = _columns(path / "leaderboard.csv", _BOARD, ("flag", "reason"))
    names = list(board.text)
    settings = names[names.index("setting") + 1 : names.index("members")]
    lacking = [name for name in settings if name not in members.text]
    if lacking:
        raise damaged(path / "members.csv", f"damaged: no column {lacking[0]}")
    axes = [name for name in settings if len(set(board.text[name])) > 1]
    nothing = Columns({}, {})
    held_out = history = every = nothing
    if np.isfinite(board.number["rank"]).any():
        held_out = _columns(
            path / "held_out.csv", (*_HELD_OUT, *_MINUS), ("row", "rule")
        )
        history = _columns(path / "history.csv", _HISTORY, ())
        if grid.get("every"):
            every = _columns(path / "every.csv", _EVERY, ("score", "rule", *axes))
    tables = (members, board, held_out, history, every)
    return SweepFolder(path, grid, score, axes, *tables)


def _columns(path: Path, numbers: tuple[str, ...], words: tuple[str, ...]) -> Columns:
    text = read_table(path, (*numbers, *words))
    number = {name: to_numbers(path, name, text[name]) for name in numbers}
    return Columns(text, number)


def _grid(path: Path) -> tuple[dict[str, Any], str]:
    found = read_json(path, dict)
    try:
        grid = found["grid"]
        score = grid["score"] or found["config"]["score"]["names"][0]
        if grid["rank"] not in CRITERIA or "each" not in grid:
            raise ValueError(f"rank {grid['rank']!r}")
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise damaged(path, f"damaged: not of the form of a grid: {error!r}") from error
    return grid, str(score)
