"""Reconstruction error against detection, a dot a member."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jaxad.report.names import title
from jaxad.report.style import (
    ANOMALOUS,
    GREY,
    INK,
    NORMAL,
    axes_style,
    figure,
    note,
    text,
)
from jaxad.report.sweep.folder import SweepFolder
from jaxad.report.sweep.scales import is_wide


def tradeoff_figure(sweep: SweepFolder, on: Figure | None = None) -> Figure:
    """Whether the best reconstruction is the best detector, on validation data."""
    picture = figure(9, 6.4, on)
    ax = picture.subplots()
    draw_tradeoff(ax, sweep)
    ax.set_title(
        "Reconstruction against detection on validation data",
        loc="left",
        fontsize=12,
        fontweight="bold",
    )
    return picture


def draw_tradeoff(ax: Axes, sweep: SweepFolder) -> None:
    """AUROC against the error of normals on `ax`; the best of each is named.

    Members that failed are left out, those stuck at the mean image are crosses.
    """
    number = sweep.members.number
    error, auroc = number["mse_normal"], number["auroc"]
    known = sweep.good & np.isfinite(error) & np.isfinite(auroc)
    if not known.any():
        ax.set_axis_off()
        note(ax, "no member has both an error and an AUROC")
        return
    axes_style(ax)
    stuck = known & np.array([bool(flag) for flag in sweep.members.text["flag"]])
    free = known & ~stuck
    ax.plot(error[free], auroc[free], "o", ms=6, color=NORMAL, alpha=0.55, mew=0)
    if stuck.any():
        words = f"{stuck.sum()} stuck at the mean image"
        ax.plot(error[stuck], auroc[stuck], "x", color=GREY, ms=7, label=words)
    _mark(ax, sweep, known)
    if is_wide(error[known]):
        ax.set_xscale("log")
    if auroc[known].min() < 0.55:
        ax.axhline(0.5, color=GREY, linewidth=1, linestyle=":", label="chance")
    ax.margins(0.07)
    ax.set_xlabel("mean squared error of normal validation images")
    ax.set_ylabel(f"AUROC of {text(title(sweep.score))} on validation data")
    ax.legend(
        loc="upper left",
        bbox_to_anchor=(-0.02, -0.1),
        frameon=False,
        fontsize=8.5,
        alignment="left",
    )


def _mark(ax: Axes, sweep: SweepFolder, known: np.ndarray) -> None:
    """Rings around the best reconstruction and the best detector."""
    number = sweep.members.number
    rows = np.flatnonzero(known)
    least = rows[np.argmin(number["mse_normal"][rows])]
    most = rows[np.argmax(number["auroc"][rows])]
    marks = [
        (most, "best detector", "s", ANOMALOUS),
        (least, "best reconstruction", "o", INK),
    ]
    for row, words, marker, color in marks:
        x, y = number["mse_normal"][row], number["auroc"][row]
        name = text(sweep.member_label(row), 70)
        ax.plot(
            [x],
            [y],
            marker=marker,
            markersize=13 if marker == "s" else 11,
            markerfacecolor="none",
            markeredgewidth=2,
            linestyle="none",
            color=color,
            label=f"{words}: {name} (MSE {x:.4g}, AUROC {y:.4f})",
        )
