"""What the protocols share: which normals are for training, validation and test."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np

from jaxad.config.data import Data
from jaxad.data.arrays import Examples, Source
from jaxad.data.images import resize, to_float
from jaxad.data.splits import GOOD, Split, cut, join, one_fold
from jaxad.streams import stream

Labels = np.ndarray


class Rows(NamedTuple):
    """Rows of normal images, sorted, in the split of the source they come from."""

    train: np.ndarray
    val: np.ndarray
    test: np.ndarray


def split_key(seed: int) -> jax.Array:
    """The key of everything that is drawn to make splits."""
    return stream(jax.random.key(seed), "split")


def held_out(source: Source) -> Examples:
    """Where test images come from: the test split, or all images."""
    return source.train if source.test is None else source.test


def normal_rows(
    source: Source, data: Data, seed: int, is_normal: Callable[[Labels], np.ndarray]
) -> Rows:
    """Normals of the training split for training and validation, others for the test.

    They are shuffled, and validation is the share `data.validation` of them or one of
    `data.folds`. Without a test split the share `data.test` is cut off before.

    is_normal: labels (N,) -> (N,) bool. Raises DataError for too few images.
    """
    key = split_key(seed)
    rows = np.flatnonzero(is_normal(source.train.label))
    rows = shuffled(stream(key, "normal"), rows)
    if source.test is None:
        rows, test = cut(rows, data.test, "testing")
        rows = shuffled(stream(key, "train"), rows)
    else:
        test = np.flatnonzero(is_normal(source.test.label))
    if data.folds is None:
        train, val = cut(rows, data.validation, "validation")
    else:
        train, val = one_fold(rows, data.folds, data.fold)
    return Rows(train, val, test)


def everything(label: Labels) -> np.ndarray:
    """Takes every image for normal."""
    return np.ones(len(label), bool)


def shuffled(key: jax.Array, rows: np.ndarray) -> np.ndarray:
    """Rows in an order that depends on the key and on how many they are."""
    return rows[np.argsort(np.asarray(jax.random.bits(key, rows.shape)), stable=True)]


def normals(examples: Examples, rows: np.ndarray, data: Data) -> Split:
    """The first `data.limit` of some rows, resized to `data.size`, as normal images."""
    rows = rows[: data.limit]
    image = examples.image[rows]
    if data.size is not None:
        image = resize(image, data.size, data.fit)
    return Split(
        image,
        np.zeros(len(rows), np.int32),
        examples.id[rows],
        np.full(len(rows), GOOD),
        rows.astype(np.int32),
    )


def anomalies(
    examples: Examples,
    rows: np.ndarray,
    data: Data,
    name: Callable[[int], str],
    prefix: str = "",
) -> Split:
    """Some rows as anomalous images, cut and resized as `normals` does.

    name: of a class, what `defect` says. prefix: put before every id.
    """
    part = normals(examples, np.sort(rows), data)
    label = examples.label[part.row]
    classes, which = np.unique(label, return_inverse=True)
    names = np.array([name(int(number)) for number in classes], str)
    return part._replace(
        label=np.ones(len(label), np.int32),
        id=np.array([f"{prefix}{name}" for name in part.id], str),
        defect=names[which],
    )


def with_anomalies(clean: Split, others: Split) -> Split:
    """Normal images and then anomalous ones; bytes become floats beside floats."""
    if clean.image.dtype != others.image.dtype:
        images = (np.asarray(to_float(part.image)) for part in (clean, others))
        clean, others = (
            part._replace(image=image)
            for part, image in zip((clean, others), images, strict=True)
        )
    return join(clean, others)
