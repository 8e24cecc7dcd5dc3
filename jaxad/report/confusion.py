"""Confusion matrices of the primary score."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from jaxad.report.folder import RunFolder
from jaxad.report.names import title
from jaxad.report.rules import Mark, limits, marks, measured
from jaxad.report.style import INK, figure, heading, note


def confusion_figure(run: RunFolder, on: Figure | None = None) -> Figure:
    """Counts and rates on test data: the primary rule large, the others beside it."""
    name, rule = run.primary
    rules = marks(run, name)
    first = [m for m in rules if m.rule == rule]
    others = [m for m in rules if m.rule != rule]
    columns = max(1, math.ceil(len(others) / 2))
    picture = figure(5.0 + 2.7 * columns * bool(others), 5.4, on)
    left: Figure | SubFigure = picture
    if others:
        halves = picture.add_gridspec(1, 2, width_ratios=(5.0, 2.7 * columns))
        left, right = (picture.add_subfigure(halves[0, i]) for i in (0, 1))
    big = left.subplots()
    _large(big, run, first, rule)
    if others:
        grid = right.subplots(min(2, len(others)), columns, squeeze=False)
        cells = list(grid.ravel())
        for ax, mark in zip(cells, others, strict=False):
            _matrix(ax, run, mark, 8.5)
        for ax in cells[len(others) :]:
            ax.set_axis_off()
    heading(picture, f"Confusion on test data, {title(name)}")
    return picture


def draw_confusion(ax: Axes, run: RunFolder, rule: str | None = None) -> None:
    """The matrix of one rule. rule: none: the primary one."""
    rule = rule or run.primary[1]
    found = [mark for mark in marks(run, run.primary[0]) if mark.rule == rule]
    _large(ax, run, found, rule)


def _large(ax: Axes, run: RunFolder, found: list[Mark], rule: str) -> None:
    for mark in found:
        _matrix(ax, run, mark, 13)
    if not found:
        ax.set_axis_off()
        note(ax, f"undefined: the rule {rule} was not fitted")
    ax.set_ylabel("true class")
    ax.set_xlabel("called (each row adds up to 100 %)")


def _matrix(ax: Axes, run: RunFolder, mark: Mark, size: float) -> None:
    """One matrix, coloured by the share of the true class (rows)."""
    entry = measured(run, run.primary[0], mark)
    count = np.array([[entry["tn"], entry["fp"]], [entry["fn"], entry["tp"]]], float)
    total = count.sum(axis=1, keepdims=True)
    share = np.divide(count, total, out=np.zeros((2, 2)), where=total > 0)
    ax.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for row in range(2):
        for column in range(2):
            rate = _per_cent(share[row, column]) if total[row, 0] else "no examples"
            ax.text(
                column,
                row,
                f"{count[row, column]:,.0f}\n{rate}",
                ha="center",
                va="center",
                fontsize=size,
                color="white" if share[row, column] > 0.55 else INK,
            )
    classes = ("normal", "anomalous")
    ax.set_xticks((0, 1), classes, fontsize=max(size - 3, 7))
    ax.set_yticks((0, 1), classes, fontsize=max(size - 3, 7), rotation=90, va="center")
    ax.tick_params(length=0)
    words = f"{mark.rule} ({mark.status})\nscore {limits(mark.lower, mark.upper)}"
    ax.set_title(words, fontsize=max(size - 2, 8))


def _per_cent(share: float) -> str:
    """Two decimals that never round to all or nothing."""
    words = f"{share:.2%}"
    if words == "100.00%" and share < 1:
        return ">99.99%"
    return "<0.01%" if words == "0.00%" and share > 0 else words
