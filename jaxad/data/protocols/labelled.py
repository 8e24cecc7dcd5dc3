"""The protocol of a user's arrays with labels: 0 normal, 1 anomalous."""

import numpy as np

from jaxad.config.data import Data
from jaxad.config.protocols import Corrupted
from jaxad.data.arrays import Source
from jaxad.data.protocols.normals import (
    anomalies,
    normal_rows,
    normals,
    shuffled,
    split_key,
)
from jaxad.data.splits import Splits, join
from jaxad.errors import ConfigError, DataError
from jaxad.streams import stream


def split_labelled(
    source: Source, data: Data, protocol: Corrupted, seed: int
) -> Splits:
    """Normals are split into training, validation and test, anomalies into halves.

    The first half of the shuffled anomalies (the smaller one) is for validation, the
    other one for the test. The protocol's corruption is not used.

    Raises DataError for labels that are classes, and ConfigError where the protocol
    asks for corrupted copies.
    """
    if protocol.contamination or protocol.curve:
        raise ConfigError(
            "data.protocol: contamination and curve make corrupted copies, but these "
            "data have anomalies of their own; leave them out"
        )
    label = source.train.label
    if not np.isin(label, (0, 1)).all():
        raise DataError(
            "labels must be 0 (normal) or 1 (anomalous); labels that are classes need "
            "data.protocol.kind leave_out or one_class"
        )
    rows = normal_rows(source, data, seed, lambda label: label == 0)
    strange = np.flatnonzero(label == 1)
    strange = shuffled(stream(split_key(seed), "anomalous"), strange)
    half = len(strange) // 2
    val, test = (
        join(
            normals(source.train, own, data),
            anomalies(source.train, others, data, lambda _: "anomalous"),
        )
        for own, others in ((rows.val, strange[:half]), (rows.test, strange[half:]))
    )
    return Splits(normals(source.train, rows.train, data), val, test)
