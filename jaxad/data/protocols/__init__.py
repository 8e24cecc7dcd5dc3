"""Protocols: what is normal, what is anomalous, and who sees which images.

Every choice is drawn from a named stream of the run's seed, so that the same config
splits alike on every machine. A new protocol is a spec, a file here with its split
function, and a branch of `split` and of `counts`.
"""

from jaxad.config.data import Data
from jaxad.config.protocols import Defects, LeaveOut, OneClass, OtherDataset
from jaxad.data.arrays import Source
from jaxad.data.protocols.classes import split_leave_out, split_one_class
from jaxad.data.protocols.corrupted import (
    corrupted_copies,
    noisy,
    split_corrupted,
)
from jaxad.data.protocols.count import counts, counts_line, left_out_lines
from jaxad.data.protocols.defects import split_defects
from jaxad.data.protocols.labelled import split_labelled
from jaxad.data.protocols.other import split_other_dataset
from jaxad.data.splits import Splits

__all__ = [
    "corrupted_copies",
    "counts",
    "counts_line",
    "left_out_lines",
    "noisy",
    "split",
    "split_corrupted",
    "split_defects",
    "split_labelled",
    "split_leave_out",
    "split_one_class",
    "split_other_dataset",
]


def split(source: Source, data: Data, seed: int) -> Splits:
    """Splits a data set by the protocol of `data`.

    A source with labelled anomalies is split by `split_labelled` where the protocol is
    `corrupted`. Raises DataError, or ConfigError, one line, where that cannot be done.
    """
    protocol = data.protocol
    if isinstance(protocol, LeaveOut):
        return split_leave_out(source, data, protocol, seed)
    if isinstance(protocol, OneClass):
        return split_one_class(source, data, protocol, seed)
    if isinstance(protocol, OtherDataset):
        return split_other_dataset(source, data, protocol, seed)
    if isinstance(protocol, Defects):
        return split_defects(source, data, protocol, seed)
    if source.labelled and data.root is not None:
        return split_defects(source, data, Defects(), seed)
    if source.labelled:
        return split_labelled(source, data, protocol, seed)
    return split_corrupted(source, data, protocol, seed)
