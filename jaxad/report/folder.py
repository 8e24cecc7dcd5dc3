"""A run folder as plain values."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jaxad.errors import DataError
from jaxad.report.examples import Examples, read_examples
from jaxad.report.files import damaged, read_json, read_table, to_numbers
from jaxad.report.notebook import Shown

_PREFIX = "score_"
_HISTORY = ("epoch", "train_loss", "val_loss")
_SCORES = ("id", "split", "label", "defect")


@dataclass(frozen=True, repr=False)
class RunFolder(Shown):
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

    def read(self) -> "RunFolder":
        return self

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
        config=read_json(path / "config.json", dict),
        history=_history(path / "history.csv"),
        scores=scores,
        thresholds=_thresholds(path / "thresholds.json"),
        metrics=read_json(path / "metrics.json", dict),
        env=read_json(path / "env.json", dict),
        examples=read_examples(path / "examples"),
    )
    _check_metrics(run)
    return run


def _history(path: Path) -> dict[str, np.ndarray]:
    table = read_table(path, _HISTORY)
    return {name: to_numbers(path, name, cells) for name, cells in table.items()}


def _scores(path: Path) -> dict[str, np.ndarray]:
    table = read_table(path, _SCORES)
    columns = {name: np.array(table[name]) for name in ("id", "split", "defect")}
    label = to_numbers(path, "label", table["label"])
    if not np.isin(label, (0, 1)).all():
        raise damaged(path, "damaged: column label holds other values than 0 and 1")
    columns["label"] = label.astype(np.int64)
    names = [name for name in table if name.startswith(_PREFIX)]
    if not names:
        raise damaged(path, "damaged: no column score_<name>")
    for name in names:
        columns[name] = to_numbers(path, name, table[name])
        bad = np.flatnonzero(~np.isfinite(columns[name]))
        if len(bad):
            raise damaged(path, f"damaged: line {bad[0] + 2}: {name} is not finite")
    return columns


def _limit(value: float | None, missing: float) -> float:
    return missing if value is None else float(value)


def _thresholds(path: Path) -> dict[str, dict[str, dict[str, Any]]]:
    raw = read_json(path, dict)
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
        raise damaged(path, f"damaged: not of the form of thresholds: {error!r}") from (
            error
        )


def _check_metrics(run: RunFolder) -> None:
    """That everything the report reads is there, so that nothing fails half-way."""
    path, metrics = run.path / "metrics.json", run.metrics
    for key in ("primary", "image", "trivial", "fit"):
        if not isinstance(metrics.get(key), dict):
            raise damaged(path, f"damaged: no entry {key!r}")
    entries = metrics["image"]
    for name in run.names:
        lacking = {"detector", "auroc", "average_precision", "f1_max", "at"}
        lacking -= set(entries.get(name, {}))
        if lacking:
            raise damaged(path, f"damaged: score {name!r} lacks {sorted(lacking)}")
    if metrics["primary"].get("score") not in run.names:
        raise damaged(path, "damaged: the primary score is not in scores.csv")
    if not isinstance(metrics["primary"].get("rule"), str):
        raise damaged(path, "damaged: no primary rule")
    label, entry = run.labels("test"), entries[metrics["primary"]["score"]]
    for key, kind in (("n_normal", 0), ("n_anomalous", 1)):
        count = int(np.sum(label == kind))
        if entry.get(key) != count:
            words = f"{entry.get(key)} here, {count} in scores.csv"
            raise damaged(path, f"damaged: {key} of the test data is {words}")
