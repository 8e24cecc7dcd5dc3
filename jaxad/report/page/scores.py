"""Scores, labels and fitted thresholds of a run, for the explorer of a page."""

import base64
import math
from typing import Any

import numpy as np

from jaxad.report.folder import RunFolder
from jaxad.report.histogram import Scale, scale
from jaxad.report.names import title
from jaxad.report.rules import Mark, marks

SPLITS = ("val", "test")
_TENS = 9  # powers of ten at most that an axis shows


def explorer(run: RunFolder) -> dict[str, Any]:
    """Keys: `labels`, split -> numbers; `scores`, a dict for each detector with `name`,
    `title`, `kind` ("model" or "baseline"), `values` (split -> numbers), `marks`,
    `axis`, `bins` and `metrics`; `primary`, the name of the first.

    Numbers are {"type", "base64"}: little-endian, of `type` u1, f4 or f8, exact.
    """
    labels = {s: packed(run.labels(s).astype(np.uint8)) for s in SPLITS}
    found = [_score(run, name) for name in run.names]
    return {"labels": labels, "scores": found, "primary": run.primary[0]}


def packed(values: np.ndarray) -> dict[str, str]:
    """Values (N,) uint8 or float64, as float32 where that is exact."""
    kind = "u1"
    if values.dtype.kind == "f":
        # A finite score beyond float32 becomes infinite there, and is kept whole.
        with np.errstate(over="ignore"):
            exact = np.array_equal(values.astype(np.float32), values)
        kind = "f4" if exact else "f8"
    data = np.ascontiguousarray(values, dtype=f"<{kind}").tobytes()
    return {"type": kind, "base64": base64.b64encode(data).decode()}


def _score(run: RunFolder, name: str) -> dict[str, Any]:
    rules, entry = marks(run, name), run.metrics["image"][name]
    lines = [x for m in rules for x in (m.lower, m.upper) if math.isfinite(x)]
    axis = scale(run.scores[f"score_{name}"], lines)
    keys = ("auroc", "auroc_interval", "average_precision", "f1_max")
    return {
        "name": name,
        "title": title(name),
        "kind": "baseline" if run.is_baseline(name) else "model",
        "values": {split: packed(run.select(name, split)) for split in SPLITS},
        "marks": [_mark(mark) for mark in rules],
        "axis": {**axis._asdict(), "ticks": _ticks(axis)},
        "bins": {split: _bins(run, name, split, axis) for split in SPLITS},
        "metrics": {key: entry.get(key) for key in keys},
    }


def _mark(mark: Mark) -> dict[str, Any]:
    """A rule; limits that are infinite are None."""
    ends = {"lower": mark.lower, "upper": mark.upper}
    finite = {k: v if math.isfinite(v) else None for k, v in ends.items()}
    return {**mark._asdict(), **finite}


def _bins(run: RunFolder, name: str, split: str, axis: Scale) -> dict[str, Any]:
    """Edges (n + 1), and counts (n) of normal and anomalous images."""
    edges = axis.bins(int(np.clip(2 * len(run.labels(split)) ** 0.5, 25, 70)))
    counts = [
        np.histogram(run.select(name, split, label), edges)[0].tolist()
        for label in (0, 1)
    ]
    return {"edges": edges.tolist(), "counts": counts}


def _ticks(axis: Scale) -> list[float]:
    """Round scores within an axis that is not linear; none: the chart finds its own."""
    if axis.kind == "linear":
        return []
    low, high = axis.low, axis.high
    if axis.kind == "log":
        tens = [10.0**n for n in range(*_powers(low, high))]
        steps = (1, 2, 5) if len(tens) <= 3 else (1,)
    else:
        reach = max(abs(low), abs(high))
        tens, steps = [10.0**n for n in range(*_powers(axis.width, reach))], (1,)
        tens = [-x for x in reversed(tens)] + [0.0, *tens]
    found = [step * ten for ten in tens for step in steps]
    found = [x for x in found if low <= x <= high]
    return found[:: -(-len(found) // _TENS)] if found else []


def _powers(low: float, high: float) -> tuple[int, int]:
    return math.floor(math.log10(low)), math.floor(math.log10(high)) + 1
