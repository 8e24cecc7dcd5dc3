"""The grid's options as they come from a command line."""

from collections.abc import Mapping, Sequence
from typing import Any

from jaxad.config import Config, set_values
from jaxad.config.grid import Axis, Draw
from jaxad.config.names import leaves
from jaxad.errors import ConfigError


def grid_options(given: Mapping[str, Sequence[str]], config: Config) -> dict[str, Any]:
    """Fields of a `Grid` from words, by field. Raises ConfigError."""
    found: dict[str, Any] = {}
    for field, words in given.items():
        if field == "axes":
            found[field] = tuple(_axis(word, config) for word in words)
        elif field == "draws":
            found[field] = tuple(_draw(word) for word in words)
        elif len(words) > 1:
            raise ConfigError(f"--{field.replace('_', '-')} is given twice")
        else:
            found[field] = words[0]
    return found


def _axis(text: str, config: Config) -> Axis:
    """The axis `NAME=V,V,...`; several numbers in one value are written `256:64`.

    Raises ConfigError when there is no name or no value.
    """
    name, equals, given = text.partition("=")
    name = name.strip().replace("-", "_")
    words = [word.strip() for word in given.split(",")]
    if not equals or not name or "" in words:
        raise ConfigError(f"--grid takes NAME=VALUE,VALUE,... and not {text!r}")
    now = dict(leaves(config)).get(name)
    parts = [w.split(":") if ":" in w or isinstance(now, tuple) else w for w in words]
    values = [_typed(config, name, part) for part in parts]
    try:
        return Axis.of(name, *values)
    except ValueError as error:
        raise ConfigError(f"--grid {text}: {_why(error)}") from None


def _draw(text: str) -> Draw:
    """The draw `NAME=LOW:HIGH` or `NAME=LOW:HIGH:log`. Raises ConfigError."""
    name, _, given = text.partition("=")
    parts = given.split(":")
    try:
        low, high = (float(x) for x in parts[:2])
        if parts[2:] not in ([], ["log"]):
            raise ValueError("the third part can only be log")
        return Draw(
            name=name.strip().replace("-", "_"),
            low=low,
            high=high,
            log=len(parts) == 3,
        )
    except ValueError as error:
        raise ConfigError(
            f"--draw takes NAME=LOW:HIGH or NAME=LOW:HIGH:log, not {text!r} "
            f"({_why(error)})"
        ) from None


def _why(error: ValueError) -> str:
    errors = getattr(error, "errors", None)
    text = errors(include_url=False)[0]["msg"] if errors else str(error)
    return text.removeprefix("Value error, ")


def _typed(config: Config, name: str, value: Any) -> Any:
    """`value` in the type of its field; as it is where it is valid only with others."""
    value = None if value in ("none", "None") else value
    try:
        return dict(leaves(set_values(config, {name: value}))).get(name, value)
    except ConfigError:
        return value
