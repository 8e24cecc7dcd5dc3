"""The numbers of a config that a compiled program takes as arguments.

`traced` reads them out by name, `blank` leaves a hole in their place. The blank config
is what a program is compiled for, so that none of them can be read past the grid.
"""

import copy
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, NoReturn, TypeVar, get_type_hints

from jaxad.config.fields import Traced

Spec = TypeVar("Spec")


def _refuse(*_: object) -> NoReturn:
    raise TypeError(
        "this number of the config is traced: read it from hparams, not from the config"
    )


class Blank:
    """The hole that a traced number leaves in a static config."""

    def __repr__(self) -> str:
        return "BLANK"

    def __reduce__(self) -> str:
        return "BLANK"

    def __hash__(self) -> int:
        return hash(Blank)

    def __eq__(self, other: object) -> bool:
        # `level == 0.0` would be quietly false and compile the wrong branch.
        if isinstance(other, int | float):
            _refuse()
        return self is other

    __bool__ = __int__ = __float__ = __index__ = __complex__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _refuse
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = _refuse
    __mod__ = __rmod__ = __pow__ = __rpow__ = __neg__ = __pos__ = __abs__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = __array__ = _refuse


BLANK = Blank()


def traced(config: Any) -> dict[str, float]:
    """Values of the traced numbers by dotted name, without those that are off."""
    return {
        name: float(value)
        for name, mark, value in _leaves(config, "")
        if mark.off is None or value != mark.off
    }


def blank(config: Spec) -> Spec:
    """A copy in which `BLANK` stands for every traced number; hashable, so static."""
    own = marks(type(config))
    new = copy.copy(config)
    for field in fields(config):  # type: ignore[arg-type]
        value = getattr(config, field.name)
        hole = BLANK if field.name in own else _blank_value(value)
        # Past the validation, which would ask for a number.
        object.__setattr__(new, field.name, hole)
    return new


def marks(cls: Any) -> dict[str, Traced]:
    """The marks of a spec's own traced fields, by field name."""
    hints = get_type_hints(cls, include_extras=True)
    found = {}
    for field in fields(cls):
        metadata = getattr(hints[field.name], "__metadata__", ())
        for mark in metadata:
            if isinstance(mark, Traced):
                found[field.name] = mark
    return found


def _leaves(spec: Any, prefix: str) -> Iterator[tuple[str, Traced, float]]:
    own = marks(type(spec))
    for name, value in ((f.name, getattr(spec, f.name)) for f in fields(spec)):
        if name in own:
            yield prefix + name, own[name], value
        elif is_dataclass(value):
            yield from _leaves(value, f"{prefix}{name}.")
        elif isinstance(value, tuple):
            for index, item in enumerate(value):
                if is_dataclass(item):
                    yield from _leaves(item, f"{prefix}{name}.{index}.")


def _blank_value(value: Any) -> Any:
    if is_dataclass(value):
        return blank(value)
    if isinstance(value, tuple):
        return tuple(_blank_value(item) for item in value)
    return value
