"""ROC and precision-recall curves of a column of scores, for drawing."""

import numpy as np


def _counts(score: np.ndarray, label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """False and true positives at each distinct score as limit, from the highest."""
    order = np.argsort(-score, kind="stable")
    score, label = score[order], label[order]
    last = np.flatnonzero(np.append(np.diff(score) != 0, True))
    tp = np.cumsum(label)[last]
    return last + 1 - tp, tp


def roc(score: np.ndarray, label: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """False alarm rate and recall at every limit, without points on straight lines.

    score: (N,) float; label: (N,) int, 0 or 1. Returns two (T,) arrays from (0, 0) to
    (1, 1), or None where a class is missing.
    """
    fp, tp = _counts(score, label)
    if not len(fp) or fp[-1] == 0 or tp[-1] == 0:
        return None
    fp, tp = np.append(0, fp), np.append(0, tp)
    corner = (np.diff(fp, 2) != 0) | (np.diff(tp, 2) != 0)
    keep = np.concatenate([[True], corner, [True]])
    return fp[keep] / fp[-1], tp[keep] / tp[-1]


def pr(score: np.ndarray, label: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Recall and precision at every limit, from the highest.

    score: (N,) float; label: (N,) int, 0 or 1. Returns two (T,) arrays that start at
    recall 0 with the first limit's precision (no limit has recall 0 and a precision
    of its own), or None where nothing is anomalous.
    """
    fp, tp = _counts(score, label)
    if not len(tp) or tp[-1] == 0:
        return None
    precision, recall = tp / (tp + fp), tp / tp[-1]
    return np.append(0.0, recall), np.append(precision[0], precision)
