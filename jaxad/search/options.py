"""The grid's options as they come from a command line."""

from collections.abc import Mapping, Sequence
from typing import Any

from jaxad.config import Config
from jaxad.errors import ConfigError
from jaxad.grid.members import parse_axis, parse_draw


def grid_options(given: Mapping[str, Sequence[str]], config: Config) -> dict[str, Any]:
    """Fields of a `Grid` from words, by field. Raises ConfigError."""
    found: dict[str, Any] = {}
    for field, words in given.items():
        if field == "axes":
            found[field] = tuple(parse_axis(word, config) for word in words)
        elif field == "draws":
            found[field] = tuple(parse_draw(word) for word in words)
        elif len(words) > 1:
            raise ConfigError(f"--{field.replace('_', '-')} is given twice")
        else:
            found[field] = words[0]
    return found
