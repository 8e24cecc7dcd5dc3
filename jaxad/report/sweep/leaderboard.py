"""The best settings with their single members, and what failed."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from jaxad.report.style import (
    ANOMALOUS,
    GREY,
    INK,
    NORMAL,
    axes_style,
    figure,
    heading,
    text,
)
from jaxad.report.sweep.folder import SweepFolder
from jaxad.report.sweep.scales import is_wide

BEST, FAILED = 20, 5


def leaderboard_figure(sweep: SweepFolder, on: Figure | None = None) -> Figure:
    """The criterion of the best settings: means, members as dots, failed ones named."""
    rows = len(_rows(sweep))
    picture = figure(11, 1.7 + 0.29 * max(rows, 3), on)
    shown = min(sweep.ranked, BEST)
    of = f"best {shown} of {len(sweep.leaderboard)} settings"
    of = of if shown else "no setting has a rank"
    heading(picture, f"Leaderboard on validation data: {of}")
    draw_leaderboard(picture.subplots(), sweep)
    return picture


def _rows(sweep: SweepFolder) -> list[int]:
    """Rows of the leaderboard that are drawn: the best, then some that failed."""
    best = list(range(min(sweep.ranked, BEST)))
    return best + list(range(sweep.ranked, len(sweep.leaderboard)))[:FAILED]


def draw_leaderboard(ax: Axes, sweep: SweepFolder) -> None:
    """The best settings on `ax`, best first."""
    rows = _rows(sweep)
    axes_style(ax)
    _values(ax, sweep, rows)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_yticks(range(len(rows)), [_name(sweep, row) for row in rows], fontsize=8.5)
    ax.tick_params(axis="y", length=0)
    left = len(sweep.leaderboard) - sweep.ranked - FAILED
    worse = "; lower is better" if sweep.criterion == "val_loss" else ""
    more = f"\nand {left} more without a rank" if left > 0 else ""
    ax.set_xlabel(f"{text(sweep.on_validation())}{worse}{more}")
    if not sweep.ranked:
        ax.set_xticks([])
        return
    if max(sweep.leaderboard.number["members"]) == 1:
        return
    mean: dict[str, Any] = {
        "marker": "D",
        "markersize": 6,
        "color": INK,
        "linestyle": "none",
    }
    dots: dict[str, Any] = {
        "marker": "o",
        "markersize": 5,
        "color": NORMAL,
        "linestyle": "none",
    }
    ax.legend(
        handles=[
            Line2D([], [], label="mean ± sd", **mean),
            Line2D([], [], label="a member (seed or fold)", alpha=0.6, **dots),
        ],
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=2,
        frameon=False,
        fontsize=8.5,
    )


def _values(ax: Axes, sweep: SweepFolder, rows: list[int]) -> None:
    board, name = sweep.leaderboard, sweep.criterion
    across = ax.get_yaxis_transform()
    every = []
    for place, row in enumerate(rows):
        mean, sd = board.number[name][row], board.number[f"{name}_sd"][row]
        if not np.isfinite(board.number["rank"][row]):
            words = text(board.text["reason"][row] or "failed", 80)
            style: dict[str, Any] = {"va": "center", "color": ANOMALOUS, "fontsize": 9}
            ax.text(0.01, place, words, transform=across, **style)
            continue
        found = sweep.members.number[name][sweep.settings(board.number["setting"][row])]
        every += [*found, mean]
        ax.plot(found, np.full(len(found), place), "o", ms=5, color=NORMAL, alpha=0.6)
        ax.plot([mean], [place], "D", ms=6, color=INK)
        form = ".4f" if name in ("auroc", "average_precision") else ".3g"
        words = format(mean, form)
        words += "" if np.isnan(sd) else f" ± {sd:{form}}"
        ax.text(1.01, place, words, transform=across, va="center", fontsize=8.5)
    if is_wide(np.array(every)):
        ax.set_xscale("log")
    if name == "auroc" and every and min(every) < 0.52:
        ax.axvline(0.5, color=GREY, linewidth=1, linestyle=":")


def _name(sweep: SweepFolder, row: int) -> str:
    board = sweep.leaderboard
    place, failed = board.number["rank"][row], int(board.number["failed"][row])
    words = text(sweep.label(board, row), 70)
    if np.isfinite(place):
        words = f"{int(place)}.  {words}"
        if failed:
            words += f" ({failed} of {int(board.number['members'][row])} failed)"
    if board.text["flag"][row]:
        words += f" ({text(board.text['flag'][row], 24)})"
    return words
