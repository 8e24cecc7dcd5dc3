"""Tables and settings as the plain values that a page shows."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jaxad.report.blocks import Block

_MANY = 24


def table(block: Block) -> dict[str, Any]:
    """A table of words."""
    return {"title": block.title, "header": block.header, "rows": block.rows}


def column(name: str, cells: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """A column of a table that can be sorted: cells of words, and of values to sort by
    (numbers, text or None, which comes last)."""
    values = [finite(value) for _, value in cells]
    number = all(isinstance(x, int | float) for x in values if x is not None)
    known = any(value is not None for value in values)
    words = [text for text, _ in cells]
    return {"name": name, "number": number and known, "words": words, "values": values}


def finite(value: Any) -> Any:
    """Numbers that JSON cannot hold become None."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def numbers(values: Iterable[float]) -> list[float | None]:
    """A column of numbers, None where one is not finite."""
    return [finite(float(value)) for value in values]


def settings(value: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Groups of settings: dicts with `name` and `rows` of a name and words each; what
    stands in no group comes first, in one without a name."""
    groups: dict[str, list[list[str]]] = {"": []}
    for name, part in value.items():
        if isinstance(part, Mapping) and part:
            groups[str(name)] = list(_rows(part, ""))
        else:
            groups[""].append([str(name), _words(part)])
    return [{"name": name, "rows": rows} for name, rows in groups.items() if rows]


def _rows(part: Mapping[str, Any], before: str):
    for name, value in part.items():
        if isinstance(value, Mapping) and value:
            yield from _rows(value, f"{before}{name}.")
        else:
            yield [f"{before}{name}", _words(value)]


def _words(value: Any) -> str:
    if isinstance(value, list):
        shown = ", ".join(_words(one) for one in value[:_MANY])
        more = len(value) - _MANY
        return f"{shown}, and {more} more" if more > 0 else shown or "none"
    if isinstance(value, Mapping):
        pairs = (f"{name} {_words(one)}" for name, one in value.items())
        return "; ".join(pairs) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    return "none" if value is None else str(value)
