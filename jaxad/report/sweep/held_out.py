"""AUROC on held-out data: the best, its ensembles, and what stands beside them."""

import re
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from jaxad.report.names import title
from jaxad.report.style import (
    GREY,
    INK,
    axes_style,
    curve_style,
    figure,
    heading,
    side_legend,
    text,
)
from jaxad.report.sweep.folder import SweepFolder, value

BEST = "best"


def cells(sweep: SweepFolder) -> dict[str, dict[str, int]]:
    """Value of `each` -> kind of detector -> row of `held_out`.

    Without `each` there is one value, `best`. Kinds: `best`, `ensemble of settings`,
    `ensemble of seeds`, `mean image`, names of baselines.
    """
    each = sweep.each
    names = {BEST: BEST}
    if each is not None:
        values = dict.fromkeys(sweep.leaderboard.text[each])
        names |= {f"{each}={cell or None}": cell for cell in values}
    found: dict[str, dict[str, int]] = {}
    for row, words in enumerate(sweep.held_out.text.get("row", [])):
        own = [n for n in names if words == n or words.startswith(f"{n}: ")]
        name = max(own, key=len, default=words)
        kind = words[len(name) :].removeprefix(": ") or BEST
        kind = re.sub(r"^ensemble of \d+ ", "ensemble of ", kind)
        found.setdefault(names.get(name, name), {})[kind] = row
    return found


def kinds(sweep: SweepFolder) -> list[str]:
    """Kinds of detectors, in the order of the file."""
    return list(dict.fromkeys(k for row in cells(sweep).values() for k in row))


def held_out_figure(sweep: SweepFolder, on: Figure | None = None) -> Figure:
    """AUROC with 95 % intervals over test images; with `each`, a line a value."""
    found = cells(sweep)
    rows = sum(map(len, found.values()))
    height = 0.42 * len(found) + 2.2 if len(found) > 1 else 0.36 * rows + 1.6
    picture = figure(10.5, max(height, 3.2), on)
    heading(picture, f"Held-out test data, measured once: {_what(sweep)}")
    ax = picture.subplots()
    axes_style(ax)
    if len(found) > 1:
        _by_value(picture, ax, sweep, found)
    else:
        _by_row(ax, sweep, next(iter(found.values())))
    low, high = ax.get_xlim()
    ax.set_xlim(max(low, -0.02), min(high, 1.01))
    if ax.get_xlim()[0] < 0.5:
        ax.axvline(0.5, color=GREY, linewidth=1, linestyle=":")
    ax.set_xlabel("AUROC with its 95 % interval over test images")
    return picture


def tasks(sweep: SweepFolder) -> bool:
    """Whether the rows are tasks: of detectors of one task there is a best of all."""
    return BEST not in sweep.held_out.text["row"]


def _what(sweep: SweepFolder) -> str:
    if sweep.each is None:
        return text(sweep.label(sweep.leaderboard, 0), 60)
    return f"the best for each {text(sweep.short(sweep.each), 40)}"


def _bar(ax: Axes, sweep: SweepFolder, row: int, place: float, **style) -> None:
    number = sweep.held_out.number
    mean, low, high = (number[f"auroc{end}"][row] for end in ("", "_low", "_high"))
    ax.plot([low, high], [place, place], linewidth=1.8, color=style["color"])
    ax.plot([mean], [place], linestyle="none", **style)


def _by_row(ax: Axes, sweep: SweepFolder, rows: dict[str, int]) -> None:
    number = sweep.held_out.number
    across = ax.get_yaxis_transform()
    labels = []
    for place, (kind, row) in enumerate(rows.items()):
        own = kind == BEST or kind.startswith("ensemble")
        color = curve_style(0)[0] if own else INK
        marker = "D" if own else "o"
        _bar(ax, sweep, row, place, color=color, marker=marker, markersize=6)
        mean, sd = number["auroc"][row], number["auroc_sd"][row]
        words = f"{mean:.4f}" if np.isnan(sd) else f"{mean:.4f}, sd {sd:.4f}"
        ax.text(1.01, place, words, transform=across, va="center", fontsize=8.5)
        name = sweep.held_out.text["row"][row].removeprefix("best: ")
        count = int(number["detectors"][row])
        of = f" ({count} seeds or folds)" if count > 1 else ""
        labels.append(text(title(name), 40) + of)
    ax.set_yticks(range(len(labels)), labels, fontsize=9)
    ax.set_ylim(len(labels) - 0.4, -0.6)


def _by_value(
    picture: Figure, ax: Axes, sweep: SweepFolder, found: dict[str, dict[str, int]]
) -> None:
    """A line a value of `each`, at the end the mean of tasks."""
    number, names, mean_of = sweep.held_out.number, kinds(sweep), tasks(sweep)
    handles = []
    for i, kind in enumerate(names):
        shift = 0.6 * ((i + 0.5) / len(names) - 0.5)
        color, _ = curve_style(i)
        marker = "Ds^ovP*Xhp"[i % 10]
        style: dict[str, Any] = {"color": color, "marker": marker, "markersize": 5}
        rows = [cell.get(kind) for cell in found.values()]
        for place, row in enumerate(rows):
            if row is not None:
                _bar(ax, sweep, row, place + shift, **style)
        label = text(title(kind), 28)
        if mean_of and None not in rows:
            mean = number["auroc"][np.array(rows, int)].mean()
            ax.plot([mean], [len(rows) + shift], linestyle="none", **style)
            label += f", mean {mean:.4f}"
        handles.append(Line2D([], [], linestyle="none", label=label, **style))
    labels = [text(value(cell), 30) for cell in found] + ["mean"] * mean_of
    ax.set_yticks(range(len(labels)), labels)
    ax.set_ylim(len(labels) - 0.5, -0.5)
    for place in range(len(labels) - 1):
        width = 1.2 if place == len(found) - 1 else 0.5
        ax.axhline(place + 0.5, color=GREY, linewidth=width)
    ax.grid(False, axis="y")
    ax.set_ylabel(text(str(sweep.each), 40))
    side_legend(picture, handles)
