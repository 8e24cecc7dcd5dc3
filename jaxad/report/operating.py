"""ROC and precision-recall curves with the fitted thresholds as points."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator

from jaxad.report import curves
from jaxad.report.folder import RunFolder
from jaxad.report.names import title
from jaxad.report.points import point_handles, points
from jaxad.report.style import (
    GREY,
    axes_style,
    figure,
    heading,
    line,
    note,
    side_legend,
    text,
)


def roc_figure(run: RunFolder, on: Figure | None = None) -> Figure:
    """ROC curves on test data, right with a logarithmic axis of false alarms."""
    picture = figure(12, 4.9, on)
    heading(picture, "ROC on test data")
    whole, close = picture.subplots(1, 2, sharey=True)
    lines = _curves(run, curves.roc)
    for ax in (whole, close):
        ax.set_xlabel("false alarm rate (share of normals called anomalous)")
        _square(ax)
    whole.set_ylabel("recall (share of anomalies found)")
    close.set_title("the same, with few false alarms drawn out", fontsize=10)
    _few_false_alarms(close, int((run.labels("test") == 0).sum()))
    for ax in (whole, close):
        _roc(ax, run, lines)
    side_legend(picture, _roc_handles(run, lines), handlelength=3)
    return picture


def draw_roc(ax: Axes, run: RunFolder) -> None:
    """The ROC curves of `roc_figure` on linear axes."""
    lines = _curves(run, curves.roc)
    ax.set(xlabel="false alarm rate", ylabel="recall")
    _square(ax)
    _roc(ax, run, lines)
    _inside_legend(ax, _roc_handles(run, lines))


def _roc(ax: Axes, run: RunFolder, lines: dict[str, Any]) -> None:
    if not _draw(ax, run, lines, "default"):
        note(ax, "undefined: test data of one class only")
        return
    chance = np.append(0, np.geomspace(1e-7, 1, 200))
    ax.plot(chance, chance, color=GREY, linewidth=1, linestyle=":")
    points(ax, run, "fpr", "recall")


def _roc_handles(run: RunFolder, lines: dict[str, Any]) -> list[Line2D]:
    return _handles(run, "auroc", "AUROC") + _marks(run, lines, "chance")


def pr_figure(run: RunFolder, on: Figure | None = None) -> Figure:
    """Precision-recall curves on test data, with the prevalence as chance line.

    The corner of few errors is drawn out at the right where the primary score is in.
    """
    lines = _curves(run, curves.pr)
    good = (run.metrics["image"][run.primary[0]]["average_precision"] or 0) > 0.9
    picture = figure(12 if good else 8, 4.9, on)
    heading(picture, "Precision and recall on test data")
    panels = list(picture.subplots(1, 1 + good, squeeze=False).ravel())
    for ax in panels:
        ax.set_xlabel("recall (share of anomalies found)")
        _square(ax)
        _pr(ax, run, lines)
    panels[0].set_ylabel("precision (share of alarms that are anomalies)")
    if good:
        panels[1].set(xlim=(0.9, 1.002), ylim=(0.9, 1.0025))
        panels[1].set_title("the same, from 0.9 to 1", fontsize=10)
    for ax in panels:
        points(ax, run, "recall", "precision")
    side_legend(picture, _pr_handles(run, lines), handlelength=3)
    return picture


def draw_pr(ax: Axes, run: RunFolder) -> None:
    """The precision-recall curves of `pr_figure`, from 0 to 1."""
    lines = _curves(run, curves.pr)
    ax.set(xlabel="recall", ylabel="precision")
    _square(ax)
    _pr(ax, run, lines)
    points(ax, run, "recall", "precision")
    _inside_legend(ax, _pr_handles(run, lines))


def _pr(ax: Axes, run: RunFolder, lines: dict[str, Any]) -> None:
    if _draw(ax, run, lines, "steps-pre"):
        ax.axhline(_prevalence(run), color=GREY, linewidth=1, linestyle=":")
    else:
        note(ax, "undefined: no anomalous test data")


def _pr_handles(run: RunFolder, lines: dict[str, Any]) -> list[Line2D]:
    words = f"chance (prevalence {_prevalence(run):.3g})"
    return _handles(run, "average_precision", "AP") + _marks(run, lines, words)


def _prevalence(run: RunFolder) -> float:
    label = run.labels("test")
    return float(label.mean()) if len(label) else 0.0


def _curves(run: RunFolder, curve: Callable[..., Any]) -> dict[str, Any]:
    """The curve of each score, in the order of drawing; None where it is undefined."""
    label = run.labels("test")
    return {name: curve(run.select(name, "test"), label) for name in _order(run)}


def _marks(run: RunFolder, lines: dict[str, Any], words: str) -> list[Line2D]:
    """Handles of the chance line and of the rules, where there is any curve."""
    if not any(lines.values()):
        return []
    chance = Line2D([], [], color=GREY, linestyle=":", label=words)
    return [chance, *point_handles(run)]


def _inside_legend(ax: Axes, handles: list[Line2D]) -> None:
    ax.legend(handles=handles, fontsize=7, edgecolor="none", handlelength=2.5)


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
