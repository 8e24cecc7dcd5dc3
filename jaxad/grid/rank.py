"""From the members' validation numbers to a leaderboard of settings.

Nothing here reads a test score. `table` has a column of values for each member, the
leaderboard one for each setting: its members differ in seed and fold alone.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jaxad.carry import COLLAPSED, DIVERGED
from jaxad.grid.members import Member

Table = dict[str, list[Any]]

MEAN_IMAGE = 0.02
"""Below this share of the images' variance, reconstructions are one and the same."""

MEASURES = ("auroc", "average_precision", "difference", "val_loss")
_SHOWN = (*MEASURES, "f1_max", "mse_normal", "mse_anomalous", "train_loss")


def table(members: Sequence[Member], results: Mapping[int, Any], score: str) -> Table:
    """Columns of all members that have results, by member.

    results: member index -> what `measure` gave for it, scalars. score: the one whose
    ranking metrics are shown without its name.
    """
    done = [member for member in members if member.number in results]
    rows = [_row(member, results[member.number], score) for member in done]
    names = list(dict.fromkeys(name for row in rows for name in row))
    return {name: [row.get(name) for row in rows] for name in names}


def _row(member: Member, found: Mapping[str, Any], score: str) -> dict[str, Any]:
    fold = {} if member.config.data.folds is None else {"fold": member.config.data.fold}
    row: dict[str, Any] = {"member": member.number, "setting": member.setting}
    row |= member.values | {"seed": member.config.seed} | fold
    own = found["metrics"][score]
    row |= {name: float(own[name]) for name in ("auroc", "average_precision", "f1_max")}
    for name, other in found["metrics"].items():
        if name != score:
            row[f"auroc_{name}"] = float(other["auroc"])
    scalars = ("val_loss", "train_loss", "mse_normal", "mse_anomalous", "spread")
    row |= {name: float(found[name]) for name in scalars}
    # The limits of the first rule, fitted on validation data with the scores.
    lower, upper = np.asarray(found["limits"][score])[0].tolist()
    row |= {"lower": lower, "upper": upper}
    row["difference"] = row["mse_anomalous"] - row["mse_normal"]
    row["best_epoch"] = int(found["best_epoch"]) + 1
    row["status"] = status(int(found["status"]), int(found["status_step"]))
    stuck = row["status"] == "ok" and row["spread"] < MEAN_IMAGE
    row["flag"] = "mean image" if stuck else ""
    return row


def good(columns: Table) -> set[int]:
    """Numbers of the members that neither failed nor were culled."""
    return {row["member"] for row in rows(columns) if row["status"] == "ok"}


def status(code: int, step: int) -> str:
    """What became of a member, in words; `ok` where nothing happened."""
    words = {DIVERGED: "diverged", COLLAPSED: "collapsed"}
    return f"{words[code]} at step {step}" if code in words else "ok"


def quality(name: str, row: Mapping[str, Any]) -> float:
    """The ranking criterion of a row, higher = better; NaN where it is undefined."""
    if row["status"] != "ok":
        return math.nan
    return -row["val_loss"] if name == "val_loss" else row[name]


def rows(columns: Table) -> list[dict[str, Any]]:
    """The rows of a table."""
    return [
        dict(zip(columns, row, strict=True))
        for row in zip(*columns.values(), strict=True)
    ]


def leaderboard(columns: Table, criterion: str, shown: Sequence[str]) -> Table:
    """Settings, best first: means over their members, sd of the criterion's measures.

    shown: columns of the settings' values. A member that failed counts in no mean; a
    setting none of whose members has a value comes last, without a rank, and says why.
    """
    settings: dict[int, list[dict[str, Any]]] = {}
    for row in rows(columns):
        settings.setdefault(row["setting"], []).append(row)
    ranked = [_setting(found, criterion, shown) for found in settings.values()]
    ranked.sort(key=lambda row: (math.isnan(row["quality"]), -row["quality"]))
    for place, row in enumerate(ranked, 1):
        row["rank"] = None if math.isnan(row["quality"]) else place
    names = ["rank", "setting", *shown]
    names += [name for name in ranked[0] if name not in (*names, "quality")]
    return {name: [row.get(name) for row in ranked] for name in names}


def _setting(
    found: Sequence[dict[str, Any]], criterion: str, shown: Sequence[str]
) -> dict[str, Any]:
    good = [row for row in found if not math.isnan(quality(criterion, row))]
    row: dict[str, Any] = {"setting": found[0]["setting"]}
    row |= {name: found[0].get(name) for name in shown}
    culled = sum(one["status"].startswith("culled") for one in found)
    row |= {"members": len(found), "failed": len(found) - len(good) - culled}
    values = [quality(criterion, one) for one in good]
    row["quality"] = float(np.mean(values)) if values else math.nan
    others = [name for name in found[0] if name.startswith("auroc_")]
    for name in (*_SHOWN, *others):
        known = [one[name] for one in good if one.get(name) is not None]
        row[name] = float(np.mean(known)) if known else math.nan
        if name in MEASURES:
            row[f"{name}_sd"] = sd(known)
    row["flag"] = "; ".join(sorted({one["flag"] for one in good if one["flag"]}))
    row["reason"] = "; ".join(sorted({_reason(r, criterion) for r in found} - {""}))
    return row


def sd(values: Sequence[float]) -> float:
    """Sample standard deviation; NaN for fewer than two values."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else math.nan


def _reason(row: Mapping[str, Any], criterion: str) -> str:
    if row["status"] != "ok":
        return row["status"]
    return f"{criterion} is undefined" if math.isnan(quality(criterion, row)) else ""
