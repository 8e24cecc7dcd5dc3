"""Scores that anything worth using has to beat, shown beside every result.

A row whose scores come from images and validation data alone is `deployable`; one that
looks at test labels is an `oracle`, an upper bound that nobody can use.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple

import numpy as np
from scipy.stats import rankdata

from jaxad.errors import DataError

Status = Literal["deployable", "oracle"]

_VALUES = 2**23  # in float64 at a time: copies of images stay small


class Trivial(NamedTuple):
    """A trivial detector's scores, higher = more anomalous.

    val_scores, test_scores: (V,), (T,) float32.
    upper: the row's own limit (anomalous iff score >= upper), None where threshold
        rules choose it as for any score.
    """

    val_scores: np.ndarray
    test_scores: np.ndarray
    status: Status
    note: str
    upper: float | None = None


def trivial_scores(
    val_normals: np.ndarray,
    val: np.ndarray,
    test: np.ndarray,
    test_label: np.ndarray,
    untrained: Sequence[np.ndarray],
    seed: int = 0,
) -> dict[str, Trivial]:
    """The trivial rows, by name.

    At its limit of -inf, `all_anomalous` has F1 = 2 p / (1 + p), with p the share of
    anomalous images, and a false alarm rate of 1. Only `raw_brightness` reads
    `test_label`.

    Args:
      val_normals: (N, H, W, C) normal validation images, uint8 or float32 in [0, 1].
      val, test: (V, H, W, C), (T, H, W, C) images to score, likewise.
      test_label: (T,) 0 normal, 1 anomalous.
      untrained: scores (V,) and (T,) of the model before training.
      seed: of the row `random`.

    Raises:
      DataError: no validation normals, or lengths that do not agree.
    """
    _check(val_normals, val, test, test_label, untrained)
    sizes = len(val), len(test)
    zeros = (np.zeros(size) for size in sizes)
    chance = (
        np.random.default_rng((seed, i)).random(size) for i, size in enumerate(sizes)
    )
    everything = _row(zeros, "deployable", "every image is called anomalous")
    rows = {
        "all_anomalous": everything._replace(upper=-np.inf),
        "random": _row(chance, "deployable", f"uniform, seed {seed}"),
        "untrained": _row(untrained, "deployable", "the same model before training"),
    }
    for name, statistic in STATISTICS.items():
        rows[f"{name}_distance"] = _distance(name, statistic, val_normals, val, test)
    rows["raw_brightness"] = _raw_brightness(val, test, test_label)
    return rows


def brightness(images: np.ndarray) -> np.ndarray:
    """Mean of each image's values. (N, H, W, C) -> (N,) float64 in [0, 1]."""
    return _each(images, lambda rows: rows.mean(axis=1))


def contrast(images: np.ndarray) -> np.ndarray:
    """Standard deviation of each image's values. (N, H, W, C) -> (N,) float64."""
    return _each(images, lambda rows: rows.std(axis=1))


STATISTICS = {"brightness": brightness, "contrast": contrast}


def _distance(name, statistic, val_normals, val, test) -> Trivial:
    """Two-sided: |x - mean of the validation normals|."""
    centre = statistic(val_normals).mean()
    scores = (np.abs(statistic(x) - centre) for x in (val, test))
    note = f"distance of {name} from the validation normals' mean {centre:.4g}"
    return _row(scores, "deployable", note)


def _raw_brightness(val, test, test_label) -> Trivial:
    """Brightness in the direction in which the test's AUROC is at least one half."""
    values = brightness(val), brightness(test)
    anomalous = np.asarray(test_label) == 1
    sign, note = 1, "brighter = more anomalous, not chosen: one class only in the test"
    if anomalous.any() and not anomalous.all():
        ranks = rankdata(values[1])
        sign = 1 if ranks[anomalous].mean() >= ranks[~anomalous].mean() else -1
        word = "brighter" if sign == 1 else "darker"
        note = f"{word} = more anomalous, chosen with test labels"
    return _row((sign * value for value in values), "oracle", note)


def _row(scores: Iterable[np.ndarray], status: Status, note: str) -> Trivial:
    val_scores, test_scores = (np.asarray(values, np.float32) for values in scores)
    return Trivial(val_scores, test_scores, status, note)


def _each(images: np.ndarray, statistic: Callable) -> np.ndarray:
    scale = 255.0 if images.dtype == np.uint8 else 1.0
    size = math.prod(images.shape[1:])
    block = max(1, _VALUES // size)
    parts = [
        statistic(images[i : i + block].reshape(-1, size).astype(np.float64))
        for i in range(0, len(images), block)
    ]
    return np.concatenate([*parts, np.empty(0)]) / scale


def _check(val_normals, val, test, test_label, untrained) -> None:
    if not len(val_normals):
        raise DataError("trivial rows: no validation normals; raise data.validation")
    for name, images, given in [
        ("labels of the test", test, test_label),
        ("untrained validation scores", val, untrained[0]),
        ("untrained test scores", test, untrained[1]),
    ]:
        if len(images) != len(given):
            raise DataError(
                f"trivial rows: {len(given)} {name} for {len(images)} images; "
                "give one for each"
            )
