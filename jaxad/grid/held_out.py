"""The chosen settings on held-out data, once: means, spreads, intervals, comparisons.

What is measured here was chosen on validation data; nothing here chooses.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxad import evaluate, metrics
from jaxad.config.threshold import Rule
from jaxad.evaluate import Labels, Pair
from jaxad.grid import rank


class Case(NamedTuple):
    """One detector on one split of the data."""

    pair: Pair
    labels: Labels


class Row(NamedTuple):
    """Detectors that differ in seed or fold alone. aurocs: (resamples,), their mean
    AUROC on resampled test images."""

    name: str
    entries: list[dict[str, Any]]
    aurocs: np.ndarray


def measure(name: str, cases: Sequence[Case], rules: Sequence[Rule], seed: int) -> Row:
    """A row of the table. seed: of the resamples, the same for rows to be compared."""
    entries = []
    for pair, labels in cases:
        limits = evaluate.thresholds(rules, pair, labels)
        entries.append(evaluate.measure(limits, pair.test, labels))
    key = jax.random.key(seed)
    drawn = [
        metrics.bootstrap_auroc(
            key, pair.test[None], labels.test, evaluate.RESAMPLES, labels.group
        )[:, 0]
        for pair, labels in cases
    ]
    return Row(name, entries, np.mean(np.stack(drawn), axis=0))


def summary(row: Row, best: Row | None = None) -> dict[str, Any]:
    """Columns of a row: means over its detectors, sd, 95 % intervals over test images.

    F1, recall and false alarm rate of rules after the first have their rule's name.
    best: the row to compare with, on the same resamples: `best_minus` is its AUROC
    minus this row's, with an interval.
    """
    columns: dict[str, Any] = {"row": row.name, "detectors": len(row.entries)}
    for name in ("auroc", "average_precision", "f1_max"):
        values = [entry[name] for entry in row.entries]
        columns |= {name: float(np.mean(values)), f"{name}_sd": rank.sd(values)}
    columns["auroc_low"], columns["auroc_high"] = evaluate.interval(row.aurocs)
    rule, *others = row.entries[0]["at"]
    columns["rule"] = rule
    for name in ("f1", "precision", "recall", "fpr", "accuracy"):
        values = [entry["at"][rule][name] for entry in row.entries]
        columns |= {name: float(np.mean(values)), f"{name}_sd": rank.sd(values)}
    for other in others:
        for name in ("f1", "recall", "fpr"):
            values = [entry["at"][other][name] for entry in row.entries]
            columns[f"{name}_{other}"] = float(np.mean(values))
    columns |= {"best_minus": None, "best_minus_low": None, "best_minus_high": None}
    if best is not None:
        low, high = evaluate.interval(best.aurocs - row.aurocs)
        mean = float(np.mean([entry["auroc"] for entry in best.entries]))
        columns["best_minus"] = mean - columns["auroc"]
        columns |= {"best_minus_low": low, "best_minus_high": high}
    return columns
