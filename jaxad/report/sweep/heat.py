"""The criterion over two numeric axes."""

from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure, SubFigure

from jaxad.report.style import ANOMALOUS, INK, axes_style, text
from jaxad.report.sweep.folder import SweepFolder, to_float, value
from jaxad.report.sweep.scales import is_numeric, scale, set_axis

_LARGE, _NUMBERS = 24, 8


def heat_axes(sweep: SweepFolder) -> tuple[str, str] | None:
    """The two axes of a heat map, where there are two, both of numbers."""
    names = sweep.axes
    if len(names) != 2 or not sweep.ranked or sweep.each in names:
        return None
    return (
        (names[0], names[1])
        if all(is_numeric(sweep.leaderboard.text[name]) for name in names)
        else None
    )


def draw_heat(
    picture: Figure | SubFigure, ax: Axes, sweep: SweepFolder, across: str, up: str
) -> None:
    """Cells where the settings are a full grid, coloured dots where they are not."""
    board = sweep.leaderboard
    mean = board.number[sweep.criterion]
    seen = np.isfinite(board.number["rank"])
    name = "viridis_r" if sweep.criterion == "val_loss" else "viridis"
    low, high = mean[seen].min(), mean[seen].max()
    norm = Normalize(low, high if high > low else low + 1e-9)
    options: dict[str, Any] = {"cmap": name, "norm": norm}
    columns, rows = (
        sorted(set(board.text[axis]), key=to_float) for axis in (across, up)
    )
    full = len(columns) * len(rows) == len(board)
    if full and max(len(columns), len(rows)) <= _LARGE:
        values = np.full((len(rows), len(columns)), np.nan)
        row = [rows.index(cell) for cell in board.text[up]]
        column = [columns.index(cell) for cell in board.text[across]]
        values[row, column] = np.where(seen, mean, np.nan)
        drawn: ScalarMappable = ax.imshow(
            values, origin="lower", aspect="auto", **options
        )
        ax.set_xticks(range(len(columns)), [value(c) for c in columns], fontsize=8.5)
        ax.set_yticks(range(len(rows)), [value(c) for c in rows], fontsize=8.5)
        if sum(len(value(c)) + 1 for c in columns) > 34:
            ax.tick_params(axis="x", labelrotation=35)
        _numbers(ax, values, norm, name)
    else:
        axes_style(ax)
        scales = [scale(board.text[axis]) for axis in (across, up)]
        points = [
            np.array([s.places[cell] for cell in board.text[axis]])
            for s, axis in zip(scales, (across, up), strict=True)
        ]
        x, y = points
        drawn = ax.scatter(x[seen], y[seen], c=mean[seen], s=36, **options)
        ax.plot(x[~seen], y[~seen], "x", color=ANOMALOUS, ms=7)
        set_axis(ax, scales[0])
        set_axis(ax, scales[1], "y")
    ax.set_xlabel(text(across, 40))
    ax.set_ylabel(text(up, 40))
    picture.colorbar(drawn, ax=ax, label=text(sweep.words()))


def _numbers(ax: Axes, values: np.ndarray, norm: Normalize, name: str) -> None:
    """The value of each cell where there is room; a cross where all members failed."""
    room = max(values.shape) <= _NUMBERS
    for (row, column), cell in np.ndenumerate(values):
        if np.isnan(cell):
            ax.plot([column], [row], "x", color=ANOMALOUS, ms=7, mew=1.8)
        elif room:
            red, green, blue, _ = colormaps[name](norm(cell))
            dark = 0.3 * red + 0.59 * green + 0.11 * blue < 0.5
            color = "white" if dark else INK
            words = f"{cell:.3g}"
            place: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 7.5}
            ax.text(column, row, words, color=color, **place)
