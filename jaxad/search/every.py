"""Every setting on held-out data, for curves over an axis.

Nothing is chosen here. Whoever picks the best of these rows chooses on the test.
"""

from collections.abc import Mapping
from typing import Any

from jaxad.grid import choose, held_out, rank
from jaxad.search.context import Context


def every(
    at: Context, table: rank.Table, board: rank.Table, found: Mapping[int, Any]
) -> rank.Table:
    """A row for each setting that has a rank, in the order of the grid.

    found: what was measured, by member. Columns: of the settings, then those of
    `held_out.summary`.
    """
    good = [member for member in at.members if member.number in rank.good(table)]
    rows = []
    for row in sorted(rank.rows(board), key=lambda row: row["setting"]):
        members = [m for m in good if m.setting == row["setting"]]
        if row["rank"] is None:
            continue
        rules, seed = members[0].config.threshold.rules, at.config.seed
        cases = [choose.case(m, found[m.number], at.images, at.score) for m in members]
        name = f"setting {row['setting']}"
        measured = held_out.summary(held_out.measure(name, cases, rules, seed))
        kept = {k: v for k, v in measured.items() if not k.startswith("best_minus")}
        rows.append({name: row[name] for name in ("setting", *at.shown)} | kept)
    return {name: [row[name] for row in rows] for name in rows[0]}
