"""The page of a run as plain values."""

import json
from typing import Any

import numpy as np

from jaxad.report.blocks import Block, number
from jaxad.report.folder import RunFolder
from jaxad.report.names import UNITS, shown, title
from jaxad.report.page.pictures import gallery
from jaxad.report.page.scores import explorer
from jaxad.report.page.values import numbers, settings, table
from jaxad.report.table import rows, tables

_STAGES = {1: "autoencoder", 2: "denoising network"}
_COLUMNS = {
    "train_loss": "training",
    "val_loss": "validation",
    "generator_loss": "generator",
    "encoder_loss": "encoder",
}


def run_page(run: RunFolder, budget: int) -> dict[str, Any]:
    """Everything that the page shows of a run. budget: bytes of its pictures."""
    return {"kind": "run", "name": run.path.resolve().name, "run": content(run, budget)}


def content(run: RunFolder, budget: int) -> dict[str, Any]:
    """What is shown of a run, whichever page it is on."""
    found = tables(run)
    return {
        "name": run.path.resolve().name,
        "figures": _figures(run),
        "remarks": found.summary,
        "explorer": explorer(run),
        "gallery": gallery(run, budget),
        "losses": _losses(run),
        "levels": _levels(run),
        "tables": [table(block) for block in [*found.blocks, *_intervals(run)]],
        "reasons": found.reasons,
        "thresholds": _thresholds(run),
        "config": settings(run.config),
        "environment": settings(run.env),
    }


def _figures(run: RunFolder) -> dict[str, Any]:
    """The numbers that count most, of the primary score at the primary rule."""
    score, rule = run.primary
    row = next(row for row in rows(run) if row["name"] == score)
    entry, interval = run.metrics["image"][score], row["auroc_interval"]
    known = interval and None not in interval
    counts = entry["n_normal"], entry["n_anomalous"]
    return {
        "score": title(score),
        "rule": rule,
        "status": row["status"],
        "tested": "{:,} normal and {:,} anomalous test images".format(*counts),
        "interval": [number(end) for end in interval] if known else None,
        "values": [
            {
                "name": name,
                "words": "undefined" if row[key] is None else number(row[key]),
                "why": row["undefined"].get(key, "") if row[key] is None else "",
            }
            for key, name in (
                ("auroc", "AUROC"),
                ("average_precision", "average precision"),
                ("f1", "F1"),
                ("recall", "recall"),
                ("fpr", "false alarm rate"),
            )
        ],
    }


def _losses(run: RunFolder) -> list[dict[str, Any]]:
    """A dict a stage: `name`, `epochs`, `lines` of name and values, `best` epoch."""
    history = run.history
    stage = history.get("stage", np.ones(len(history["epoch"])))
    found = []
    for one in np.unique(stage):
        part = {name: values[stage == one] for name, values in history.items()}
        adversaries = "d_real" in part
        lines = [
            {"name": name, "values": numbers(part[column])}
            for column, name in _COLUMNS.items()
            if column in part and np.isfinite(part[column]).any()
        ]
        if adversaries:
            lines[0]["name"] = "discriminator"
        best = None if adversaries else run.metrics["fit"].get("best_epoch")
        found.append(
            {
                "name": _STAGES.get(int(one), "") if len(np.unique(stage)) > 1 else "",
                "epochs": numbers(part["epoch"]),
                "lines": lines,
                "best": best,
            }
        )
    return found


def _levels(run: RunFolder) -> list[dict[str, Any]]:
    """AUROC by level of corruption: of the anomalies, and of all test images."""
    curves = [run.metrics.get("curve"), *(run.metrics.get("robustness") or [])]
    return [
        {
            "title": f"AUROC by {title(curve['kind'])}"
            + (" on all test images" if place else ""),
            "axis": f"{title(curve['kind'])}, {UNITS[curve['kind']]}",
            "levels": [shown(curve["kind"], level) for level in curve["levels"]],
            "lines": [
                {"name": title(name), "values": values}
                for name, values in curve["auroc"].items()
            ],
        }
        for place, curve in enumerate(curves)
        if curve and curve["levels"]
    ]


def _intervals(run: RunFolder) -> list[Block]:
    """95 % intervals of the rates at the rules of the primary score."""
    lines = []
    for rule, at in run.metrics["image"][run.primary[0]]["at"].items():
        cells = []
        for key in ("recall", "fpr"):
            value, interval = at.get(key), at.get(f"{key}_interval")
            known = value is not None and interval and None not in interval
            cells += [number(value)] if value is not None else ["undefined"]
            cells += [" - ".join(map(number, interval)) if known else ""]
        lines.append([rule, *cells, at["status"]])
    header = ["rule", "recall", "95 % interval", "false alarm rate", "95 % interval"]
    words = f"Intervals of the rates of {title(run.primary[0])} over test images"
    return [Block(words, [*header, "status"], lines)] if lines else []


def _thresholds(run: RunFolder) -> str:
    """The fitted limits as JSON, infinite ones null, as in thresholds.json."""
    plain = {
        score: {
            rule: {
                **entry,
                **{k: entry[k] if np.isfinite(entry[k]) else None for k in _ENDS},
            }
            for rule, entry in rules.items()
        }
        for score, rules in run.thresholds.items()
    }
    return json.dumps(plain, indent=2, ensure_ascii=False)


_ENDS = ("lower", "upper")
