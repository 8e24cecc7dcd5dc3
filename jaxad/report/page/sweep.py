"""The page of a sweep as plain values."""

import math
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from jaxad.report.files import read_json
from jaxad.report.names import title
from jaxad.report.page.values import column, finite, numbers, settings, table
from jaxad.report.sweep.folder import (
    CRITERIA,
    Columns,
    SweepFolder,
    reconstructs,
    to_float,
    value,
)
from jaxad.report.sweep.scales import is_numeric, is_wide, scale
from jaxad.report.sweep.tables import remarks, spread, sweep_blocks

_TRAININGS = 150
_LESS, _SHARES = ("val_loss",), ("auroc", "average_precision")
"""Criteria of which less is better, and those from 0 to 1."""


def sweep_page(sweep: SweepFolder, page: Path) -> dict[str, Any]:
    """Everything that the page shows of a sweep. page: the file that it is for."""
    grid = read_json(sweep.path / "grid.json", dict)
    file = sweep.path / "env.json"
    env = read_json(file, dict) if file.is_file() else {}
    board = sweep.leaderboard
    return {
        "kind": "sweep",
        "name": sweep.path.resolve().name,
        "subtitle": f"{len(board)} settings, {len(sweep.members)} members, ranked by "
        f"{sweep.on_validation()}",
        "remarks": remarks(sweep),
        "leaderboard": leaderboard(sweep),
        "board": plane(sweep),
        "tradeoff": tradeoff(sweep),
        "losses": losses(sweep),
        "tables": [table(block) for block in sweep_blocks(sweep)[1:]],
        "runs": [_link(file.parent, page) for file in _runs(sweep)],
        "config": settings(grid["config"]),
        "grid": settings({"grid": grid["grid"]}),
        "environment": settings(env),
    }


def _link(run: Path, page: Path) -> dict[str, str]:
    """The name of a run, and its page's place as the page of the sweep sees it."""
    to = os.path.relpath(run.resolve() / "report.html", page.resolve().parent)
    return {"name": run.name, "href": quote(os.fsencode(Path(to).as_posix()))}


def _runs(sweep: SweepFolder):
    return sorted(sweep.path.glob("best*/metrics.json"))


def leaderboard(sweep: SweepFolder) -> dict[str, Any]:
    """All settings, best first, those without a rank last: columns to sort by."""
    board = sweep.leaderboard
    at, rows = board.number, range(len(board))
    ranks = [("" if math.isnan(r) else f"{r:.0f}", float(r)) for r in at["rank"]]
    columns = [column("rank", ranks)]
    for name in sweep.axes:
        cells = board.text[name]
        numeric = is_numeric(cells)
        pairs = [(value(c), to_float(c) if numeric else value(c)) for c in cells]
        columns.append(column(sweep.short(name), pairs))
    for name, words in {"auroc": "AUROC", "average_precision": "AP"}.items():
        means = zip(at[name].tolist(), at[f"{name}_sd"].tolist(), strict=True)
        columns.append(column(words, [(spread(x, sd), x) for x, sd in means]))
    small = {"val_loss": "val loss", "mse_normal": "MSE normal"}
    small |= {"mse_anomalous": "MSE anomalous"} if reconstructs(sweep) else {}
    for name, words in small.items():
        if np.isfinite(at[name]).any():
            columns.append(column(words, [_small(float(x)) for x in at[name]]))
    for name in ("members", "failed"):
        columns.append(column(name, [(f"{x:.0f}", float(x)) for x in at[name]]))
    notes = [board.text["flag"][i] or board.text["reason"][i] for i in rows]
    if any(notes):
        columns.append(column("note", [(note, note or None) for note in notes]))
    return {"title": f"Settings by {sweep.on_validation()}", "columns": columns}


def _small(metric: float) -> tuple[str, float]:
    return ("undefined" if math.isnan(metric) else f"{metric:.4g}"), metric


def plane(sweep: SweepFolder) -> dict[str, Any]:
    """Axes of the grid and criteria of each setting, for parallel lines and a heat map.

    `axes`: name, `cells` (distinct values in words, in order), `places` (row -> cell),
    `values` (row -> place on a scale of the kind `scale`). `measures`: name, `values`
    (row -> number or None), `less` (whether less is better), `log`, `share` (0 to 1).
    """
    board = sweep.leaderboard
    seen = np.isfinite(board.number["rank"])
    measures = []
    for name, words in CRITERIA.items():
        found = np.where(seen, board.number[name], np.nan)
        if np.isfinite(found).any():
            kind = {"less": name in _LESS, "share": name in _SHARES}
            one = {"key": name, "name": words, "log": is_wide(found)}
            measures.append(one | kind | {"values": numbers(found)})
    return {
        "axes": [_axis(sweep, board, name) for name in sweep.axes],
        "measures": measures,
        "heat": True,
        "first": sweep.criterion,
        "labels": [sweep.label(board, row) for row in range(len(board))],
        "ranked": sweep.ranked,
    }


def _axis(sweep: SweepFolder, board: Columns, name: str) -> dict[str, Any]:
    cells = board.text[name]
    where = scale(cells)
    order = sorted(where.places, key=lambda cell: where.places[cell])
    return {
        "name": sweep.short(name),
        "cells": [value(cell) for cell in order],
        "places": [order.index(cell) for cell in cells],
        "values": [where.places[cell] for cell in cells],
        "scale": where.kind,
    }


def tradeoff(sweep: SweepFolder) -> dict[str, Any] | None:
    """Members by the error of normals and the AUROC; None where nothing has both."""
    number = sweep.members.number
    error, auroc = number["mse_normal"], number["auroc"]
    known = sweep.good & np.isfinite(error) & np.isfinite(auroc)
    rows = np.flatnonzero(known)
    if not len(rows):
        return None
    points = [
        {
            "name": sweep.member_label(int(row)),
            "x": float(error[row]),
            "y": float(auroc[row]),
            "flag": sweep.members.text["flag"][row],
        }
        for row in rows
    ]
    return {
        "x": "mean squared error of normal validation images",
        "y": f"AUROC of {title(sweep.score)} on validation data",
        "log": is_wide(error[known]),
        "points": points,
        "detector": int(np.argmax(auroc[rows])),
        "reconstruction": int(np.argmin(error[rows])),
    }


def losses(sweep: SweepFolder) -> dict[str, Any] | None:
    """Losses by epoch of the members, best setting first; of many, the first ones."""
    number, table = sweep.history.number, sweep.members
    if not len(sweep.history):
        return None
    name = "train_loss" if np.isnan(number["val_loss"]).all() else "val_loss"
    rank = dict(zip(sweep.leaderboard.number["setting"], range(10**9), strict=False))
    order = np.argsort([rank[s] for s in table.number["setting"]], kind="stable")
    lines = []
    for row in order[:_TRAININGS].tolist():
        own = number["member"] == table.number["member"][row]
        pairs = zip(number["epoch"][own], number[name][own], strict=True)
        status = table.text["status"][row]
        points = [[float(x), finite(float(y))] for x, y in pairs]
        best = rank[table.number["setting"][row]] == 0
        about = {"name": sweep.member_label(row), "best": best, "status": status}
        lines.append({**about, "points": points})
    shown = f"{'training' if name == 'train_loss' else 'validation'} loss"
    left = len(order) - len(lines)
    return {"name": shown, "lines": lines, "left": left}
