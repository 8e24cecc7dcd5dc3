"""The results of a sweep as one value for programs, and its first look as text."""

from typing import Any

from jaxad.report.blocks import as_text, narrowed
from jaxad.report.summary import PAGE, explained
from jaxad.report.sweep.folder import Columns, SweepFolder
from jaxad.report.sweep.tables import SPARE, held_out_block, leaderboard_block, remarks

HEAD = 10
"""Rows of the leaderboard that are told."""
_ALONE = "of one value alone, or of none"


def sweep_summary(sweep: SweepFolder) -> dict[str, Any]:
    """path, status, what ranks, the values of the best setting, the head of the
    leaderboard, all rows of the held-out table, and the folders of the best runs.

    Where a number is None, `undefined` beside it says why.
    """
    path = sweep.path.resolve()
    board = sweep.leaderboard
    rows = [_row(board, i) for i in range(min(len(board), HEAD))]
    best = {name: rows[0][name] for name in sweep.axes} if sweep.ranked else None
    runs = sorted(file.parent for file in path.glob("best*/metrics.json"))
    page = path / PAGE
    return {
        "path": str(path),
        "status": "finished" if sweep.ranked else "no setting could be ranked",
        "rank": sweep.criterion,
        "score": sweep.score,
        "settings": len(board),
        "members": len(sweep.members),
        "best": best,
        "leaderboard": rows,
        "held_out": [_row(sweep.held_out, i) for i in range(len(sweep.held_out))],
        "runs": [str(run) for run in runs],
        "plots": str(path / "plots"),
        "report": str(page) if page.is_file() else None,
    }


def _row(table: Columns, row: int) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, column in table.text.items():
        number = table.number.get(name)
        if number is None:
            values[name] = _typed(column[row])
        else:
            value = float(number[row])
            values[name] = int(value) if value.is_integer() else value
    reason = values.pop("reason", None) or _ALONE
    return explained(values, {"flag": "nothing to say", "rank": reason}, reason)


def _typed(cell: str) -> Any:
    """A cell of an axis: a number where it is one."""
    for kind in (int, float):
        try:
            return kind(cell)
        except ValueError:
            continue
    return cell or None


def render_first(sweep: SweepFolder, width: int | None = None) -> str:
    """The best few settings, and what they are on held-out data."""
    blocks = []
    if sweep.ranked:
        blocks = [leaderboard_block(sweep, 5), held_out_block(sweep)]
    parts = [as_text(narrowed(block, SPARE, width)) for block in blocks]
    return "\n\n".join([*parts, *remarks(sweep)])
