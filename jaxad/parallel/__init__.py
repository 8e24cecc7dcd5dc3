"""Devices and processes: the only room that knows meshes, shardings and processes.

Everything else is written as if for one device. A run on many passes a `Layout` along:
it lays batches, blocks of images and members of a grid over the devices, and on one
device it does nothing at all.

With several processes all of them run the same code; `agree`, `told` and `same` keep
their decisions one, and the first alone writes files.
"""

from jaxad.parallel.devices import local, over_all
from jaxad.parallel.joining import begin, leave
from jaxad.parallel.layout import ONE, Layout
from jaxad.parallel.processes import (
    agree,
    anywhere,
    count,
    first,
    number,
    same,
    together,
    told,
)

__all__ = [
    "ONE",
    "Layout",
    "agree",
    "anywhere",
    "begin",
    "count",
    "first",
    "leave",
    "local",
    "number",
    "over_all",
    "same",
    "together",
    "told",
]
