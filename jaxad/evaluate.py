"""From scores to thresholds and metrics, computed on the device.

Thresholds see validation scores only. What was chosen with test labels is stamped
`oracle`, everything else `deployable`.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxad import metrics, threshold
from jaxad.config.threshold import Rule
from jaxad.threshold import Validation

ORACLE = "f1_max_test"
RESAMPLES = 1000
RATES = ("precision", "recall", "f1", "fpr", "accuracy")


class Pair(NamedTuple):
    """Scores of one detector: (V,) on validation, (T,) on test, float32."""

    val: np.ndarray
    test: np.ndarray


class Labels(NamedTuple):
    """0 normal, 1 anomalous: (V,) on validation, (T,) on test, int32.

    group: (T,) int32, test examples that belong together (tiles of one image); None:
        each stands alone.
    """

    val: np.ndarray
    test: np.ndarray
    group: np.ndarray | None = None


def thresholds(rules: Sequence[Rule], scores: Pair, labels: Labels) -> dict[str, Any]:
    """Rule name -> {"lower", "upper", "fit_on", "status"}, the oracle's row last.

    Raises ConfigError when a rule lacks what it needs.
    """
    validation = Validation(jnp.asarray(scores.val), jnp.asarray(labels.val))
    rows = {}
    for name, rule in zip(threshold.names(rules), rules, strict=True):
        threshold.require(rule, validation)
        lower, upper = _fit(rule, validation)
        rows[name] = {
            "lower": float(lower),
            "upper": float(upper),
            "fit_on": threshold.fit_on(rule),
            "status": "deployable",
        }
    best = _summary(jnp.asarray(scores.test), jnp.asarray(labels.test))
    rows[ORACLE] = {
        "lower": -math.inf,
        "upper": float(best["f1_max_threshold"]),
        "fit_on": "test",
        "status": "oracle",
    }
    return rows


def measure(limits: dict[str, Any], score: np.ndarray, labels: Labels) -> dict:
    """An entry of `metrics.json`: score (T,) float32 on test.

    Undefined metrics are NaN; "undefined" says why. Intervals are over the examples,
    or over groups of them, where there are any.
    """
    given = jnp.asarray(score), jnp.asarray(labels.test)
    found = {name: x.item() for name, x in _summary(*given).items()}
    if labels.group is not None:
        key, one = jax.random.key(0), given[0][None]
        drawn = metrics.bootstrap_auroc(key, one, given[1], RESAMPLES, labels.group)
        found["auroc_low"], found["auroc_high"] = interval(np.asarray(drawn)[:, 0])
    entry: dict[str, Any] = {
        "auroc": found["auroc"],
        "auroc_interval": [found["auroc_low"], found["auroc_high"]],
        **{k: found[k] for k in ("average_precision", "f1_max", "f1_max_threshold")},
        **{k: found[k] for k in ("n_normal", "n_anomalous")},
    }
    reason = metrics.REASONS[found["reason"]]
    scalars = ("auroc", "average_precision", "f1_max")
    entry["undefined"] = {k: reason for k in scalars if math.isnan(entry[k])}
    entry["at"] = {name: _at(row, *given) for name, row in limits.items()}
    if labels.group is not None:
        for name, row in limits.items():
            called = (score <= row["lower"]) | (score >= row["upper"])
            entry["at"][name] |= _grouped(called, labels.test, labels.group)
    return entry


def interval(values: np.ndarray) -> list[float]:
    """The middle 95 % of resampled values; NaN where there are none."""
    known = values[np.isfinite(values)].astype(np.float64)
    if not len(known):
        return [math.nan, math.nan]
    return np.quantile(known, [0.025, 0.975]).tolist()


def _grouped(called: np.ndarray, label: np.ndarray, group: np.ndarray) -> dict:
    """Intervals of recall and false alarm rate over resamples of the groups."""
    count = int(group.max()) + 1
    drawn = np.random.default_rng(0).integers(0, count, (RESAMPLES, count))
    found = {}
    for name, kind in (("recall_interval", 1), ("fpr_interval", 0)):
        own = label == kind
        all_of = np.bincount(group[own], minlength=count)[drawn].sum(1)
        hits = np.bincount(group[own & called], minlength=count)[drawn].sum(1)
        known = all_of > 0
        found[name] = interval(hits[known] / all_of[known])
    return found


def by_defect(
    score: np.ndarray, label: np.ndarray, defect: np.ndarray
) -> dict[str, dict[str, float]]:
    """Each kind of defect against all normal images: `auroc`, and its number `n`.

    score, label: (N,). defect: (N,) str, the kind of each anomalous image.
    """
    normal, found = label == 0, {}
    for kind in sorted({*defect[~normal].tolist()}):
        own = ~normal & (defect == kind)
        both = normal | own
        value = auroc(score[both], label[both])
        found[kind] = {"auroc": value, "n": int(own.sum())}
    return found


def auroc(score: np.ndarray, label: np.ndarray) -> float:
    """Exact AUROC of score (N,) against label (N,); NaN with one class only."""
    return float(_auroc(jnp.asarray(score), jnp.asarray(label)))


def _at(row: dict[str, Any], score: jax.Array, label: jax.Array) -> dict[str, Any]:
    lower, upper = jnp.float32(row["lower"]), jnp.float32(row["upper"])
    counts, rates, intervals = _confusion(score, label, lower, upper)
    at = {"status": row["status"], **{k: v.item() for k, v in rates.items()}}
    at |= {k: v.item() for k, v in counts._asdict().items()}
    return at | {k: [side.item() for side in v] for k, v in intervals.items()}


@jax.jit
def _confusion(score, label, lower, upper):
    counts = metrics.confusion(score, label, lower, upper)
    rates = {name: getattr(metrics, name)(counts) for name in RATES}
    intervals = {
        "recall_interval": metrics.wilson(counts.tp, counts.tp + counts.fn),
        "fpr_interval": metrics.wilson(counts.fp, counts.fp + counts.tn),
    }
    return counts, rates, intervals


_fit = jax.jit(threshold.fit, static_argnums=0)
_summary = jax.jit(metrics.summary)
_auroc = jax.jit(metrics.auroc)
