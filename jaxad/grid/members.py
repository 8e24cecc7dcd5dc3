"""Members of a grid, lanes that train several of them at once, groups of one shape.

A lane is one training. Members that differ in their epochs alone share a lane, and are
measured on the way to the largest. A group holds the lanes that one compiled program
can run: what differs between them are traced numbers, random seeds and rows of data.
"""

import dataclasses
import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from jaxad.config import Baselines, Config, Data, blank, set_values, stages, traced
from jaxad.config.grid import Axis, Draw, Grid
from jaxad.config.names import leaves
from jaxad.errors import ConfigError


class Member(NamedTuple):
    """One config of the grid; `number` is its place.

    setting: its place among the settings; members that differ in seed and fold alone
        share it. values: column name -> value of the setting.
    """

    number: int
    setting: int
    values: dict[str, Any]
    config: Config


class Lane(NamedTuple):
    """One training of a last stage.

    config: of that stage, with the largest epochs of its members (ascending). before:
        of the stage before it; None where there is none.
    """

    config: Config
    members: tuple[Member, ...]
    before: Config | None = None


class Group(NamedTuple):
    """Lanes of one shape. config: static, as from `blank`; what no program reads is
    the default there. epochs: the largest."""

    config: Config
    lanes: tuple[Lane, ...]
    epochs: int


def expand(config: Config, grid: Grid) -> list[Member]:
    """All members: axes (the last one fastest), samples, seeds, folds.

    Raises ConfigError for an unknown field or a value it cannot take.
    """
    members: list[Member] = []
    columns = [column(axis) for axis in grid.axes]
    for at, (chosen, shown) in enumerate(_settings(grid, columns, config)):
        setting = _set(config, chosen)
        found = dict(leaves(setting))
        values = {k: v if k in columns else found.get(k, v) for k, v in shown.items()}
        for more in _repeats(setting, grid):
            one = _set(setting, more) if more else setting
            members.append(Member(len(members), at, values, one))
    return members


def _settings(
    grid: Grid, columns: Sequence[str | None], config: Config
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """What each setting changes, and what tables show of it."""
    rows = [range(len(axis.values)) for axis in grid.axes]
    for index in itertools.product(*rows):
        chosen: dict[str, Any] = {}
        shown: dict[str, Any] = {}
        for axis, column, row in zip(grid.axes, columns, index, strict=True):
            values = dict(zip(axis.names, axis.values[row], strict=True))
            chosen |= values
            shown |= values if column is None else {column: axis.labels[row]}
        for point in _points(grid, config):
            yield chosen | point, shown | point


def column(axis: Axis) -> str | None:
    """The one column of an axis with labels; None where each field has its own."""
    if not axis.labels:
        return None
    if axis.title is not None:
        return axis.title
    parts = [name.split(".") for name in axis.names]
    same = itertools.takewhile(lambda x: len(set(x)) == 1, zip(*parts, strict=False))
    return ".".join(x[0] for x in same) or " + ".join(axis.names)


def _points(grid: Grid, config: Config) -> list[dict[str, Any]]:
    """The samples of the draws, the same for every row of the axes."""
    if not grid.draws:
        return [{}]
    rng = np.random.default_rng(config.seed)
    columns = {draw.name: _sample(draw, grid, config, rng) for draw in grid.draws}
    return [
        {name: column[i] for name, column in columns.items()}
        for i in range(grid.samples)
    ]


def _sample(draw: Draw, grid: Grid, config: Config, rng) -> list[Any]:
    low, high = (math.log(x) if draw.log else x for x in (draw.low, draw.high))
    values = rng.uniform(low, high, grid.samples)
    points = (np.exp(values) if draw.log else values).tolist()
    whole = [round(x) for x in points]
    fits = [_takes(config, draw.name, found[0]) for found in (points, whole)]
    return whole if fits == [False, True] else points


def _takes(config: Config, name: str, value: Any) -> bool:
    try:
        set_values(config, {name: value})
    except ConfigError:
        return False
    return True


def _repeats(config: Config, grid: Grid) -> Iterator[dict[str, Any]]:
    folds = range(grid.folds) if grid.folds else [None]
    for seed, fold in itertools.product(range(grid.seeds), folds):
        changes: dict[str, Any] = {}
        if grid.seeds > 1:
            changes["seed"] = config.seed + seed
        if fold is not None:
            changes |= {"data.folds": grid.folds, "data.fold": fold}
        yield changes


def _set(config: Config, values: dict[str, Any]) -> Config:
    try:
        return set_values(config, values)
    except ConfigError as error:
        raise ConfigError(f"grid: {error}") from None


def lanes(members: Sequence[Member]) -> list[Lane]:
    """Members that differ in their epochs alone share one training.

    So it is with a constant rate: until then, the longer run is the shorter one.
    """
    found: dict[Any, list[Member]] = {}
    for member in members:
        config, before = stages.last(member.config), stages.before(member.config)
        same = _epochs(config, 1) if _constant(config) else config
        found.setdefault((same, before), []).append(member)
    result = []
    for (_, before), shared in found.items():
        ordered = sorted(shared, key=epochs_of)
        config = stages.last(ordered[-1].config)
        result.append(Lane(config, tuple(ordered), before))
    return result


def epochs_of(member: Member) -> int:
    """Of a member's last stage."""
    return stages.last(member.config).train.epochs


def before(members: Sequence[Member]) -> list[Member]:
    """The stages before the last ones, each once, as members of a grid of their own."""
    configs = dict.fromkeys(stages.before(member.config) for member in members)
    found = [config for config in configs if config is not None]
    return [Member(i, i, {}, config) for i, config in enumerate(found)]


def groups(lanes: Sequence[Lane], shapes: Sequence[Any]) -> list[Group]:
    """Lanes that one compiled program can run.

    shapes: what else must be the same for each lane (the shape of its images).
    """
    found: dict[Any, list[Lane]] = {}
    for lane, shape in zip(lanes, shapes, strict=True):
        epochs = 1 if _constant(lane.config) else lane.config.train.epochs
        static = _static(_epochs(lane.config, epochs))
        key = (static, frozenset(traced(lane.config)), shape)
        found.setdefault(key, []).append(lane)
    result = []
    for members in found.values():
        epochs = max(lane.config.train.epochs for lane in members)
        static = _static(_epochs(members[0].config, epochs))
        result.append(Group(static, tuple(members), epochs))
    return result


def _constant(config: Config) -> bool:
    return config.optim.schedule == "constant" and config.optim.warmup == 0


def _static(config: Config) -> Config:
    """The static config without what no program reads."""
    train = dataclasses.replace(
        config.train, init_from=None, segment_seconds=1.0, checkpoint_seconds=1.0
    )
    return blank(
        dataclasses.replace(
            config,
            data=Data(augment=config.data.augment),
            baselines=Baselines(),
            train=train,
            seed=0,
            name=None,
        )
    )


def _epochs(config: Config, epochs: int) -> Config:
    return dataclasses.replace(
        config, train=dataclasses.replace(config.train, epochs=epochs)
    )
