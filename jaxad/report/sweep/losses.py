"""Validation loss of all members by epoch; of methods without one, training loss."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from jaxad.report.style import (
    ANOMALOUS,
    GREY,
    NORMAL,
    axes_style,
    figure,
    heading,
    text,
)
from jaxad.report.sweep.folder import SweepFolder
from jaxad.report.sweep.scales import is_wide


def losses_figure(sweep: SweepFolder, on: Figure | None = None) -> Figure:
    """The best setting in front; a training that failed ends at a cross.

    Members that differ in their epochs alone are one training, and one line.
    """
    picture = figure(9, 6, on)
    heading(picture, f"{_column(sweep)[1]} by epoch")
    draw_losses(picture.subplots(), sweep)
    return picture


def draw_losses(ax: Axes, sweep: SweepFolder) -> None:
    """The same on `ax`."""
    column, words = _column(sweep)
    axes_style(ax)
    lines = _lines(sweep, column)
    failed = _failed(sweep)
    best = _best(sweep)
    faint = float(np.clip(30 / len(lines), 0.1, 0.45))
    ends = []
    for member, (epoch, loss) in lines.items():
        seen = np.isfinite(loss)
        if member in failed:
            ends += [(epoch[seen][-1], loss[seen][-1])] if seen.any() else []
        elif member in best:
            dots = "o" if len(epoch) == 1 else ""
            ax.plot(epoch, loss, dots + "-", color=NORMAL, linewidth=2.4, zorder=4)
        else:
            dots = "o" if len(epoch) == 1 else ""
            ax.plot(epoch, loss, dots + "-", color=GREY, alpha=faint, linewidth=1)
    top = _limits(ax, [v for m, (_, v) in lines.items() if m not in failed], ends)
    for member in failed & set(lines):
        epoch, loss = lines[member]
        ax.plot(epoch, np.minimum(loss, top), color=ANOMALOUS, alpha=0.5, linewidth=1)
    ax.set_xlabel("epoch")
    ax.set_ylabel(words.lower())
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    early = len(_silent(sweep, failed, lines))
    _legend(ax, sweep, bool(len(lines) > len(best)), len(ends), early)


def _column(sweep: SweepFolder) -> tuple[str, str]:
    """The column of the history to draw, and what it is called."""
    number = sweep.history.number
    if np.isnan(number["val_loss"]).all():
        return "train_loss", "Training loss"
    return "val_loss", "Validation loss"


def _lines(sweep: SweepFolder, column: str) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    number = sweep.history.number
    member = number["member"].astype(int)
    return {
        int(one): (number["epoch"][member == one], number[column][member == one])
        for one in np.unique(member)
    }


def _failed(sweep: SweepFolder) -> set[int]:
    """Numbers of the members that diverged or collapsed (those culled did not)."""
    rows = zip(
        sweep.members.number["member"], sweep.members.text["status"], strict=True
    )
    ends = ("diverged", "collapsed")
    return {int(member) for member, status in rows if status.startswith(ends)}


def _trainings(sweep: SweepFolder) -> dict[int, tuple[str, ...]]:
    """Member -> what its training has of its own: all but the epochs."""
    table = sweep.members
    names = [name for name in sweep.axes if name != "train.epochs"]
    names += [n for n in ("seed", "fold") if n in table.text and n not in names]
    keys = zip(*(table.text[name] for name in names), strict=True)
    return dict(zip(table.number["member"].astype(int).tolist(), keys, strict=True))


def _best(sweep: SweepFolder) -> set[int]:
    """Members of the best setting, and those whose training they share."""
    training = _trainings(sweep)
    rows = sweep.settings(sweep.leaderboard.number["setting"][0])
    best = {training[int(sweep.members.number["member"][row])] for row in rows}
    return {member for member, key in training.items() if key in best}


def _silent(sweep: SweepFolder, failed: set[int], lines: dict) -> set[int]:
    """Failed members whose training has no loss at all."""
    training = _trainings(sweep)
    seen = {training[m] for m, (_, v) in lines.items() if np.isfinite(v).any()}
    return {member for member in failed if training[member] not in seen}


def _limits(ax: Axes, good: list[np.ndarray], ends: list) -> float:
    """The upper limit: of the trainings that did not fail; crosses stand on it."""
    values = np.concatenate([*good, np.array([])])
    values = values[np.isfinite(values)]
    if not len(values):
        values = np.array([loss for _, loss in ends])
    low, high = values.min(), values.max()
    if is_wide(values):
        ax.set_yscale("log")
        low, high = low / 1.1, high * 1.25
    else:
        pad = 0.06 * ((high - low) or abs(high) or 1.0)
        low, high = low - pad, high + pad
    ax.set_ylim(low, high)
    for epoch, loss in ends:
        at = min(max(loss, low), high)
        ax.plot([epoch], [at], "x", color=ANOMALOUS, ms=8, mew=2, clip_on=False)
    return float(high)


def _legend(ax: Axes, sweep: SweepFolder, others: bool, ends: int, early: int) -> None:
    name = text(sweep.label(sweep.leaderboard, 0), 70)
    handles = [Line2D([], [], color=NORMAL, linewidth=2.4, label=f"best: {name}")]
    if others:
        handles.append(Line2D([], [], color=GREY, label="other settings"))
    cross: dict[str, Any] = {
        "color": ANOMALOUS,
        "marker": "x",
        "markersize": 8,
        "mew": 2,
    }
    if ends:
        handles.append(Line2D([], [], label=f"{ends} failed", **cross))
    if early:
        words = f"{early} failed before an epoch ended"
        handles.append(Line2D([], [], label=words, linestyle="none", **cross))
    ax.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(-0.02, -0.1),
        frameon=False,
        fontsize=8.5,
    )
