"""What of a config is not at its default."""

import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from jaxad import folder
from jaxad.config import Config
from jaxad.config.load import to_json
from jaxad.config.names import leaves


def described(config: Config, path: Path) -> dict[str, Any]:
    """config: in JSON's types. values: all of it, by dotted name. changed: what differs
    from its default, with that (None where the default is another variant). folder:
    where the run would be, and whether one is there already."""
    return {
        "config": json.loads(to_json(config)),
        "values": dict(leaves(config)),
        "changed": {
            name: {"value": value, "default": default}
            for name, value, default in changes(config, Config())
        },
        "folder": {"path": str(path.resolve()), "there": _there(path)},
    }


def changes(
    spec: Any, default: Any, prefix: str = ""
) -> Iterator[tuple[str, Any, Any]]:
    """Dotted name, value and default of each field that differs; a variant's fields
    are compared with the variant's own defaults."""
    for field in fields(spec):
        name, value = f"{prefix}{field.name}", getattr(spec, field.name)
        usual = getattr(default, field.name, None)
        if is_dataclass(value):
            yield from _variant(name, value, usual)
        elif isinstance(value, tuple) and any(map(is_dataclass, value)):
            if value != usual:
                yield name, [_kind(one) for one in value], [*map(_kind, usual or ())]
                for index, one in enumerate(value):
                    yield from _inside(f"{name}.{index}", one)
        elif value != usual and field.name != "kind":
            yield name, value, usual


def _variant(name: str, value: Any, usual: Any) -> Iterator[tuple[str, Any, Any]]:
    if type(value) is type(usual):
        yield from changes(value, usual, f"{name}.")
        return
    yield f"{name}.kind", _kind(value), None if usual is None else _kind(usual)
    yield from _inside(name, value)


def _inside(name: str, value: Any) -> Iterator[tuple[str, Any, Any]]:
    """A variant beside its own defaults; beside nothing where a field has none."""
    try:
        usual = type(value)()
    except ValidationError:
        usual = None
    yield from changes(value, usual, f"{name}.")


def _kind(spec: Any) -> str:
    return getattr(spec, "kind", type(spec).__name__.lower())


def _there(path: Path) -> str | None:
    """What is in the folder already; None: nothing that is in the way."""
    for name, what in ((folder.GRID, "a sweep"), (folder.CONFIG, "a run")):
        if (path / name).is_file():
            return what
    full = path.is_dir() and any(f for f in path.iterdir() if f.name[0] != ".")
    return "other files" if full else None
