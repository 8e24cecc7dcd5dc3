"""scikit-learn's detectors on pixels, as plain functions of images.

Every detector sees pixels in [0, 1] as float32 rows and gives a float32 score, higher =
more anomalous. Scores are computed in padded blocks of one size, so an image's score
does not depend on the images beside it. `IsolationForest` is random, and so is the PCA
of large images; they take the seed, the others repeat by themselves.
"""

import math
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from jaxad.baselines.recipes import COMPONENTS, LARGEST, RECIPES
from jaxad.config.scoring import Baselines
from jaxad.errors import ConfigError, DataError
from jaxad.progress import counted

Score = Callable[[np.ndarray], np.ndarray]

BLOCK = 1024


class Detector(NamedTuple):
    """A fitted baseline.

    score: (M, H, W, C) uint8, or float32 in [0, 1] -> (M,) float32, higher = more
        anomalous.
    seconds_fit: time of the fit alone, without imports and the conversion of images.
    trained_on: number of images that the fit saw.
    detail: the settings, for tables and logs.
    """

    name: str
    score: Score
    seconds_fit: float
    trained_on: int
    detail: str


def fit(name: str, spec: Baselines, images: np.ndarray, seed: int) -> Detector:
    """Fits the baseline `name` to normal images.

    Args:
      images: (N, H, W, C) uint8, or float32 in [0, 1]; N >= 2, all of them normal.
      seed: random seed, 0 <= seed < 2**32.

    Raises:
      ConfigError: unknown name, or more components than images or pixels.
      DataError: images of another shape or type, or not finite.
    """
    check(name, spec, images.shape)
    recipe = RECIPES[name]
    used = images[: spec.subsample] if recipe.subsampled else images[:]
    rows = _rows(used, f"training images of baseline {name!r}")
    rows = rows.astype(np.float64) if recipe.precise else rows
    unfitted = recipe.prepare(spec, rows.shape, seed)
    start = time.perf_counter()
    fitted = unfitted.fit(rows)
    seconds = time.perf_counter() - start
    return Detector(
        name=name,
        score=_blockwise(lambda block: recipe.score(fitted, block), images.shape[1:]),
        seconds_fit=seconds,
        trained_on=len(rows),
        detail=recipe.detail(fitted),
    )


def check(name: str, spec: Baselines, shape: tuple[int, ...]) -> None:
    """Whether `fit` can work on images of `shape` (N, H, W, C).

    Raises ConfigError or DataError where it cannot, in one line.
    """
    if name not in RECIPES:
        raise ConfigError(
            f"baselines.names: no baseline {name!r}; choose from {', '.join(RECIPES)}"
        )
    count, values = shape[0], math.prod(shape[1:])
    if RECIPES[name].subsampled:
        count = min(count, spec.subsample)
    if count < 2:
        raise DataError(f"baseline {name!r}: {count} training images; give two")
    if name == "pca" and (spec.components or 0) > min(count, values):
        raise ConfigError(
            f"baselines.components = {spec.components} is more than {count} images "
            f"of {values} values allow; set it to {min(count, values)} or less"
        )
    if name == "mahalanobis" and values > LARGEST:
        raise ConfigError(
            f"baselines.names: mahalanobis takes images of {LARGEST} values "
            f"at most, these have {values}; leave it out"
        )


def _rows(images: np.ndarray, what: str) -> np.ndarray:
    """(N, H, W, C) uint8 or float32 -> (N, H*W*C) float32 in [0, 1]."""
    if images.ndim != 4 or images.dtype not in (np.uint8, np.float32):
        raise DataError(
            f"{what}: {images.dtype} of shape {images.shape}; "
            "give (N, H, W, C) as uint8, or float32 in [0, 1]"
        )
    rows = images.reshape(len(images), -1)
    if images.dtype == np.uint8:
        return rows.astype(np.float32) / np.float32(255)
    if not np.isfinite(rows).all():
        raise DataError(f"{what}: not all values are finite; remove or repair them")
    return rows


def _blockwise(score_rows: Score, shape: tuple[int, ...]) -> Score:
    """Scores in blocks of `BLOCK` images, the last one padded with zeros."""

    def score(images: np.ndarray) -> np.ndarray:
        if images.shape[1:] != shape:
            raise DataError(
                f"images to score have shape {images.shape[1:]}, but the baseline "
                f"was fitted on {shape}; resize them"
            )
        scores = np.empty(len(images), np.float32)
        total = len(images)
        for start in counted(range(0, total, BLOCK), "images", total, BLOCK):
            rows = _rows(images[start : start + BLOCK], "images to score")
            block = np.zeros((BLOCK, rows.shape[1]), np.float32)
            block[: len(rows)] = rows
            scores[start : start + len(rows)] = score_rows(block)[: len(rows)]
        return scores

    return score


__all__ = ["COMPONENTS", "RECIPES", "Detector", "check", "fit"]
