"""Results of all members; with halving, fewer of them from rung to rung."""

import math
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import numpy as np

from jaxad.grid import rank
from jaxad.grid.members import Member, epochs_of
from jaxad.search.context import Context


class Finished(NamedTuple):
    """epochs: member number -> epochs it was trained for. alive: numbers of those that
    were not culled."""

    epochs: dict[int, int]
    alive: set[int]


def train(at: Context) -> Finished:
    """Train all members, or at each rung those that are left.

    Each rung trains anew from the start: nothing but results need be kept, and the
    last rung is what a sweep without culling would give.
    """
    alive, epochs = list(at.members), {}
    for rung in rungs(at):
        for member in alive:
            epochs[member.number] = min(rung, full(member))
        at.work.after = lambda: _tell(at, epochs)
        at.work.run(alive, lambda member: epochs[member.number])
        if any(rung < full(member) for member in alive):
            alive = _survivors(at, alive, epochs)
    return Finished(epochs, {member.number for member in alive})


def full(member: Member) -> int:
    return epochs_of(member)


def rungs(at: Context) -> list[int]:
    """Epochs after which members are compared; the last rung is the end."""
    last = max(map(full, at.members))
    factor, found = at.grid.halve, [last]
    if factor is None:
        return found
    least = min(at.grid.halve_from or max(1, last // factor**2), last)
    while found[0] > least:
        found.insert(0, max(least, found[0] // factor))
    return found


def table(at: Context, epochs: dict[int, int], numbers: Collection[int]) -> rank.Table:
    """The members' table after so many epochs each."""
    return rank.table(at.members, found(at, epochs, numbers), at.score)


def found(
    at: Context, epochs: dict[int, int], numbers: Collection[int]
) -> dict[int, Any]:
    """What was measured, by member."""
    results = at.work.results
    keys = {number: (number, epochs[number]) for number in numbers}
    return {number: results[key] for number, key in keys.items() if key in results}


def history(at: Context, epochs: Mapping[int, int]) -> dict[str, list[Any]]:
    """Column -> a row for each epoch of each member."""
    columns: dict[str, list[Any]] = {}
    for number, found in sorted(at.work.history.items()):
        # Beside lanes of more epochs, a lane trains on after its own.
        done = int(np.sum(~np.isnan(found["train_loss"][: epochs[number]])))
        columns.setdefault("member", []).extend([number] * done)
        columns.setdefault("epoch", []).extend(range(1, done + 1))
        for name, values in found.items():
            columns.setdefault(name, []).extend(values[:done].tolist())
    return columns


def _survivors(
    at: Context, alive: list[Member], epochs: dict[int, int]
) -> list[Member]:
    columns = table(at, epochs, [member.number for member in alive])
    board = rank.rows(rank.leaderboard(columns, at.grid.rank, at.shown))
    each = at.grid.each
    kinds: dict[Any, list[dict[str, Any]]] = {}
    for row in board:  # the best of every value of `each` go on
        kinds.setdefault(row[each] if each else None, []).append(row)
    settings = set()
    for rows in kinds.values():
        keep = rows[: math.ceil(len(rows) / (at.grid.halve or 1))]
        settings |= {row["setting"] for row in keep if row["rank"] is not None}
    left = [member for member in alive if member.setting in settings]
    at.work.say(f"{len(settings)} of {len(board)} settings go on")
    return left


def _tell(at: Context, epochs: dict[int, int]) -> None:
    """Remember the best so far for the progress line."""
    at.best_yet = best_yet(at, epochs)


def best_yet(at: Context, epochs: dict[int, int]) -> str:
    """The best member with results, in a few words; empty where there is none."""
    columns = table(at, epochs, list(epochs))
    rows = [
        (rank.quality(at.grid.rank, row), row)
        for row in rank.rows(columns)
        if not math.isnan(rank.quality(at.grid.rank, row))
    ]
    if not rows:
        return ""
    value, row = max(rows, key=lambda pair: pair[0])
    setting = " ".join(f"{name}={_short(row[name])}" for name in at.shown)
    return f"{at.grid.rank} {abs(value):.4f} {setting}".strip()


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
