"""The criterion against each axis of the grid."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from jaxad.report.style import (
    ANOMALOUS,
    INK,
    NORMAL,
    axes_style,
    curve_style,
    figure,
    heading,
    side_legend,
    text,
)
from jaxad.report.sweep.folder import SweepFolder, value
from jaxad.report.sweep.heat import draw_heat, heat_axes
from jaxad.report.sweep.scales import Scale, is_wide, scale, set_axis

_ACROSS, _CURVES = 3, 10


def axes_figure(sweep: SweepFolder, on: Figure | None = None) -> Figure:
    """A panel an axis: members as dots, their mean at each value, failed ones as
    crosses; a heat map for two numeric axes; a curve for each value of `each`."""
    both = heat_axes(sweep)
    count = len(sweep.axes) + bool(both)
    across = min(count, _ACROSS)
    down = -(-count // across)
    picture = figure(max(4.3 * across, 7.5), 3.9 * down + 0.5, on)
    words = sweep.on_validation()
    heading(picture, f"{text(words[0].upper() + words[1:])}, by axis")
    panels = list(picture.subplots(down, across, squeeze=False).ravel())
    for ax in panels[count:]:
        ax.set_axis_off()
    wide = is_wide(sweep.members.number[sweep.criterion][sweep.good])
    for place, (ax, axis) in enumerate(zip(panels, sweep.axes, strict=False)):
        _panel(ax, sweep, axis)
        if place % across == 0:
            ax.set_ylabel(text(sweep.words()))
        if wide:
            ax.set_yscale("log")
    _share(panels[: len(sweep.axes)])
    if both:
        draw_heat(picture, panels[len(sweep.axes)], sweep, *both)
    side_legend(picture, _handles(sweep), handlelength=2.2)
    return picture


def _share(panels: list[Axes]) -> None:
    """The same range of the criterion in all panels, with a strip for crosses."""
    limits = np.array([ax.get_ylim() for ax in panels])
    for ax in panels:
        ax.set_ylim(limits[:, 0].min(), limits[:, 1].max())


def _panel(ax: Axes, sweep: SweepFolder, axis: str) -> None:
    table, good = sweep.members, sweep.good
    cells = table.text[axis]
    where = scale(cells, words=axis == sweep.each)
    x = np.array([where.places[cell] for cell in cells])
    y = table.number[sweep.criterion]
    axes_style(ax)
    ax.plot(x[good], y[good], "o", ms=4, color=NORMAL, alpha=0.45, mew=0)
    curves = _curves(sweep, axis)
    for color, dash, chosen in curves if _has_means(where) else []:
        _mean(ax, x, y, chosen & good, color, dash)
    ax.margins(y=0.1)
    failed = np.array([s.startswith(("div", "coll")) for s in table.text["status"]])
    if failed.any():
        across = ax.get_xaxis_transform()
        places = np.unique(x[failed])
        ax.plot(
            places,
            np.full(len(places), 0.03),
            "x",
            transform=across,
            color=ANOMALOUS,
            ms=7,
            mew=1.8,
        )
    set_axis(ax, where)
    ax.set_xlabel(text(axis, 40))


def _has_means(where: Scale) -> bool:
    """Whether a value has more than a member or two: random draws have not."""
    return len(where.places) <= 30 or where.kind == "steps"


def _curves(sweep: SweepFolder, axis: str) -> list[tuple[str, Any, np.ndarray]]:
    """Colour, dashes and rows of each curve of a panel."""
    each = sweep.each
    rows = np.ones(len(sweep.members), bool)
    if each is None or each == axis or each not in sweep.axes:
        return [(INK, "-", rows)]
    cells = np.array(sweep.members.text[each])
    values = list(dict.fromkeys(cells.tolist()))
    if len(values) > _CURVES:
        return [(INK, "-", rows)]
    return [(*curve_style(i), cells == cell) for i, cell in enumerate(values)]


def _mean(ax: Axes, x, y, chosen: np.ndarray, color: str, dash: Any) -> None:
    places = np.unique(x[chosen])
    means = [y[chosen & (x == place)].mean() for place in places]
    ax.plot(places, means, color=color, linestyle=dash, linewidth=1.8, marker="D", ms=4)


def _handles(sweep: SweepFolder) -> list[Line2D]:
    dot: dict[str, Any] = {
        "marker": "o",
        "linestyle": "none",
        "color": NORMAL,
        "alpha": 0.6,
    }
    handles = [Line2D([], [], label="a member", markersize=5, **dot)]
    each = sweep.each
    values = list(dict.fromkeys(sweep.members.text[each])) if each else []
    mean: dict[str, Any] = {"marker": "D", "markersize": 4, "linewidth": 1.8}
    single = not 1 < len(values) <= _CURVES
    scales = [scale(sweep.members.text[name]) for name in sweep.axes]
    if (single or each in sweep.axes) and any(map(_has_means, scales)):
        handles.append(Line2D([], [], label="mean of a value", color=INK, **mean))
    if not single and len(sweep.axes) > 1:
        words = text(sweep.short(str(each)), 20)
        handles.append(Line2D([], [], linestyle="none", label=f"mean for {words}"))
        for i, cell in enumerate(values):
            color, dash = curve_style(i)
            label = text(value(cell), 20)
            line = Line2D([], [], color=color, linestyle=dash, label=label, **mean)
            handles.append(line)
    if any(s.startswith(("div", "coll")) for s in sweep.members.text["status"]):
        cross: dict[str, Any] = {
            "marker": "x",
            "linestyle": "none",
            "color": ANOMALOUS,
            "mew": 1.8,
        }
        handles.append(Line2D([], [], label="some failed here", **cross))
    return handles
