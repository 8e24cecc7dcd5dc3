"""Reading a run folder: JSON, CSV and plain arrays; nothing in it is executed."""

import csv
import json
import math
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jaxad.errors import DataError

_PREFIX = "score_"
_HISTORY = ("epoch", "train_loss", "val_loss")
_SCORES = ("id", "split", "label", "defect")
_IMAGES = ("original", "image", "recon", "map")


@dataclass(frozen=True)
class Examples:
    """The examples that a run keeps for its pictures.

    original, image, recon: (K, H, W, C) float32 in [0, 1]: before corruption, as the
    detector saw it, as the model gave it back.
    map: (K, H, W) float32, the anomaly map.
    index: K dicts with `id`, `label`, `defect`, `scores` (name -> value) and `why`.
    """

    original: np.ndarray
    image: np.ndarray
    recon: np.ndarray
    map: np.ndarray
    index: list[dict[str, Any]]


@dataclass(frozen=True)
class RunFolder:
    """What a run left.

    history: column -> (epochs,) float64; NaN where a cell is empty.
    scores: `id`, `split`, `defect` (N,) str, `label` (N,) int, and for each score
        name `score_<name>` (N,) float64, finite.
    thresholds: score -> rule -> {"lower", "upper", "fit_on", "status"}, the limits as
        floats, possibly infinite.
    config, metrics, env: as in the files.
    """

    path: Path
    config: dict[str, Any]
    history: dict[str, np.ndarray]
    scores: dict[str, np.ndarray]
    thresholds: dict[str, dict[str, dict[str, Any]]]
    metrics: dict[str, Any]
    env: dict[str, Any]
    examples: Examples

    @property
    def names(self) -> list[str]:
        """The scores in the order of the file: the model's, then the baselines'."""
        return [c.removeprefix(_PREFIX) for c in self.scores if c.startswith(_PREFIX)]

    @property
    def primary(self) -> tuple[str, str]:
        """The score and the rule that count most."""
        return self.metrics["primary"]["score"], self.metrics["primary"]["rule"]

    def is_baseline(self, name: str) -> bool:
        return self.metrics["image"][name]["detector"] == "baseline"

    def select(self, name: str, split: str, label: int | None = None) -> np.ndarray:
        """Scores of one split, (n,) float64; of one class where `label` is given."""
        keep = self.scores["split"] == split
        if label is not None:
            keep = keep & (self.scores["label"] == label)
        return self.scores[_PREFIX + name][keep]

    def labels(self, split: str) -> np.ndarray:
        """Labels of one split, (n,) int."""
        return self.scores["label"][self.scores["split"] == split]


def read(path: str | Path) -> RunFolder:
    """Reads the run folder `path`.

    Raises: DataError where a file is missing or damaged, or lacks what its form asks.
    """
    path = Path(path)
    if not path.is_dir():
        raise DataError(f"{path}: no such run folder; `jaxad train` writes one")
    scores = _scores(path / "scores.csv")
    run = RunFolder(
        path=path,
        config=_json(path / "config.json", dict),
        history=_history(path / "history.csv"),
        scores=scores,
        thresholds=_thresholds(path / "thresholds.json"),
        metrics=_json(path / "metrics.json", dict),
        env=_json(path / "env.json", dict),
        examples=_examples(path / "examples"),
    )
    _check_metrics(run)
    return run


def _damaged(path: Path, reason: object) -> DataError:
    short = " ".join(str(reason).split())
    return DataError(f"{path}: {short}; run `jaxad train` again to write it anew")


def _open(path: Path, load: Callable[[Path], Any]) -> Any:
    """`load(path)`, with everything that a damaged file can raise as one DataError."""
    try:
        return load(path)
    except FileNotFoundError:
        raise _damaged(path, "the run folder lacks this file") from None
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise _damaged(path, f"damaged: {error}") from error
    except (zipfile.BadZipFile, zlib.error, csv.Error, RecursionError) as error:
        raise _damaged(path, f"damaged: {error}") from error


def _json(path: Path, kind: type) -> Any:
    value = _open(path, lambda p: json.loads(p.read_text(encoding="utf-8")))
    if not isinstance(value, kind):
        raise _damaged(path, f"damaged: a JSON {kind.__name__} is expected")
    return value


