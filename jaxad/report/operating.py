"""ROC and precision-recall curves with the fitted thresholds as points."""

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator

from jaxad.report import curves
from jaxad.report.folder import RunFolder
from jaxad.report.names import title
from jaxad.report.rules import marks, measured
from jaxad.report.style import (
    GREY,
    INK,
    axes_style,
    figure,
    heading,
    line,
    note,
    side_legend,
    text,
)


def roc_figure(run: RunFolder) -> Figure:
    """ROC curves on test data, right with a logarithmic axis of false alarms."""
    picture = figure(12, 4.9)
    heading(picture, "ROC on test data")
    whole, close = picture.subplots(1, 2, sharey=True)
    label = run.labels("test")
    lines = {n: curves.roc(run.select(n, "test"), label) for n in _order(run)}
    handles = _handles(run, "auroc", "AUROC")
    chance = np.append(0, np.geomspace(1e-7, 1, 200))
    for ax in (whole, close):
        ax.set_xlabel("false alarm rate (share of normals called anomalous)")
        _square(ax)
    whole.set_ylabel("recall (share of anomalies found)")
    close.set_title("the same, with few false alarms drawn out", fontsize=10)
    _few_false_alarms(close, int((label == 0).sum()))
    for ax in (whole, close):
        if _draw(ax, run, lines, "default"):
            ax.plot(chance, chance, color=GREY, linewidth=1, linestyle=":")
            _points(ax, run, "fpr", "recall")
        else:
            note(ax, "undefined: test data of one class only")
    if any(lines.values()):
        handles.append(Line2D([], [], color=GREY, linestyle=":", label="chance"))
        handles += _point_handles(run)
    side_legend(picture, handles, handlelength=3)
    return picture


def pr_figure(run: RunFolder) -> Figure:
    """Precision-recall curves on test data, with the prevalence as chance line.

    The corner of few errors is drawn out at the right where the primary score is in.
    """
    label = run.labels("test")
    lines = {n: curves.pr(run.select(n, "test"), label) for n in _order(run)}
    good = (run.metrics["image"][run.primary[0]]["average_precision"] or 0) > 0.9
    picture = figure(12 if good else 8, 4.9)
    heading(picture, "Precision and recall on test data")
    panels = list(picture.subplots(1, 1 + good, squeeze=False).ravel())
    share = float(label.mean()) if len(label) else 0.0
    for ax in panels:
        ax.set_xlabel("recall (share of anomalies found)")
        _square(ax)
        if _draw(ax, run, lines, "steps-pre"):
            ax.axhline(share, color=GREY, linewidth=1, linestyle=":")
        else:
            note(ax, "undefined: no anomalous test data")
    panels[0].set_ylabel("precision (share of alarms that are anomalies)")
    if good:
        panels[1].set(xlim=(0.9, 1.002), ylim=(0.9, 1.0025))
        panels[1].set_title("the same, from 0.9 to 1", fontsize=10)
    for ax in panels:
        _points(ax, run, "recall", "precision")
    words = f"chance (prevalence {share:.3g})"
    handles = _handles(run, "average_precision", "AP")
    if any(lines.values()):
        handles.append(Line2D([], [], color=GREY, linestyle=":", label=words))
        handles += _point_handles(run)
    side_legend(picture, handles, handlelength=3)
    return picture


def _order(run: RunFolder) -> list[str]:
    """Names in the order of drawing: thin dashes stay visible above thick lines."""
    return sorted(run.names, key=lambda n: (n != run.primary[0], run.is_baseline(n)))


def _draw(ax: Axes, run: RunFolder, lines: dict[str, Any], how: Any) -> bool:
    """Whether there was any curve to draw."""
    for name, curve in lines.items():
        if curve is not None:
            ax.plot(*curve, drawstyle=how, **line(run, name))
    return any(curve is not None for curve in lines.values())


def _square(ax: Axes) -> None:
    ax.set_xlim(-0.02, 1.02)
    ax.set_ylim(-0.02, 1.03)
    axes_style(ax)


def _few_false_alarms(ax: Axes, normals: int) -> None:
    """Logarithmic from one false alarm upwards, with zero at the left end."""
    step = 1 / max(normals, 2)
    ax.set_xscale("symlog", linthresh=step, linscale=0.4)
    ax.set_xlim(-0.1 * step, 1.1)
    # Zero, and the powers of ten from one false alarm on; closer ones would overlap.
    powers = 10.0 ** np.arange(math.ceil(math.log10(step)), 1)
    ax.xaxis.set_major_locator(FixedLocator([0.0, *powers]))


def _handles(run: RunFolder, metric: str, word: str) -> list[Line2D]:
    handles = []
    for name in run.names:
        entry = run.metrics["image"][name]
        value = entry[metric]
        if value is None:
            reason = entry.get("undefined", {}).get(metric, "no reason given")
            number = f"{word} undefined ({text(reason, 40)})"
        else:
            number = f"{word} {value:.4f}"
            interval = entry.get(f"{metric}_interval")
            if interval and None not in interval:
                number += f" [{interval[0]:.4f}, {interval[1]:.4f}]"
        kind = "baseline" if run.is_baseline(name) else "model"
        label = f"{title(name)} ({kind})\n{number}"
        handles.append(Line2D([], [], label=label, **line(run, name)))
    return handles


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


def _points(ax: Axes, run: RunFolder, x: str, y: str) -> None:
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


def _point_handles(run: RunFolder) -> list[Line2D]:
    return [
        Line2D(
            [],
            [],
            label=f"{m.letter}  {m.rule} ({m.status})",
            **_point_style(m.status),
        )
        for m in marks(run, run.primary[0])
    ]
