"""A grid of experiments: which fields of a config vary, and how the members compare."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from jaxad.config.fields import Size, spec

Scalar = bool | int | float | str | None
Value = Scalar | tuple[Scalar, ...]
Execution = Literal["auto", "vmap", "map", "loop"]
Criterion = Literal["auroc", "average_precision", "difference", "val_loss"]


@spec
class Axis:
    """Fields that change together, one row of values after the other.

    Most axes have one field: `Axis.of("optim.lr", 1e-2, 1e-3)`. Values keep the type
    that the field gives them. Raises ValueError for an empty axis or uneven rows.
    """

    names: Annotated[tuple[str, ...], Field(min_length=1)]
    """Dotted names of fields."""
    values: tuple[tuple[Value, ...], ...]
    """Rows of the axis: a value for each name."""
    labels: tuple[str, ...] = ()
    """What tables call the rows; none: the values themselves."""
    title: str | None = None
    """What tables call an axis with labels; none: what its fields have in common."""

    @classmethod
    def of(cls, name: str, *values: Any) -> "Axis":
        """The axis of one field."""
        return cls(names=(name,), values=tuple((value,) for value in values))

    @model_validator(mode="after")
    def _rows_fit(self) -> "Axis":
        name = ",".join(self.names)
        if not self.values:
            raise ValueError(f"axis {name} is empty; give it values")
        if any(len(row) != len(self.names) for row in self.values):
            raise ValueError(f"axis {name} needs {len(self.names)} values in each row")
        if self.labels and len(self.labels) != len(self.values):
            raise ValueError(f"axis {name} has {len(self.labels)} labels for its rows")
        if len(set(self.values)) != len(self.values):
            raise ValueError(f"axis {name} has a value twice")
        return self


@spec
class Draw:
    """A number drawn at random for each sample, uniformly or log-uniformly."""

    name: str
    """Dotted name of a field; whole numbers are drawn where the field takes them."""
    low: float
    high: float
    log: bool = False

    @model_validator(mode="after")
    def _range(self) -> "Draw":
        if not self.low < self.high:
            raise ValueError(
                f"draw {self.name}: {self.low:g} is not below {self.high:g}"
            )
        if self.log and self.low <= 0:
            raise ValueError(f"draw {self.name}: a log-uniform range begins above 0")
        return self


TASKS = ("data.name", "data.root", "data.category", "data.protocol.normal")
"""Fields whose values are tasks of their own."""


@spec
class Grid:
    """The members of a sweep: every row of every axis, every sample, seed and fold."""

    axes: tuple[Axis, ...] = ()
    draws: tuple[Draw, ...] = ()
    samples: Size = 16
    """Points drawn where there are draws; each is crossed with the axes."""
    seeds: Size = 1
    """Random seeds of each setting: the config's and those after it."""
    folds: Annotated[int, Field(ge=2)] | None = None
    """Cross-validation folds of each setting; none: one split."""
    rank: Criterion = "auroc"
    """What the best setting is best at, on validation data: AUROC or average precision
    of `score`, MSE(anomalous) - MSE(normal), or (smallest) validation loss."""
    score: str | None = None
    """The score that ranks and is measured; none: the config's first."""
    each: str | None = None
    """An axis: the best setting for each of its rows is measured too. Where it is an
    axis of the data, the rows are tasks of their own, and there is no best of all; an
    axis of data sets, folders or categories is always one."""
    every: bool = False
    """Measure all settings on held-out data (`every.csv`), for curves over an axis.
    To pick the best of them would be to choose on the test."""
    ensemble: Size = 5
    """How many of the best settings the ensemble joins."""
    execution: Execution = "auto"
    """How members of one shape run: `vmap` all at a time, `map` one after the other in
    one program, `loop` one program each; `auto` tries them for an instant."""
    members: Size | None = None
    """Members in one chunk at most; none: as many as fit in memory."""
    memory_gb: Annotated[float, Field(gt=0)] | None = None
    """Memory that a chunk may take; none: half of what is free (CPU), or 80 %."""
    halve: Annotated[int, Field(ge=2)] | None = None
    """Successive halving: only the best 1 / halve go on to `halve` times the epochs."""
    halve_from: Size | None = None
    """Epochs before the first culling; none: a ninth of all, or less."""

    @model_validator(mode="after")
    def _data_sets_are_tasks(self) -> "Grid":
        names = [axis.names[0] for axis in self.axes if not axis.labels]
        tasks = [name for name in names if name in TASKS]
        if self.each is None and tasks:
            object.__setattr__(self, "each", tasks[0])
        return self

    @model_validator(mode="after")
    def _names_once(self) -> "Grid":
        names = [name for axis in self.axes for name in axis.names]
        names += [draw.name for draw in self.draws]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"{twice} is an axis twice")
        for name, other in (("seed", self.seeds > 1), ("data.fold", self.folds)):
            if other and name in names:
                raise ValueError(f"{name} is an axis and counted as well")
        return self


def linked(
    names: Sequence[str],
    rows: dict[str, Sequence[Any]] | Sequence[Sequence[Any]],
    title: str | None = None,
) -> Axis:
    """An axis of several fields that change together; a dict gives the rows names.

    title: what tables call it.
    """
    labels = tuple(rows) if isinstance(rows, dict) else ()
    values = rows.values() if isinstance(rows, dict) else rows
    return Axis(
        names=tuple(names),
        values=tuple(tuple(row) for row in values),
        labels=labels,
        title=title,
    )
