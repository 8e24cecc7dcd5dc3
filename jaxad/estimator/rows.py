"""Examples as scikit-learn's users give them, as images in [0, 1]."""

import math
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils.validation import validate_data

MOST = 64
"""Largest magnitude, in units of the range seen in training, that is told apart."""


class Scale(NamedTuple):
    """What brings numbers to [0, 1]: (x - low) / span; low, span: () or (F,) float64.

    None stands for numbers that are in [0, 1] already.
    """

    low: np.ndarray
    span: np.ndarray


BYTES = Scale(np.zeros(()), np.full((), 255.0))
"""Of examples that were fitted as uint8, whatever the type of others."""


def read(
    estimator: Any, X: Any, image_shape: tuple[int, ...] | None, reset: bool
) -> tuple[np.ndarray, tuple[int, ...]]:
    """Checked examples as rows (N, F), uint8 or float64, and their shape (H, W, C).

    image_shape: of rows. reset: note the number and the names of the features on the
    estimator; otherwise compare with them. Raises ValueError as scikit-learn does.
    """
    if isinstance(X, list | tuple) and len(X) and np.ndim(X[0]) in (2, 3):
        X = np.stack([np.asarray(image) for image in X])
    if are_images(X):  # scikit-learn would take the height for the features
        X = np.asarray(X)
        own = X.shape[1:] if X.ndim == 4 else (*X.shape[1:], 1)
        if not reset and own != tuple(estimator.image_shape_):
            raise ValueError(
                f"images of shape {own}, but fitted on {estimator.image_shape_}"
            )
        if not len(X):
            raise ValueError("Found array with 0 sample(s); give at least one image")
        X, image_shape = X.reshape(len(X), -1), _agreed(own, image_shape)
    elif not reset and _is_one(X, estimator):
        raise ValueError(f"one image alone, {X.shape}; give (1, H, W), or a list")
    wanted = np.uint8 if getattr(X, "dtype", None) == np.uint8 else np.float64
    X = validate_data(
        estimator, X, reset=reset, dtype=wanted, ensure_min_samples=2 if reset else 1
    )
    return X, image_form(X.shape[1], image_shape)


def _agreed(own: tuple[int, ...], asked: tuple[int, ...] | None) -> tuple[int, ...]:
    """The shape of images. Raises ValueError where image_shape says another."""
    if asked is not None and image_form(math.prod(own), asked) != own:
        raise ValueError(f"images of shape {own}, but image_shape is {asked}")
    return own


def _is_one(X: Any, estimator: Any) -> bool:
    """Whether it is an image (H, W) of those that were fitted, and no rows."""
    shape: tuple[int, ...] = getattr(X, "shape", ())
    fits = shape == tuple(estimator.image_shape_)[:2]
    return fits and shape[1] != estimator.n_features_in_


def _equal(a: Scale, b: Scale) -> bool:
    return np.array_equal(a.low, b.low) and np.array_equal(a.span, b.span)


def are_images(X: Any) -> bool:
    """Whether examples are images (N, H, W) or (N, H, W, C) and not rows."""
    return len(getattr(X, "shape", ())) in (3, 4)


def image_form(features: int, shape: tuple[int, ...] | None) -> tuple[int, ...]:
    """(H, W, C) of rows of so many features: as given, a grey square, or one line.

    Raises ValueError where `shape` has another number of pixels.
    """
    if shape is None:
        side = math.isqrt(features)
        return (side, side, 1) if side**2 == features else (1, features, 1)
    if not isinstance(shape, list | tuple):
        raise ValueError(f"image_shape {shape!r}: give (H, W) or (H, W, C)")
    shape = tuple(shape) if len(shape) == 3 else (*shape, 1)
    if len(shape) != 3 or math.prod(shape) != features:
        raise ValueError(
            f"image_shape {shape} has {math.prod(shape)} values, X has {features} "
            "features"
        )
    return shape


def scale(given: np.ndarray, whole: bool) -> Scale | None:
    """What brings rows (N, F) to [0, 1]; whole: all features alike."""
    if given.dtype == np.uint8:
        return BYTES
    if given.min() >= 0 and given.max() <= 1:
        return None
    axis = None if whole else 0
    low, high = given.min(axis), given.max(axis)
    # Halved, since the largest floats are farther apart than the largest float.
    span = high / 2 - low / 2
    return Scale(np.asarray(low), np.asarray(np.where(span > 0, span, 0.5) * 2))


def images(given: np.ndarray, shape: tuple[int, ...], by: Scale | None) -> np.ndarray:
    """Rows (N, F) as images (N, H, W, C), uint8 or float32; by: of the examples of fit.

    What lies outside of [0, 1] stays outside, and so is anomalous; so far that its
    square would overflow it is all the same.
    """
    # By value: one that was unpickled is another object.
    if given.dtype != np.uint8 or not (by is None or _equal(by, BYTES)):
        values = np.asarray(given, np.float64)
        if by is not None:
            values = (values - by.low) / by.span
        given = np.clip(values, -MOST, MOST).astype(np.float32)
    return given.reshape(len(given), *shape)
