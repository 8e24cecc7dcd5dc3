"""Protocols whose anomalies are classes of the same data set."""

from collections.abc import Iterable

import numpy as np

from jaxad.config.data import Data
from jaxad.config.protocols import LeaveOut, OneClass
from jaxad.data.arrays import Examples, Source
from jaxad.data.protocols.normals import (
    Rows,
    anomalies,
    held_out,
    normal_rows,
    normals,
    shuffled,
    split_key,
    with_anomalies,
)
from jaxad.data.splits import Splits, cut
from jaxad.errors import DataError
from jaxad.streams import stream


def split_leave_out(
    source: Source, data: Data, protocol: LeaveOut, seed: int
) -> Splits:
    """Some classes are anomalous in validation, some in the test, the rest is normal.

    Raises DataError where a class does not exist or has no images, where no class is
    left to be normal, and where more images are asked for than there are.
    """
    _check_classes(source, (*protocol.tune, *protocol.test))
    held = held_out(source)
    where = "these data" if source.test is None else "the test split"
    for number in (*protocol.tune, *protocol.test):
        if not np.any(held.label == number):
            raise DataError(
                f"data.protocol: class {source.class_name(number)} has no images in "
                f"{where}, which anomalies come from; {_classes_of(source, [held])}"
            )
    rows = _left_rows(source, data, protocol, seed)
    val_from, test_from = source.train, held
    if protocol.swap_normals:
        val_from, test_from = held, source.train
    val, test = (
        with_anomalies(
            normals(examples, own, data),
            anomalies(
                held, np.flatnonzero(np.isin(held.label, out)), data, source.class_name
            ),
        )
        for examples, own, out in (
            (val_from, rows.val, protocol.tune),
            (test_from, rows.test, protocol.test),
        )
    )
    return Splits(normals(source.train, rows.train, data), val, test)


def _left_rows(source: Source, data: Data, protocol: LeaveOut, seed: int) -> Rows:
    """Rows of normals in the layout that `protocol` asks for."""
    out = (*protocol.tune, *protocol.test)

    def is_normal(label: np.ndarray) -> np.ndarray:
        return ~np.isin(label, out)

    key = split_key(seed)
    left = [is_normal(part.label).any() for part in (source.train, held_out(source))]
    if not all(left):
        raise DataError(
            f"data.protocol: tune and test leave no normal class; {_classes_of(source)}"
        )
    if not protocol.swap_normals:
        rows = normal_rows(source, data, seed, is_normal)
        test = _some(stream(key, "test_images"), rows.test, protocol, "test_images")
    elif source.test is None:
        raise DataError(
            "data.protocol.swap_normals: these data have no test split to validate "
            "on; leave it out"
        )
    else:
        rows = _swapped(source, source.test, data, protocol, seed, is_normal)
        test = rows.test
    train = _some(stream(key, "train_images"), rows.train, protocol, "train_images")
    return rows._replace(train=train, test=test)


def _swapped(source, test, data, protocol, seed, is_normal) -> Rows:
    rows = np.flatnonzero(is_normal(source.train.label))
    rows = shuffled(stream(split_key(seed), "normal"), rows)
    count = protocol.test_images
    if count is None:
        train_rows, test_rows = cut(rows, data.test, "testing")
    elif count >= len(rows):
        raise DataError(
            f"data.protocol.test_images: {count} of {len(rows)} normal images of the "
            "training split leave none to train on"
        )
    else:
        train_rows, test_rows = np.sort(rows[count:]), np.sort(rows[:count])
    return Rows(train_rows, np.flatnonzero(is_normal(test.label)), test_rows)


def _some(key, rows: np.ndarray, protocol: LeaveOut, field: str) -> np.ndarray:
    """As many rows as a field of the protocol says, drawn by the key; none: all."""
    count = getattr(protocol, field)
    if count is None:
        return rows
    if count > len(rows):
        raise DataError(
            f"data.protocol.{field}: {count} is more than the {len(rows)} normal "
            "images that are there for it"
        )
    return np.sort(shuffled(key, rows)[:count])


def split_one_class(
    source: Source, data: Data, protocol: OneClass, seed: int
) -> Splits:
    """One class is normal, and all others are anomalous.

    Rows of training and validation are of the source's training split, those of the
    test of its test split, if it has one: splits of several classes share the images
    of one source. Raises DataError as `split_leave_out` does.
    """
    normal, held = protocol.normal, held_out(source)
    _check_classes(source, (normal,))
    for name, part in (("training", source.train), ("test", held)):
        if not np.any(part.label == normal):
            raise DataError(
                f"data.protocol.normal: class {source.class_name(normal)} has no "
                f"images in the {name} split; {_classes_of(source, [part])}"
            )
        if np.all(part.label == normal):
            raise DataError(
                f"data.protocol: {source.class_name(normal)} is the only class of the "
                f"{name} split, nothing is anomalous; {_classes_of(source)}"
            )
    rows = normal_rows(source, data, seed, lambda label: label == normal)
    others = np.flatnonzero(source.train.label != normal)
    most = len(others) - (source.test is None)
    if protocol.tune > most:
        raise DataError(
            f"data.protocol.tune: {protocol.tune} is more than the {most} anomalous "
            f"images that can be spared for it; {_classes_of(source)}"
        )
    others = shuffled(stream(split_key(seed), "anomalous"), others)
    tune, rest = others[: protocol.tune], others[protocol.tune :]
    if source.test is not None:
        rest = np.flatnonzero(held.label != normal)
    val, test = (
        with_anomalies(
            normals(examples, own, data),
            anomalies(examples, strange, data, source.class_name),
        )
        for examples, own, strange in (
            (source.train, rows.val, tune),
            (held, rows.test, rest),
        )
    )
    return Splits(normals(source.train, rows.train, data), val, test)


def _check_classes(source: Source, numbers: Iterable[int]) -> None:
    there = _present(source, _parts(source))
    for number in numbers:
        if number not in there and number >= len(source.classes):
            raise DataError(
                f"data.protocol: these data have no class {number}; "
                f"{_classes_of(source)}"
            )


def _parts(source: Source) -> list[Examples]:
    return [part for part in (source.train, source.test) if part is not None]


def _present(source: Source, parts: list[Examples]) -> list[int]:
    return sorted({int(number) for part in parts for number in np.unique(part.label)})


def _classes_of(source: Source, parts: list[Examples] | None = None) -> str:
    there = _present(source, _parts(source) if parts is None else parts)
    names = (
        f"{number} ({source.classes[number]})"
        if number < len(source.classes)
        else str(number)
        for number in there
    )
    return f"there are: {', '.join(names)}"
