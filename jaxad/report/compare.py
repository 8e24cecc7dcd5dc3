"""Several runs in one Markdown table, for a results page."""

from collections.abc import Sequence
from typing import Any

from jaxad.report.folder import RunFolder
from jaxad.report.names import title
from jaxad.report.table import number, rows

_HEADER = (
    "detector",
    "AUROC",
    "95 % interval",
    "AP",
    "F1",
    "false alarm rate",
    "F1-max (oracle)",
    "MSE on clean",
    "val - train loss",
    "seconds",
    "status",
)


def compare(runs: Sequence[RunFolder]) -> str:
    """A table of all scores of all runs, and one of their AUROC by level.

    Baselines and trivial rows come from the first run; those that depend on the run's
    own model (`untrained`) are left to each run's report. Runs are named by their
    folders.
    """
    lines = []
    for run in runs:
        own = [row for row in rows(run) if row["kind"] == "model"]
        lines += [
            _line(run, row, f"{run.path.name}: {title(row['name'])}") for row in own
        ]
    for row in rows(runs[0]):
        if row["kind"] != "model" and row["name"] != "untrained":
            lines.append(_line(runs[0], row, title(row["name"])))
    tables = [_table(_HEADER, lines)]
    tables += _levels(runs)
    return "\n\n".join(tables) + "\n"


def _line(run: RunFolder, row: dict[str, Any], name: str) -> list[str]:
    own = row["kind"] == "model"
    low, high = row["auroc_interval"] or (None, None)
    seconds = row["seconds"]
    return [
        name,
        _show(row["auroc"]),
        f"{_show(low)}-{_show(high)}",
        *(_show(row[key]) for key in ("average_precision", "f1", "fpr", "f1_max")),
        f"{run.metrics['reconstruction'].get('mse_clean', 0):.5f}" if own else "",
        f"{run.metrics['fit']['gap']:.5f}" if own else "",
        "" if seconds is None else f"{seconds:.0f}",
        row["status"] or "",
    ]


def _levels(runs: Sequence[RunFolder]) -> list[str]:
    """AUROC by level, where all runs measured the same levels."""
    curves = [run.metrics.get("curve", {}) for run in runs]
    levels = [curve.get("levels") for curve in curves]
    if not levels[0] or any(found != levels[0] for found in levels):
        return []
    lines = []
    for run, curve in zip(runs, curves, strict=True):
        for name, values in curve["auroc"].items():
            if not run.is_baseline(name):
                lines.append([f"{run.path.name}: {title(name)}", *map(_show, values)])
    for name, values in curves[0]["auroc"].items():
        if runs[0].is_baseline(name):
            lines.append([title(name), *map(_show, values)])
    shares = [f"{100 * level:g} %" for level in levels[0]]
    return [_table(["AUROC by level", *shares], lines)]


def _show(value: float | None) -> str:
    return "undefined" if value is None else number(value)


def _table(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rule = ["---"] + ["---:"] * (len(header) - 1)
    return "\n".join(f"| {' | '.join(line)} |" for line in (header, rule, *lines))
