"""Metrics on the device: pure, safe under `jit` and `vmap`, without loops.

Scores and labels are (N,), higher = more anomalous, label 0 normal and 1 anomalous, and
a `valid` mask (N,) takes padding out of every result. Scores are read as float32;
infinities are ordered like other numbers. Counts are integers, so results hold beyond
2^24 examples (up to 2^30). What is undefined is NaN, and `undefined` says why.
"""

from jaxad.metrics.bootstrap import bootstrap_auroc
from jaxad.metrics.confusion import (
    Confusion,
    accuracy,
    confusion,
    f1,
    fpr,
    precision,
    rates,
    recall,
    wilson,
)
from jaxad.metrics.histogram import auroc_histogram
from jaxad.metrics.ranking import Curve, curve, pr, roc
from jaxad.metrics.summary import (
    REASONS,
    auroc,
    auroc_interval,
    average_precision,
    f1_max,
    summary,
    undefined,
)

__all__ = [
    "REASONS",
    "Confusion",
    "Curve",
    "accuracy",
    "auroc",
    "auroc_histogram",
    "auroc_interval",
    "average_precision",
    "bootstrap_auroc",
    "confusion",
    "curve",
    "f1",
    "f1_max",
    "fpr",
    "pr",
    "precision",
    "rates",
    "recall",
    "roc",
    "summary",
    "undefined",
    "wilson",
]
