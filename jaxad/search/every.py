"""Every setting on held-out data, for curves over an axis.

Nothing is chosen here. Whoever picks the best of these rows chooses on the test.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from jaxad.grid import choose, held_out, rank
from jaxad.grid.members import Member
from jaxad.search.context import Context


def every(
    at: Context, table: rank.Table, board: rank.Table, found: Mapping[int, Any]
) -> rank.Table:
    """A row for each setting that has a rank, in the order of the grid, by each of its
    scores.

    found: what was measured, by member. Columns: of the settings, `score`, then those
    of `held_out.summary`.
    """
    numbers = rank.good(table)
    good = [member for member in at.members if member.number in numbers]
    rows = []
    for row in sorted(rank.rows(board), key=lambda row: row["setting"]):
        members = [m for m in good if m.setting == row["setting"]]
        if row["rank"] is None:
            continue
        own = {name: row[name] for name in ("setting", *at.shown)}
        for score in members[0].config.score.names:
            measured = _measured(at, members, found, score)
            rows.append(own | {"score": score} | measured)
    return {name: [row[name] for row in rows] for name in rows[0]}


def _measured(
    at: Context, members: Sequence[Member], found: Mapping[int, Any], score: str
) -> dict[str, Any]:
    rules, seed = members[0].config.threshold.rules, at.config.seed
    cases = [choose.case(m, found[m.number], at.images, score) for m in members]
    row = held_out.measure(score, cases, rules, seed)
    measured = held_out.summary(row)
    return {
        k: v
        for k, v in measured.items()
        if k != "row" and not k.startswith("best_minus")
    }
