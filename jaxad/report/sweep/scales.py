"""Which scale suits the values of an axis."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator

from jaxad.report.style import text
from jaxad.report.sweep.folder import to_float, value

_TICKS = 12


class Scale(NamedTuple):
    """Where the cells of an axis stand.

    places: cell -> position. kind: "linear", "log", or "steps" (one after the other).
    ticks: cells that get a tick; none: the scale's own.
    """

    places: dict[str, float]
    kind: str
    ticks: list[str]


def is_wide(values: np.ndarray, factor: float = 10) -> bool:
    """Whether values ask for a logarithmic scale: positive, over a decade."""
    values = values[np.isfinite(values)]
    positive = len(values) and values.min() > 0
    return bool(positive and values.max() >= factor * values.min())


def is_numeric(cells: Sequence[str]) -> bool:
    return all(np.isfinite(to_float(cell)) for cell in cells)


def scale(cells: Sequence[str], words: bool = False) -> Scale:
    """The scale of an axis. words: whether its values are names, even as numbers."""
    distinct = list(dict.fromkeys(cells))
    if words or not is_numeric(distinct):
        return _steps(distinct)
    distinct.sort(key=to_float)
    values = np.array([to_float(cell) for cell in distinct])
    ticks = distinct if len(distinct) <= _TICKS else []
    over_zero = values[values > 0]
    decades = is_wide(over_zero, 8)  # sizes such as 2, 4, 8, 16 are one more each
    if decades and ticks and (len(over_zero) < len(values) or _stretched(values)):
        # A value far off (or zero) would press all others into one place.
        return _steps(distinct)
    kind = "log" if decades and len(over_zero) == len(values) else "linear"
    places = dict(zip(distinct, values.tolist(), strict=True))
    return Scale(places, kind, ticks)


def _stretched(values: np.ndarray) -> bool:
    gaps = np.diff(np.log(values))
    return bool(len(gaps) and gaps.max() > 12 * gaps.min())


def _steps(cells: list[str]) -> Scale:
    return Scale({cell: float(i) for i, cell in enumerate(cells)}, "steps", cells)


def set_axis(ax: Axes, scale: Scale, which: str = "x") -> None:
    """Scale, limits and ticks of the axis `which` of `ax`."""
    axis = ax.xaxis if which == "x" else ax.yaxis
    limits = ax.set_xlim if which == "x" else ax.set_ylim
    places = np.array(list(scale.places.values()))
    if scale.kind == "log":
        (ax.set_xscale if which == "x" else ax.set_yscale)("log")
        step = (places.max() / places.min()) ** 0.07
        limits(places.min() / step, places.max() * step)
    else:
        pad = 0.5 if scale.kind == "steps" else 0.07 * (np.ptp(places) or 1.0)
        limits(places.min() - pad, places.max() + pad)
    if not scale.ticks:
        return
    every = -(-len(scale.ticks) // 24)
    cells = scale.ticks[::every]
    axis.set_major_locator(FixedLocator([scale.places[cell] for cell in cells]))
    axis.set_minor_locator(NullLocator())
    words = [text(value(cell), 18) for cell in cells]
    slanted = which == "x" and sum(len(word) + 1 for word in words) > 34
    slant: dict[str, Any] = {"rotation": 35, "ha": "right", "rotation_mode": "anchor"}
    axis.set_ticklabels(words, fontsize=8.5, **(slant if slanted else {}))
