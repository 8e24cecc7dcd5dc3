"""The results of a run as one value for programs, and its first look as text."""

import math
from typing import Any

from jaxad.report.blocks import as_text, narrowed
from jaxad.report.folder import RunFolder
from jaxad.report.names import title
from jaxad.report.rules import limits, marks
from jaxad.report.table import WHY, tables

PAGE = "report.html"
_WHOLE = ("auroc", "auroc_interval", "average_precision", "f1_max", "f1_max_threshold")
_WHY = WHY | {
    "recall_interval": WHY["recall"],
    "fpr_interval": WHY["fpr"],
    "accuracy": "there are no examples",
    "lower": "no limit on this side",
    "upper": "no limit on this side",
}


def summary(run: RunFolder) -> dict[str, Any]:
    """path, status, seconds, primary score and rule, the epoch that was kept; of each
    score AUROC and so on, and at each rule the threshold and the rates there; the same
    of the trivial rows; metrics by pixel; folder of the pictures, and the page.

    Where a number is None, `undefined` beside it says why.
    """
    own = run.thresholds
    image, trivial = run.metrics["image"], run.metrics["trivial"]
    page = run.path.resolve() / PAGE
    return {
        "path": str(run.path.resolve()),
        "status": "finished",
        "seconds": run.env.get("seconds", {}),
        "primary": run.metrics["primary"],
        "fit": explained(run.metrics["fit"], {}, "nothing to validate"),
        "scores": {
            name: {"detector": image[name]["detector"]} | _entry(image[name], own[name])
            for name in run.names
        },
        "trivial": {
            name: {k: entry.get(k) for k in ("status", "note")} | _entry(entry, {})
            for name, entry in trivial.items()
        },
        "pixel": {
            name: explained(entry, {}, "one class only")
            for name, entry in (run.metrics.get("pixel") or {}).items()
        },
        "plots": str(run.path.resolve() / "plots"),
        "report": str(page) if page.is_file() else None,
    }


def render_first(run: RunFolder, width: int | None = None) -> str:
    """The table of the detectors, and when an image is called anomalous, as text."""
    (block, *_), reasons, lines = tables(run)
    name, rule = run.primary
    first = as_text(narrowed(block, ("95 % interval", "seconds"), width))
    own = [line for line in reasons if line[:3] in first]
    called = [
        f"Anomalous: {title(name)} {limits(mark.lower, mark.upper)} ({rule}, fitted on "
        f"{mark.fit_on}, {mark.status})"
        for mark in marks(run, name)
        if mark.rule == rule
    ]
    below = ("\n".join(some) for some in (own, [*called, *lines]) if some)
    return "\n\n".join([first, *below])


def explained(values: dict[str, Any], why: dict[str, str], else_: str = "not measured"):
    """`values`, not finite numbers as None, with `undefined`: why each None is one.

    why: reason by name; else_: of all other names.
    """
    found = {name: _finite(value) for name, value in values.items()}
    missing = [name for name, value in found.items() if value is None]
    return found | {"undefined": {name: why.get(name, else_) for name in missing}}


def _entry(entry: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    whole = {name: entry.get(name) for name in (*_WHOLE, "n_normal", "n_anomalous")}
    why = entry.get("undefined") or {}
    reason = why.get("auroc", "not measured")
    at = {
        rule: explained(own.get(rule, {}) | point, _WHY | why)
        for rule, point in entry.get("at", {}).items()
    }
    return explained(whole, why, reason) | {"at": at}


def _finite(value: Any) -> Any:
    """None for what JSON cannot hold, and for intervals without both ends."""
    if isinstance(value, list | tuple):
        return None if None in map(_finite, value) else list(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value
