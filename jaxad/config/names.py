"""Dotted names of a config's fields, the variants behind them, and plain reasons."""

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_type_hints

from pydantic import ValidationError

_REASONS = {
    "greater_than": "{value} is not greater than {gt:.10g}",
    "greater_than_equal": "{value} is not at least {ge:.10g}",
    "less_than": "{value} is not less than {lt:.10g}",
    "less_than_equal": "{value} is not at most {le:.10g}",
    "finite_number": "{value} is not a finite number",
    "literal_error": "{value} is not one of {expected}",
    "union_tag_invalid": "{tag} is not one of {expected_tags}",
    "union_tag_not_found": "its kind is not given",
    "too_short": "needs at least {min_length} value(s)",
    "missing": "is not given",
    "unexpected_keyword_argument": "is not a field",
    "no_such_attribute": "is not a field",
    "float_type": "{value} is not a number",
    "float_parsing": "{value} is not a number",
    "int_type": "{value} is not a whole number",
    "int_parsing": "{value} is not a whole number",
    "int_from_float": "{value} is not a whole number",
    "bool_type": "{value} is not True or False",
    "bool_parsing": "{value} is not True or False",
    "string_type": "{value} is not a string",
    "string_too_short": "is empty",
    "string_pattern_mismatch": "{value} is not one word of letters, digits, . _ and -"
    " that begins with a letter or digit",
    "tuple_type": "{value} is not a list of values",
    "dataclass_type": "{value} is not {class_name}(...)",
}


def leaves(spec: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted name and value of every field that is not itself a spec."""
    for field in fields(spec):
        value = getattr(spec, field.name)
        name = prefix + field.name
        if is_dataclass(value):
            yield from leaves(value, f"{name}.")
        elif isinstance(value, tuple) and any(is_dataclass(item) for item in value):
            for index, item in enumerate(value):
                yield from leaves(item, f"{name}.{index}.")
        else:
            yield name, value


def slots(spec: Any, prefix: str = "") -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Where a spec holds variants: dotted name, what is there, the specs by kind.

    A tuple of variants is listed as a whole (`threshold.rules`) and item by item.
    """
    hints = get_type_hints(type(spec), include_extras=True)
    for field in fields(spec):
        value, kinds = getattr(spec, field.name), _by_kind(hints[field.name])
        name = prefix + field.name
        inside = [(name, value)] if is_dataclass(value) else []
        if isinstance(value, tuple):
            inside = [(f"{name}.{i}", v) for i, v in enumerate(value)]
        if kinds and (value is None or isinstance(value, tuple)):
            yield name, value, kinds
        for where, item in inside:
            if kinds:
                yield where, item, kinds
            if is_dataclass(item):
                yield from slots(item, f"{where}.")


def _by_kind(hint: Any) -> dict[Any, Any]:
    found = {kind: cls for cls in _specs(hint) if (kind := _kind(cls)) is not None}
    optional = bool(found) and type(None) in get_args(hint)
    return found | ({"none": type(None)} if optional else {})


def _specs(hint: Any) -> Iterator[Any]:
    if is_dataclass(hint):
        yield hint
    for part in get_args(hint):
        if isinstance(part, type) or get_args(part):
            yield from _specs(part)


def _kind(cls: Any) -> str | None:
    """A variant's kind: the single value that its field `kind` may have."""
    choices = get_args(get_type_hints(cls).get("kind"))
    return choices[0] if len(choices) == 1 else None


def changed(spec: Any) -> dict[str, Any]:
    """The fields of a spec, its kind apart, that differ from the spec's defaults."""
    return {name: value for name, value in _unlike(spec).items() if name != "kind"}


def _unlike(spec: Any) -> dict[str, Any]:
    values = {field.name: getattr(spec, field.name) for field in fields(spec)}
    default = _default(spec)
    if default is None:
        return values
    return {n: v for n, v in values.items() if not _same(v, getattr(default, n))}


def _default(spec: Any) -> Any:
    """The spec's defaults; None where a field has none."""
    try:
        return type(spec)()
    except ValidationError:
        return None


def _same(value: Any, other: Any) -> bool:
    """Whether two values of a field are equal.

    The hole of a traced number is no number, and refuses to be compared with one.
    """
    if type(value) is not type(other):
        return False
    if is_dataclass(value):
        names = (field.name for field in fields(value))
        return all(_same(getattr(value, n), getattr(other, n)) for n in names)
    if isinstance(value, tuple):
        return len(value) == len(other) and all(map(_same, value, other))
    return value == other


def code(spec: Any) -> str:
    """A spec as Python that makes it again: its fields that are not the defaults."""
    if isinstance(spec, tuple):
        inside = ", ".join(map(code, spec))
        return f"({inside},)" if len(spec) == 1 else f"({inside})"
    if not is_dataclass(spec):
        return repr(spec)
    parts = (f"{name}={code(value)}" for name, value in _unlike(spec).items())
    return f"{type(spec).__name__}({', '.join(parts)})"


def unlike(spec: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Dotted name and value, as text, of what differs from the defaults.

    Of a variant, from the variant's own; it is named where another is the default.
    """
    default = _default(spec)
    for name, value in _unlike(spec).items():
        own, before = prefix + name, getattr(default, name, None)
        if not is_dataclass(value):
            yield own, code(value)
            continue
        if type(value) is not type(before):
            yield f"{own}.kind", getattr(value, "kind", type(value).__name__)
        yield from unlike(value, f"{own}.")


def suggestion(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` most likely stands for, or None."""
    names = list(known)
    below = [n for n in names if n.startswith(f"{name}.")]
    same_end = [n for n in names if n.rpartition(".")[2] == name.rpartition(".")[2]]
    close = difflib.get_close_matches(name, names, n=1)
    kinds = [n for n in below if n == f"{name}.kind"]
    return next(iter([*kinds, *below, *close, *same_end]), None)


def reason(error: ValidationError, root: Any = None) -> tuple[str, str]:
    """Dotted name of the first bad field below the spec class `root`, and the reason.

    Without `root`, the name keeps the kinds that pydantic puts after a union's name.
    """
    first = error.errors(include_url=False)[0]
    context = {"value": _show(first["input"]), **first.get("ctx", {})}
    template = _REASONS.get(first["type"])
    text = template.format(**context) if template else first["msg"]
    name = ".".join(_without_kinds(first["loc"], root))
    # A spec's own check; pydantic puts its class before the words.
    text = text.removeprefix("Value error, ")
    return name, " ".join(text.replace("'", "").split())


def _without_kinds(location: Iterable[int | str], root: Any) -> Iterator[str]:
    cls: Any = root
    pending: dict[Any, Any] = {}
    for part in location:
        if part in pending:
            cls, pending = pending[part], {}
            continue
        if isinstance(part, str) and not part.isidentifier():
            continue  # which of several kinds of values: pydantic's own words
        yield str(part)
        if isinstance(part, str):
            hint = get_type_hints(cls, include_extras=True).get(part) if cls else None
            cls, pending = next(_specs(hint), None), _by_kind(hint)


def _show(value: Any) -> str:
    text = value if isinstance(value, str) and value.strip() else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
