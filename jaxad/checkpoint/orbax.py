"""Orbax as this package saves with it: a write that fails leaves no other behind.

Imported where it is first needed: it takes seconds on a cold disk. What Orbax logs is
dropped: whatever goes wrong is raised too, and said in one line.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orbax.checkpoint as ocp
from orbax.checkpoint import type_handlers

from jaxad import parallel

logging.getLogger("absl").addFilter(
    lambda record: "orbax" not in Path(record.pathname).parts
)

_TOGETHER = 32
"""Leaves written at a time: each takes a thread and three file descriptors."""


class _Handler(type_handlers.NumpyHandler):
    """Writes each leaf in an event loop of its own, and waits for all of them.

    Orbax writes all leaves in one loop and closes it at the first error. The other
    writes then go on in a folder that is being removed, and each prints a traceback
    of a closed loop when it ends.
    """

    async def serialize(
        self,
        values: Sequence[np.ndarray],
        infos: Sequence[Any],
        args: Sequence[Any] | None = None,
    ) -> Sequence[Any]:
        leaves = list(zip(values, infos, args or [None] * len(values), strict=True))
        for first in range(0, len(leaves), _TOGETHER):
            commits: list[Any] = []
            for value, info, arg in leaves[first : first + _TOGETHER]:
                one = None if arg is None else [arg]
                commits += await super().serialize([value], [info], one)
            errors = [x for x in map(_settled, commits) if x is not None]
            if errors:
                raise errors[0]
        return []


def save(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write arrays to the new folder `path`. Raises whatever goes wrong."""
    registry = type_handlers.create_type_handler_registry((np.ndarray, _Handler()))
    own = {"multiprocessing_options": _alone()}
    handler = ocp.PyTreeCheckpointHandler(type_handler_registry=registry, **own)
    with ocp.Checkpointer(handler, **own) as checkpointer:
        checkpointer.save(path, args=ocp.args.PyTreeSave(arrays))


def restore(path: Path, forms: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Read the arrays that `save` wrote; `forms` gives shapes and dtypes."""
    own = {"multiprocessing_options": _alone()}
    with ocp.Checkpointer(ocp.StandardCheckpointHandler(**own), **own) as checkpointer:
        return dict(checkpointer.restore(path, args=ocp.args.StandardRestore(forms)))


def _alone() -> ocp.options.MultiprocessingOptions:
    """Of the processes of a run, this one saves or reads by itself."""
    number = parallel.number()
    return ocp.options.MultiprocessingOptions(
        primary_host=number,
        active_processes={number},
        barrier_sync_key_prefix=f"process{number}",
    )


def _settled(commit: Any) -> Exception | None:
    """Wait for a write; its error, if it failed."""
    try:
        commit.result()
    except Exception as error:
        return error
    return None
