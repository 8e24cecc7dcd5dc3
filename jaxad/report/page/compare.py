"""The page of several runs as plain values."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from jaxad.report.blocks import number
from jaxad.report.folder import RunFolder
from jaxad.report.names import title
from jaxad.report.page.pictures import BUDGET
from jaxad.report.page.run import content
from jaxad.report.page.values import column, finite
from jaxad.report.sweep.folder import cut, value
from jaxad.report.sweep.scales import is_numeric, is_wide, scale
from jaxad.report.table import rows

_AXES = 8
_METRICS = {
    "auroc": "AUROC",
    "average_precision": "AP",
    "f1": "F1",
    "recall": "recall",
    "fpr": "false alarm rate",
    "f1_max": "F1-max (oracle)",
}
_PLANE = ("auroc", "average_precision", "f1")


def comparison(runs: Sequence[RunFolder]) -> dict[str, Any]:
    """Everything that the page shows of several runs; they share the bytes of its
    pictures."""
    names = _names(runs)
    mine = [_own(run) for run in runs]
    parts = [content(run, BUDGET // len(runs)) for run in runs]
    return {
        "kind": "comparison",
        "name": f"{len(runs)} runs",
        "subtitle": "Each by its own primary score, at its own primary rule",
        "leaderboard": _leaderboard(runs, names, mine),
        "board": _plane(runs, names, mine),
        "tradeoff": _tradeoff(runs, names, mine),
        "runs": [part | {"name": n} for part, n in zip(parts, names, strict=True)],
    }


def _names(runs: Sequence[RunFolder]) -> list[str]:
    """The names of the folders, with as many of those above as tell them apart."""
    paths = [run.path.resolve() for run in runs]
    for depth in range(1, max(len(path.parts) for path in paths)):
        names = ["/".join(path.parts[-depth:]) for path in paths]
        if len(set(names)) == len(names):
            return names
    return [f"{path.name} ({i})" for i, path in enumerate(paths, 1)]


def _own(run: RunFolder) -> dict[str, Any]:
    return next(row for row in rows(run) if row["name"] == run.primary[0])


def _leaderboard(runs, names, mine) -> dict[str, Any]:
    columns = [column("run", [(name, name) for name in names])]
    scores = [title(row["name"]) for row in mine]
    columns.append(column("score", [(words, words) for words in scores]))
    for key, words in _METRICS.items():
        values = [row[key] for row in mine]
        columns.append(column(words, [(_shown(x), x) for x in values]))
        if key == "auroc":
            cells = [(_interval(row["auroc_interval"]), row["auroc"]) for row in mine]
            columns.append(column("95 % interval", cells))
    for words, (group, key) in {
        "MSE normal": ("reconstruction", "mse_clean"),
        "MSE anomalous": ("reconstruction", "mse_anomalous"),
        "val loss": ("fit", "val_loss"),
    }.items():
        values = [(run.metrics.get(group) or {}).get(key) for run in runs]
        if any(one is not None for one in values):
            columns.append(column(words, [(_small(x), x) for x in values]))
    columns.append(column("rule", [(row["rule"], row["rule"]) for row in mine]))
    columns.append(column("status", [(r["status"] or "", r["status"]) for r in mine]))
    spent = [row["seconds"] for row in mine]
    cells = [("" if x is None else f"{x:.0f}", x) for x in spent]
    columns.append(column("seconds", cells))
    return {"title": "Runs; sort by a column", "columns": columns}


def _shown(metric: float | None) -> str:
    return "undefined" if metric is None else number(metric)


def _small(metric: float | None) -> str:
    return "" if metric is None else f"{metric:.4g}"


def _interval(ends: Sequence[float | None] | None) -> str:
    if not ends or None in ends:
        return ""
    return " - ".join(number(end) for end in ends if end is not None)


def _plane(runs, names, mine) -> dict[str, Any]:
    """As `sweep.plane`, over settings of the configs that differ."""
    measures = []
    for key in _PLANE:
        values = [finite(row[key]) for row in mine]
        if any(one is not None for one in values):
            one = {"key": key, "name": _METRICS[key], "values": values}
            measures.append(one | {"less": False, "log": False, "share": True})
    return {
        "axes": _axes([dict(_leaves(run.config, "")) for run in runs]),
        "measures": measures,
        "heat": False,  # runs that are picked by hand are no grid
        "first": measures[0]["key"] if measures else "",
        "labels": names,
        "ranked": sum(row["auroc"] is not None for row in mine),
    }


def _axes(configs: Sequence[dict[str, str]]) -> list[dict[str, Any]]:
    """Settings that differ, one of those that tell the same runs apart, the data's
    last."""
    keys = dict.fromkeys(key for one in configs for key in one if key != "name")
    found: dict[tuple[int, ...], tuple[str, list[str]]] = {}
    for key in sorted(keys, key=lambda key: key.startswith("data.")):
        cells = [one.get(key, "") for one in configs]
        parts = tuple(cells.index(cell) for cell in cells)
        if any(parts):
            found.setdefault(parts, (key, cells))
    return [_axis(key, cells) for key, cells in list(found.values())[:_AXES]]


def _axis(key: str, cells: list[str]) -> dict[str, Any]:
    where = scale(cells, words=not is_numeric(cells))
    order = sorted(where.places, key=lambda cell: where.places[cell])
    return {
        "name": key,
        "cells": [cut(value(cell)) for cell in order],
        "places": [order.index(cell) for cell in cells],
        "values": [where.places[cell] for cell in cells],
        "scale": where.kind,
    }


def _leaves(part: Any, before: str) -> Iterator[tuple[str, str]]:
    """Names and words of all settings of a config."""
    if isinstance(part, Mapping) and part:
        for name, one in part.items():
            yield from _leaves(one, f"{before}.{name}" if before else str(name))
    elif isinstance(part, list):
        yield before, ":".join(map(str, part))
    else:
        yield before, "" if part is None or part == {} else str(part)


def _tradeoff(runs, names, mine) -> dict[str, Any] | None:
    """Runs by the error of normal test images and the AUROC."""
    points = []
    for run, name, row in zip(runs, names, mine, strict=True):
        error = (run.metrics.get("reconstruction") or {}).get("mse_clean")
        if error is not None and row["auroc"] is not None and math.isfinite(error):
            points.append({"name": name, "x": error, "y": row["auroc"], "flag": ""})
    if not points:
        return None
    errors = np.array([point["x"] for point in points])
    return {
        "x": "mean squared error of normal test images",
        "y": "AUROC on test data",
        "log": is_wide(errors),
        "points": points,
        "detector": max(range(len(points)), key=lambda i: points[i]["y"]),
        "reconstruction": int(errors.argmin()),
    }
