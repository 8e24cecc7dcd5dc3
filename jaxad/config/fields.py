"""What the fields of a config are made of: strict dataclasses and traced numbers."""

from dataclasses import dataclass as _plain
from typing import Annotated, Any, TypeVar, dataclass_transform

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass as _dataclass

_STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)


Spec = TypeVar("Spec")


@dataclass_transform(frozen_default=True, field_specifiers=(Field,))
def spec(cls: type[Spec]) -> type[Spec]:
    """A frozen, validated dataclass that refuses unknown fields."""
    made: Any = _dataclass(frozen=True, config=_STRICT)(cls)
    return made


@_plain(frozen=True)
class Traced:
    """Marks a number that a compiled program takes as an argument.

    Such a number may differ between the members of a grid without a new compilation.
    Where it equals `off` for a whole run, it is absent and its code is not compiled.
    """

    off: float | None = None


Positive = Annotated[float, Field(gt=0), Traced()]
NonNegative = Annotated[float, Field(ge=0), Traced(off=0.0)]
Probability = Annotated[float, Field(ge=0, lt=1), Traced(off=0.0)]
Decay = Annotated[float, Field(ge=0, lt=1), Traced()]

Size = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, lt=1)]
Rate = Annotated[float, Field(gt=0, lt=1)]
Above = Annotated[float, Field(gt=0)]
