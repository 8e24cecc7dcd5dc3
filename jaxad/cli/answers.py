"""What a verb says when it is done: text for a reader, or one JSON document.

With `--json` stdout holds that document and nothing else, also after an error; with
`--quiet` stdout stays empty, and stderr tells errors alone.
"""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from jaxad.errors import JaxadError


class Answer(NamedTuple):
    """Both forms are made only where they are wanted.

    error: what went wrong after all, told like an error that is raised; None: nothing.
    """

    text: Callable[[], str]
    value: Callable[[], dict[str, Any]]
    error: JaxadError | None = None


def document(value: dict[str, Any]) -> str:
    """`value` as JSON; NaN and infinities become null."""
    from jaxad.folder import plain

    return json.dumps(plain(value), indent=2, allow_nan=False, ensure_ascii=False)


def failure(kind: str, message: str, code: int) -> dict[str, Any]:
    """What JSON says of an error. kind: the name of its class."""
    return {"error": {"kind": kind, "message": message, "exit_code": code}}
