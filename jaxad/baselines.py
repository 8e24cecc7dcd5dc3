"""scikit-learn's detectors on pixels, as plain functions of images.

Every detector sees pixels in [0, 1] as float32 rows and gives a float32 score, higher =
more anomalous. Scores are computed in padded blocks of one size, so an image's score
does not depend on the images beside it. `IsolationForest` is random, and so is the PCA
of large images; they take the seed, the others repeat by themselves.
"""

import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from jaxad.config.scoring import Baselines
from jaxad.errors import ConfigError, DataError

Score = Callable[[np.ndarray], np.ndarray]

BLOCK = 1024
TREES = 100
TREE_SAMPLES = 256
NEIGHBORS = 20
NU = 0.01
COVARIANCE_LIMIT = 2048


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


class Recipe(NamedTuple):
    """How a baseline is made.

    prepare: imports the detector, since scikit-learn takes seconds on a cold disk.
        (spec, shape (N, D) of the rows, seed) -> unfitted detector.
    score: (fitted detector, rows (M, D) float32) -> (M,) float.
    detail: the settings, from the unfitted detector.
    subsampled: whether the fit sees `spec.subsample` images at most.
    """

    prepare: Callable[[Baselines, tuple[int, int], int], Any]
    score: Callable[[Any, np.ndarray], np.ndarray]
    detail: Callable[[Any], str]
    subsampled: bool = False


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
    used = images[: spec.subsample] if recipe.subsampled else images
    rows = _rows(used, f"training images of baseline {name!r}")
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
    if name == "pca" and spec.components > min(count, values):
        raise ConfigError(
            f"baselines.components = {spec.components} is more than {count} images "
            f"of {values} values allow; set it to {min(count, values)} or less"
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
        for start in range(0, len(images), BLOCK):
            rows = _rows(images[start : start + BLOCK], "images to score")
            block = np.zeros((BLOCK, rows.shape[1]), np.float32)
            block[: len(rows)] = rows
            scores[start : start + len(rows)] = score_rows(block)[: len(rows)]
        return scores

    return score


def _isolation_forest(spec: Baselines, shape: tuple[int, int], seed: int) -> Any:
    from sklearn.ensemble import IsolationForest

    return IsolationForest(
        n_estimators=TREES,
        max_samples=min(TREE_SAMPLES, shape[0]),
        random_state=seed,
        n_jobs=-1,
    )


def _lof(spec: Baselines, shape: tuple[int, int], seed: int) -> Any:
    from sklearn.neighbors import LocalOutlierFactor

    return LocalOutlierFactor(
        n_neighbors=min(NEIGHBORS, shape[0] - 1),
        algorithm="brute",  # trees do not help in hundreds of dimensions
        novelty=True,
        n_jobs=-1,
    )


def _ocsvm(spec: Baselines, shape: tuple[int, int], seed: int) -> Any:
    from sklearn.svm import OneClassSVM

    return OneClassSVM(kernel="rbf", gamma="scale", nu=NU)


def _pca(spec: Baselines, shape: tuple[int, int], seed: int) -> Any:
    from sklearn.decomposition import PCA

    # The D x D covariance is the fastest way (1.2 s against 4.3 s for 54,000 x 784)
    # until D makes it the largest thing in memory.
    small = shape[1] <= COVARIANCE_LIMIT
    solver = "covariance_eigh" if small else "randomized"
    return PCA(spec.components, svd_solver=solver, random_state=seed)


def _negative(fitted: Any, rows: np.ndarray) -> np.ndarray:
    return -fitted.score_samples(rows)


def _pca_residual(fitted: Any, rows: np.ndarray) -> np.ndarray:
    """Mean squared error of the reconstruction from the principal components."""
    recon = fitted.inverse_transform(fitted.transform(rows))
    return np.square(recon - rows).mean(axis=1)


RECIPES: dict[str, Recipe] = {
    "pca": Recipe(
        _pca,
        _pca_residual,
        lambda m: f"{m.n_components} components, {m.svd_solver}, mean squared residual",
    ),
    "isolation_forest": Recipe(
        _isolation_forest,
        _negative,
        lambda m: f"{m.n_estimators} trees of {m.max_samples} images",
    ),
    "lof": Recipe(
        _lof,
        _negative,
        lambda m: f"{m.n_neighbors} neighbours, Euclidean",
        subsampled=True,
    ),
    "ocsvm": Recipe(
        _ocsvm,
        _negative,
        lambda m: f"RBF kernel, gamma = 1 / (D var), nu = {m.nu}",
        subsampled=True,
    ),
}