def _table(path: Path, needed: tuple[str, ...]) -> dict[str, list[str]]:
    """The columns of a CSV file, as text."""

    def load(path: Path) -> list[list[str]]:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.reader(file, strict=True))

    rows = _open(path, load)
    if len(rows) < 2:
        raise _damaged(path, "damaged: no rows")
    header = rows[0]
    lacking = [name for name in needed if name not in header]
    if lacking:
        raise _damaged(path, f"damaged: no column {', '.join(lacking)}")
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(header):
            raise _damaged(
                path, f"damaged: line {number} has {len(row)} of {len(header)} cells"
            )
    return dict(zip(header, map(list, zip(*rows[1:], strict=True)), strict=True))


def _numbers(path: Path, name: str, cells: list[str]) -> np.ndarray:
    try:
        return np.array([cell or "nan" for cell in cells], dtype=np.float64)
    except ValueError as error:
        raise _damaged(path, f"damaged: column {name}: {error}") from error


def _history(path: Path) -> dict[str, np.ndarray]:
    table = _table(path, _HISTORY)
    return {name: _numbers(path, name, cells) for name, cells in table.items()}


def _scores(path: Path) -> dict[str, np.ndarray]:
    table = _table(path, _SCORES)
    columns = {name: np.array(table[name]) for name in ("id", "split", "defect")}
    label = _numbers(path, "label", table["label"])
    if not np.isin(label, (0, 1)).all():
        raise _damaged(path, "damaged: column label holds other values than 0 and 1")
    columns["label"] = label.astype(np.int64)
    names = [name for name in table if name.startswith(_PREFIX)]
    if not names:
        raise _damaged(path, "damaged: no column score_<name>")
    for name in names:
        columns[name] = _numbers(path, name, table[name])
        bad = np.flatnonzero(~np.isfinite(columns[name]))
        if len(bad):
            raise _damaged(path, f"damaged: line {bad[0] + 2}: {name} is not finite")
    return columns


def _limit(value: float | None, missing: float) -> float:
    return missing if value is None else float(value)


def _thresholds(path: Path) -> dict[str, dict[str, dict[str, Any]]]:
    raw = _json(path, dict)
    try:
        return {
            score: {
                rule: {
                    "lower": _limit(entry["lower"], -math.inf),
                    "upper": _limit(entry["upper"], math.inf),
                    "fit_on": str(entry["fit_on"]),
                    "status": str(entry["status"]),
                }
                for rule, entry in rules.items()
            }
            for score, rules in raw.items()
        }
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _damaged(
            path, f"damaged: not of the form of thresholds: {error!r}"
        ) from (error)


def _examples(path: Path) -> Examples:
    index = _json(path / "index.json", list)
    file = path / "examples.npz"

    def load(file: Path) -> dict[str, np.ndarray]:
        with np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in _IMAGES}

    arrays = _open(file, load)
    shape = arrays["image"].shape
    fits = len(shape) == 4 and arrays["map"].shape == shape[:3]
    fits = fits and all(arrays[name].shape == shape for name in _IMAGES[:3])
    if not fits or shape[0] != len(index):
        raise _damaged(file, "damaged: arrays and index.json differ in shape")
    return Examples(**arrays, index=index)


def _check_metrics(run: RunFolder) -> None:
    """That everything the report reads is there, so that nothing fails half-way."""
    path, metrics = run.path / "metrics.json", run.metrics
    for key in ("primary", "image", "trivial", "fit"):
        if not isinstance(metrics.get(key), dict):
            raise _damaged(path, f"damaged: no entry {key!r}")
    entries = metrics["image"]
    for name in run.names:
        lacking = {"detector", "auroc", "average_precision", "f1_max", "at"}
        lacking -= set(entries.get(name, {}))
        if lacking:
            raise _damaged(path, f"damaged: score {name!r} lacks {sorted(lacking)}")
    if metrics["primary"].get("score") not in run.names:
        raise _damaged(path, "damaged: the primary score is not in scores.csv")
    if not isinstance(metrics["primary"].get("rule"), str):
        raise _damaged(path, "damaged: no primary rule")
