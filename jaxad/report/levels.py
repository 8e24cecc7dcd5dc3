"""AUROC by the level of the corruption."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from jaxad.report.folder import RunFolder
from jaxad.report.names import UNITS, shown, title
from jaxad.report.style import GREY, axes_style, figure, heading, line, note, spread


def curve_figure(
    run: RunFolder, curve: dict[str, Any] | None = None, on: Figure | None = None
) -> Figure:
    """AUROC of every score by level, from the strongest corruption to the weakest.

    Levels that are shares are shown in per cent of the pixels, others in the unit of
    their kind. A run without such a curve says so.

    curve: one of the metrics' `robustness`; None: their `curve`.
    """
    picture = figure(9, 5.4, on)
    ax = picture.subplots()
    axes_style(ax)
    own = curve is None
    curve = run.metrics.get("curve") if own else curve
    if not curve or not curve["levels"]:
        ax.set_axis_off()
        note(ax, "the run measured no further levels")
        return picture
    level = np.array([shown(curve["kind"], x) for x in curve["levels"]], float)
    _x_axis(ax, level, curve["kind"])
    ends = []
    lowest = 0.5
    for name in run.names:
        if name not in curve["auroc"]:
            continue
        values = np.array(curve["auroc"][name], float)
        seen = np.isfinite(values)
        order = np.argsort(-level[seen])
        x, y = level[seen][order], values[seen][order]
        if len(x):
            ax.plot(x, y, marker="o", markersize=4, **line(run, name))
            ends.append((name, float(x[-1]), float(y[-1])))
            lowest = min(lowest, y.min())
    ax.axhline(0.5, color=GREY, linewidth=1, linestyle=":")
    ax.set_ylim(lowest - 0.03, 1.02)
    ax.set_ylabel("AUROC on test data")
    _direct_labels(ax, run, ends)
    words = "" if own else " on all test images"
    heading(picture, f"AUROC by the amount of {title(curve['kind'])}{words}")
    return picture


def _x_axis(ax: Axes, level: np.ndarray, kind: str) -> None:
    if (level > 0).all():
        ax.set_xscale("log")
        step = 1.15
        ax.set_xlim(level.max() * step, level.min() / step)
    else:
        pad = 0.05 * (np.ptp(level) or 1.0)
        ax.set_xlim(level.max() + pad, level.min() - pad)
    ticks = sorted(set(level.tolist()))
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter("{x:g}")
    ax.set_xlabel(f"{title(kind)}, {UNITS[kind]}; weaker to the right")


def _direct_labels(
    ax: Axes, run: RunFolder, ends: list[tuple[str, float, float]]
) -> None:
    """The name of each curve at its right end, moved apart where ends are close."""
    low, high = ax.get_ylim()
    at = np.array([(y - low) / (high - low) for _, _, y in ends])
    for (name, x, y), moved in zip(ends, spread(at, 0.05, 0.0, 1.0), strict=True):
        color = line(run, name)["color"]
        ax.annotate(
            f"{title(name)} {y:.3f}",
            (x, y),
            xytext=(1.04, moved),
            textcoords="axes fraction",
            va="center",
            fontsize=9,
            color=color,
            arrowprops={"arrowstyle": "-", "color": color, "linewidth": 0.7},
            annotation_clip=False,
        )
