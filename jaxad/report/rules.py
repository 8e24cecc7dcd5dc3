"""The fitted rules of a score, with the letters that stand for them in pictures."""

import math
import string
from typing import Any, NamedTuple

import numpy as np

from jaxad.report.folder import RunFolder

_LETTERS = string.ascii_lowercase + string.ascii_uppercase
BEST_ON_TEST = "f1_max_test"


class Mark(NamedTuple):
    """A rule: a score is anomalous iff score <= lower or score >= upper."""

    letter: str
    rule: str
    lower: float
    upper: float
    status: str
    fit_on: str


def marks(run: RunFolder, name: str) -> list[Mark]:
    """The rules of a score, the primary one first; last the oracle of F1-max.

    The oracle's limit is the one that gives the largest F1 on the test labels.
    """
    rules = run.thresholds.get(name, {})
    order = sorted(rules, key=lambda rule: rule != run.primary[1])
    entries = {rule: rules[rule] for rule in order}
    best = run.metrics["image"][name].get("f1_max_threshold")
    if best is not None and BEST_ON_TEST not in entries:
        oracle = {"fit_on": "test", "status": "oracle"}
        entries[BEST_ON_TEST] = {"lower": -math.inf, "upper": best, **oracle}
    return [
        Mark(_LETTERS[i % len(_LETTERS)], rule, **entry)
        for i, (rule, entry) in enumerate(entries.items())
    ]


def measured(run: RunFolder, name: str, mark: Mark) -> dict[str, Any]:
    """What a rule does on test data: tp, fp, fn, tn, precision, recall, f1, fpr.

    None stands for what is undefined. Taken from the run's metrics where they hold
    the rule, and counted from its scores otherwise.
    """
    known = run.metrics["image"][name]["at"]
    if mark.rule in known:
        return known[mark.rule]
    score, label = run.select(name, "test"), run.labels("test")
    called = (score <= mark.lower) | (score >= mark.upper)
    (tn, fp), (fn, tp) = (
        [int(np.sum((called == c) & (label == k))) for c in (False, True)]
        for k in (0, 1)
    )
    return {
        **{"tp": tp, "fp": fp, "fn": fn, "tn": tn},
        "precision": _ratio(tp, tp + fp),
        "recall": _ratio(tp, tp + fn),
        "fpr": _ratio(fp, fp + tn),
        "f1": _ratio(2 * tp, 2 * tp + fp + fn) if tp + fn else None,
    }


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def limits(lower: float, upper: float) -> str:
    """When a score is called anomalous, in words."""
    parts = []
    if math.isfinite(lower):
        parts.append(f"≤ {lower:.4g}")
    if math.isfinite(upper):
        parts.append(f"≥ {upper:.4g}")
    return " or ".join(parts) or "never"
