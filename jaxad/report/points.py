"""What the fitted rules do on test data, as points with letters on a curve."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from jaxad.report.folder import RunFolder
from jaxad.report.rules import marks, measured
from jaxad.report.style import INK


def _point_style(status: str) -> dict[str, Any]:
    fill = INK if status == "deployable" else "white"
    return {
        "marker": "o",
        "markersize": 6,
        "color": INK,
        "markerfacecolor": fill,
        "linestyle": "none",
        "zorder": 5,
    }


def points(ax: Axes, run: RunFolder, x: str, y: str) -> None:
    """Points of the rules; where they coincide, their letters share a label."""
    groups: dict[tuple[float, float], list[str]] = {}
    ax.autoscale(False)
    name = run.primary[0]
    for mark in marks(run, name):
        entry = measured(run, name, mark)
        if entry[x] is None or entry[y] is None:
            continue
        ax.plot(entry[x], entry[y], **_point_style(mark.status))
        at = ax.transAxes.inverted().transform(
            ax.transData.transform((entry[x], entry[y]))
        )
        if not (-0.01 <= at[0] <= 1.01 and -0.01 <= at[1] <= 1.01):
            continue
        near = [k for k in groups if np.hypot(*(np.array(k) - at)) < 0.04]
        groups.setdefault(near[0] if near else tuple(at), []).append(mark.letter)
    taken: list[tuple[float, float, int]] = []
    for (across, up), letters in sorted(groups.items(), key=lambda g: -g[0][1]):
        left = across > 0.8
        height = up - 0.02
        while any(
            abs(x - across) < 0.03 + 0.03 * max(count, len(letters))
            and abs(y - height) < 0.05
            for x, y, count in taken
        ):
            height -= 0.01
        taken.append((across, height, len(letters)))
        ax.text(
            across + (-0.015 if left else 0.015),
            height,
            ",".join(letters),
            transform=ax.transAxes,
            ha="right" if left else "left",
            va="top",
            fontsize=9,
            fontweight="bold",
            bbox={"color": "white", "alpha": 0.7, "pad": 0.5},
            zorder=6,
        )


def point_handles(run: RunFolder) -> list[Line2D]:
    """Handles of the rules of the primary score."""
    return [
        Line2D(
            [],
            [],
            label=f"{m.letter}  {m.rule} ({m.status})",
            **_point_style(m.status),
        )
        for m in marks(run, run.primary[0])
    ]
