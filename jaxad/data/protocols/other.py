"""The protocol whose anomalies are another data set."""

import numpy as np

from jaxad.config.data import Data
from jaxad.config.protocols import OtherDataset
from jaxad.data.arrays import Examples, Source
from jaxad.data.protocols.normals import (
    anomalies,
    everything,
    held_out,
    normal_rows,
    normals,
    shuffled,
    split_key,
    with_anomalies,
)
from jaxad.data.splits import Splits
from jaxad.errors import ConfigError, DataError
from jaxad.streams import stream


def split_other_dataset(
    source: Source, data: Data, protocol: OtherDataset, seed: int
) -> Splits:
    """All images of a source are normal, those of its `other` one are anomalous.

    A set of anomalies without a test split gives to the test what validation leaves;
    by default validation then gets half of it at most.

    Raises ConfigError for data with anomalies of their own, DataError where the images
    differ in size or channels, and where more are asked for than there are.
    """
    if source.labelled:
        raise ConfigError(
            f"data.protocol: the anomalies are to be those of {protocol.name}, but "
            "these data have anomalies of their own; leave the labels out"
        )
    if source.other is None:
        raise DataError(
            f"data.protocol: the images of {protocol.name} are not there; get the "
            "source from jaxad.data.load_for"
        )
    other, name = source.other, protocol.name
    own, strange = (_shape(part.train, data) for part in (source, other))
    if own != strange:
        raise DataError(
            f"data.protocol: images of {name} are {strange}, the normal ones {own}; "
            "give both one size by data.size, or take a set with as many channels"
        )
    rows = normal_rows(source, data, seed, everything)
    val = normals(source.train, rows.val, data)
    tune, rest = _others(other, protocol, len(val.id), seed)
    parts = (
        with_anomalies(
            clean,
            anomalies(
                examples,
                chosen,
                data,
                lambda number: f"{name}:{other.class_name(number)}",
                f"{name}:",
            ),
        )
        for clean, examples, chosen in (
            (val, other.train, tune),
            (normals(held_out(source), rows.test, data), held_out(other), rest),
        )
    )
    return Splits(normals(source.train, rows.train, data), *parts)


def _others(other: Source, protocol: OtherDataset, normal: int, seed: int):
    """Rows of anomalies for validation and for the test."""
    order = np.arange(len(other.train.image))
    order = shuffled(stream(split_key(seed), "anomalous"), order)
    most = len(order) if other.test is not None else len(order) - 1
    count = protocol.tune
    if count is None:
        count = min(normal, most if other.test is not None else len(order) // 2)
    if count > most:
        raise DataError(
            f"data.protocol.tune: {count} is more than the {most} images of "
            f"{protocol.name} that can be spared for validation"
        )
    rest = order[count:] if other.test is None else np.arange(len(other.test.image))
    return order[:count], rest


def _shape(examples: Examples, data: Data) -> str:
    height, width, channels = examples.image.shape[1:]
    if data.size is not None:
        height = width = data.size
    return f"{height}x{width}x{channels}"
