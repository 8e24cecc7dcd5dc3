"""What the processes of a run tell each other: decisions, errors, digests.

On a single process everything here is immediate. Otherwise each function is a meeting
that all processes have to come to, in the same order.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from jaxad import errors
from jaxad.errors import JaxadError, ProcessError


def count() -> int:
    """Processes of this run."""
    return jax.process_count() if jax.distributed.is_initialized() else 1


def number() -> int:
    """The number of this one, from 0."""
    return 0 if count() == 1 else jax.process_index()


def first() -> bool:
    """Whether this is the process that writes files and talks to the user."""
    return number() == 0


def agree(*values: float) -> np.ndarray:
    """What each process gave, (processes, values) float64."""
    given = np.array(values, np.float64)
    if count() == 1:
        return given[None]
    return _gathered(given.view(np.uint32)).view(np.float64)


def anywhere(flag: bool) -> bool:
    """Whether it is so in any process."""
    return bool(agree(flag).any())


def together() -> None:
    """Wait until all processes are here."""
    agree(0)


def told(function: Callable[[], Any]) -> Any:
    """What `function`, called in the first process alone, gave there; in every process.

    It gives JSON's types. An error of jaxad's that it raises is raised everywhere.
    """
    if count() == 1:
        return function()
    message, error = {}, None
    if first():
        try:
            message = {"value": function()}
        except JaxadError as raised:
            message = {"error": type(raised).__name__, "text": str(raised)}
            error = raised
    message = _broadcast(message)
    if error is not None:
        raise error
    if "error" in message:
        raise getattr(errors, message["error"])(message["text"])
    return message["value"]


def same(digests: Mapping[str, str]) -> None:
    """Check that all processes have the same digests (of hexadecimal digits), by name.

    Raises ProcessError, in every process, that names what differs and where.
    """
    if count() == 1:
        return
    numbers = [
        [int(x[i : i + 8], 16) for i in range(0, 32, 8)] for x in digests.values()
    ]
    every = _gathered(np.array(numbers, np.uint32))
    wrong = (every != every[:1]).any(-1)
    for name, differs in zip(digests, wrong.T, strict=True):
        if differs.any():
            others = ", ".join(map(str, np.flatnonzero(differs)[:8]))
            raise ProcessError(
                f"{name} of process {others} differs from that of process 0; give all "
                f"processes the same {name}"
            )


def _gathered(values: np.ndarray) -> np.ndarray:
    """uint32 arrays of one shape, of all processes, along a new first axis."""
    from jax.experimental import multihost_utils

    return np.asarray(multihost_utils.process_allgather(values))


def _broadcast(message: dict[str, Any]) -> dict[str, Any]:
    """The first process's message, in every process."""
    data = np.frombuffer(json.dumps(message).encode(), np.uint8)
    size = int(agree(len(data))[0, 0])
    padded = np.zeros(size, np.uint32)
    padded[: len(data) if first() else 0] = data if first() else data[:0]
    return json.loads(bytes(_gathered(padded)[0].astype(np.uint8)))
