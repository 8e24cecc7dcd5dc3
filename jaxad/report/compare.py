"""Several runs in one Markdown table, for a results page."""

from collections.abc import Sequence
from typing import Any

from jaxad.report.blocks import Block, as_markdown, number
from jaxad.report.folder import RunFolder
from jaxad.report.names import UNITS, shown, title
from jaxad.report.table import rows

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


_ERRORS = {
    "mse_clean": "recon of clean - clean",
    "anomalous_vs_input": "recon of anomalous - its input",
    "anomalous_vs_clean": "recon of anomalous - its original",
    "identity_gap": "identity gap (anomalous / clean)",
    "train_loss": "train loss",
    "val_loss": "val loss",
}


def compare(runs: Sequence[RunFolder]) -> str:
    """Tables of all scores of all runs, of their AUROC by level, of reconstructions.

    Baselines and trivial rows come from the first run, but for `untrained`, which is
    of each run's own model. Runs are named by their folders.
    """
    lines = []
    for run in runs:
        lines += [
            _line(run, row, f"{run.path.name}: {title(row['name'])}")
            for row in rows(run)
            if _is_own(row)
        ]
    lines += [
        _line(runs[0], row, title(row["name"]))
        for row in rows(runs[0])
        if not _is_own(row)
    ]
    tables = [_table(_HEADER, lines)]
    tables += [*_levels(runs), _reconstructions(runs)]
    return "\n\n".join(tables) + "\n"


def _is_own(row: dict[str, Any]) -> bool:
    return row["kind"] == "model" or row["name"] == "untrained"


def _line(run: RunFolder, row: dict[str, Any], name: str) -> list[str]:
    own = row["kind"] == "model"
    low, high = row["auroc_interval"] or (None, None)
    seconds = row["seconds"]
    return [
        name,
        _show(row["auroc"]),
        f"{_show(low)}-{_show(high)}",
        *(_show(row[key]) for key in ("average_precision", "f1", "fpr", "f1_max")),
        _error(run.metrics["reconstruction"].get("mse_clean")) if own else "",
        _error(run.metrics["fit"]["gap"]) if own else "",
        "" if seconds is None else f"{seconds:.0f}",
        row["status"] or "",
    ]


def _levels(runs: Sequence[RunFolder]) -> list[str]:
    """AUROC by level, where all runs measured the same levels of the same kind."""
    curves = [run.metrics.get("curve") or {} for run in runs]
    kind, levels = curves[0].get("kind", ""), curves[0].get("levels")
    same = all((c.get("kind"), c.get("levels")) == (kind, levels) for c in curves)
    if not levels or not same:
        return []
    lines = []
    for run, curve in zip(runs, curves, strict=True):
        for name, values in curve["auroc"].items():
            if not run.is_baseline(name):
                lines.append([f"{run.path.name}: {title(name)}", *map(_show, values)])
    for name, values in curves[0]["auroc"].items():
        if runs[0].is_baseline(name):
            lines.append([title(name), *map(_show, values)])
    head = [f"{shown(kind, level):g}" for level in levels]
    return [_table([f"AUROC by {title(kind)}, {UNITS[kind]}", *head], lines)]


def _reconstructions(runs: Sequence[RunFolder]) -> str:
    """Mean squared errors of reconstructions, and the losses of the kept model."""
    lines = []
    for run in runs:
        values = {**run.metrics["reconstruction"], **run.metrics["fit"]}
        lines.append([run.path.name, *(_error(values.get(key)) for key in _ERRORS)])
    return _table(["mean squared error", *_ERRORS.values()], lines)


def _error(value: float | None) -> str:
    return "" if value is None else f"{value:.5g}"


def _show(value: float | None) -> str:
    return "undefined" if value is None else number(value)


def _table(header: Sequence[str], lines: Sequence[list[str]]) -> str:
    return as_markdown(Block("", list(header), list(lines)))
