"""Which settings are measured on held-out data, and as what: the best, ensembles."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from jaxad.data import to_float
from jaxad.evaluate import Labels, Pair
from jaxad.grid import ensemble, rank
from jaxad.grid.held_out import Case
from jaxad.grid.members import Member
from jaxad.grid.prepare import Images


class Best(NamedTuple):
    """The best setting, of all or for one value of an axis, and those behind it.

    name: what tables call it. members: of the best setting, those that did not fail.
    others: of the settings of the ensemble, best first, likewise.
    whole: whether it has ensembles, a run and detectors beside it, or is a row only.
    """

    name: str
    members: list[Member]
    others: list[list[Member]]
    whole: bool


def bests(
    members: Sequence[Member],
    table: rank.Table,
    board: rank.Table,
    each: str | None,
    count: int,
    tasks: bool,
) -> list[Best]:
    """The best setting of all, and for every value of the axis `each` its best.

    tasks: whether `each` is an axis of the data: no choice between detectors but a row
        of tasks, of which there is no best of all.
    """
    good = rank.good(table)
    ranked = [row for row in rank.rows(board) if row["rank"] is not None]

    def best(name: str, rows: list[dict[str, Any]], whole: bool) -> list[Best]:
        settings = [
            [m for m in members if m.setting == row["setting"] and m.number in good]
            for row in rows[:count]
        ]
        return [Best(name, settings[0], settings, whole)] if settings else []

    if each is None:
        return best("best", ranked, True)
    found = [] if tasks else best("best", ranked, True)
    for value in dict.fromkeys(member.values[each] for member in members):
        rows = [row for row in ranked if row[each] == value]
        found += best(f"{each}={value}", rows, tasks)
    return found


def case(member: Member, found: Mapping[str, Any], images: Images, score: str) -> Case:
    """The scores of one member, without the padding of its group."""
    rows = images.rows(member.config)[1]
    val = np.asarray(found["val"][score])[: len(rows.val)]
    test = np.asarray(found["test"][score])[: len(rows.test)]
    return Case(Pair(val, test), Labels(rows.val_label, rows.test_label, rows.group))


def cases(best: Best, results: Mapping[int, Any], images: Images, score: str):
    """Row name -> cases: the best setting, its ensembles where there is more than one.

    An ensemble joins detectors of the same seed and fold, or (`ensemble of seeds`) the
    seeds of the best setting, where they share validation and test images.
    """

    def one(member: Member) -> Case:
        return case(member, results[member.number], images, score)

    rows = {best.name: [one(member) for member in best.members]}
    if not best.whole:
        return rows
    size = len(best.others)
    if size > 1:
        rows[f"{best.name}: ensemble of {size} settings"] = [
            joined([one(m) for m in same])
            for same in zip(*_aligned(best.others), strict=True)
            if _same_images(same, images)
        ]
    if len(best.members) > 1 and _same_images(best.members, images):
        seeds = joined(rows[best.name])
        rows[f"{best.name}: ensemble of {len(best.members)} seeds"] = [seeds]
    return {name: found for name, found in rows.items() if found}


def beside(best: Best, run: Any, images: Images, own: Case) -> dict[str, Case]:
    """What stands beside the best: the baselines of its run, the mean image.

    run: of the best setting's first member, whose case `own` is.
    """
    columns = run.scores
    split = np.asarray(columns["split"])
    found = {}
    for name, entry in run.metrics["image"].items():
        if entry["detector"] == "baseline":
            score = np.asarray(columns[f"score_{name}"], np.float32)
            pair = Pair(score[split == "val"], score[split == "test"])
            found[f"{best.name}: {name}"] = Case(pair, own.labels)
    what, rows = images.rows(best.members[0].config)
    pool = images.pool(what)
    mean = np.asarray(to_float(pool[rows.train])).mean(0)
    parts = (np.asarray(to_float(pool[part])) for part in (rows.val, rows.test))
    errors = [np.square(part - mean).mean((1, 2, 3)) for part in parts]
    found[f"{best.name}: mean image"] = Case(Pair(*errors), own.labels)
    return found


def joined(found: Sequence[Case]) -> Case:
    labels = found[0].labels
    return Case(ensemble.join([one.pair for one in found], labels.val), labels)


def _aligned(settings: Sequence[Sequence[Member]]) -> list[list[Member]]:
    """The members of each setting in one order, without seeds that failed in one."""
    keyed = [{_repeat(m): m for m in members} for members in settings]
    common = [key for key in keyed[0] if all(key in other for other in keyed)]
    return [[one[key] for key in common] for one in keyed]


def _repeat(member: Member) -> tuple[int, int]:
    return member.config.seed, member.config.data.fold


def _same_images(members: Sequence[Member], images: Images) -> bool:
    if len({(m.config.data.name, m.config.data.protocol) for m in members}) > 1:
        return False
    first, *others = (images.rows(member.config)[1] for member in members)
    return all(
        np.array_equal(first.test, o.test) and np.array_equal(first.val, o.val)
        for o in others
    )
