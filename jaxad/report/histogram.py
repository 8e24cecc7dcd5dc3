"""Histograms of scores with the limits of every rule."""

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.stats import norm

from jaxad.display.histogram import (
    CLASSES,
    Kind,
    Scale,
    draw_classes,
    edges,
    scale,
    set_scale,
)
from jaxad.report.folder import RunFolder
from jaxad.report.names import title
from jaxad.report.rules import Mark, limits, marks
from jaxad.report.style import GREY, INK, figure, heading, side_legend, spread


def scores_figure(
    run: RunFolder, name: str, kind: Kind | None = None, on: Figure | None = None
) -> Figure:
    """Histogram of the score `name`, above on validation and below on test data.

    kind: how the axis of scores runs; None chooses by the range of the scores.
    """
    rules = marks(run, name)
    axis = _axis(run, name, rules, kind)
    picture = figure(10, 5.8, on)
    upper, lower = picture.subplots(2, 1, sharex=True)
    for ax, split, word in ((upper, "val", "validation"), (lower, "test", "test")):
        _split(ax, run, name, split, axis, rules)
        ax.set_ylabel(f"{word}\nexamples per bin")
    set_scale(lower, axis)
    lower.set_xlabel(f"{title(name)} score (higher = more anomalous)")
    _letters(upper, rules, axis)
    heading(picture, f"Scores of {title(name)}, and the limits of each rule")
    words = "anomalous where the score is"
    handles = _handles(rules, axis, run)
    side_legend(picture, handles, title=words, title_fontsize=9)
    return picture


def draw_scores(ax: Axes, run: RunFolder, name: str, kind: Kind | None = None) -> None:
    """The score `name` on test data, as the lower half of `scores_figure`."""
    rules = marks(run, name)
    axis = _axis(run, name, rules, kind)
    _split(ax, run, name, "test", axis, rules)
    set_scale(ax, axis)
    ax.set_xlabel(f"{title(name)} score (higher = more anomalous)")
    ax.set_ylabel("test examples per bin")
    _letters(ax, rules, axis)
    own, _ = ax.get_legend_handles_labels()
    lines = [
        Line2D([], [], label=f"{mark.letter}  {mark.rule}", **_style(mark, run))
        for mark in rules
    ]
    ax.legend(handles=[*own, *lines], fontsize=7.5, edgecolor="none")


def _axis(run: RunFolder, name: str, rules: list[Mark], kind: Kind | None) -> Scale:
    lines = [x for m in rules for x in (m.lower, m.upper) if math.isfinite(x)]
    return scale(run.scores[f"score_{name}"], lines, kind)


def _split(
    ax: Axes, run: RunFolder, name: str, split: str, axis: Scale, rules: list[Mark]
) -> None:
    """Histogram of one split, and the lines of the rules."""
    bins = edges(axis, len(run.labels(split)))
    classes = [(w, color, run.select(name, split, c)) for c, w, color in CLASSES]
    draw_classes(ax, classes, bins, many=len(run.scores["label"]) > 200)
    if any(mark.rule.startswith("z_score") for mark in rules):
        _normal_curve(ax, run, name, split, axis, bins)
    for mark in reversed(rules):
        for limit in (mark.lower, mark.upper):
            if _inside(limit, axis):
                ax.axvline(limit, **_style(mark, run))


def _normal_curve(
    ax: Axes, run: RunFolder, name: str, split: str, axis: Scale, bins: np.ndarray
) -> None:
    """What a normal distribution of the validation normals' mean and spread expects in
    each bin: the z-score's limits are right as far as the bars follow it."""
    fitted = run.select(name, "val", 0)
    count, spread = len(run.select(name, split, 0)), float(np.std(fitted))
    if not count or not spread > 0:
        return
    expected = count * np.diff(norm.cdf(bins, np.mean(fitted), spread))
    places = axis.forward(bins)
    middle = axis.inverse((places[1:] + places[:-1]) / 2)
    seen = expected >= 0.5  # below, the axis ends
    label = "normal curve"
    ax.plot(middle[seen], expected[seen], color=INK, lw=1.4, ls=":", label=label)
    ax.legend(loc="upper center", ncols=3, fontsize=8.5, edgecolor="none")


def _inside(value: float, axis: Scale) -> bool:
    return axis.low <= value <= axis.high


def _style(mark: Mark, run: RunFolder) -> dict[str, Any]:
    primary = mark.rule == run.primary[1]
    return {
        "color": INK if primary else GREY,
        "linestyle": "-" if mark.status == "deployable" else "--",
        "linewidth": 2.0 if primary else 1.3,
    }


def _letters(ax: Axes, rules: list[Mark], axis: Scale) -> None:
    """The letter of each rule above its line, moved aside where lines are close."""
    placed = [
        (m.letter, x) for m in rules for x in (m.lower, m.upper) if _inside(x, axis)
    ]
    if not placed:
        return
    at = axis.fraction(np.array([x for _, x in placed]))
    above: dict[str, Any] = {"transform": ax.transAxes, "clip_on": False}
    for (letter, _), true, moved in zip(
        placed, at, spread(at, 0.022, 0.0, 1.0), strict=True
    ):
        ax.plot([true, moved], [1.0, 1.06], color=GREY, linewidth=0.7, **above)
        ax.text(
            moved,
            1.07,
            letter,
            ha="center",
            va="bottom",
            fontsize=9,
            fontweight="bold",
            color=INK,
            **above,
        )


def _handles(rules: list[Mark], axis: Scale, run: RunFolder) -> list[Line2D]:
    handles = []
    for mark in rules:
        finite = [x for x in (mark.lower, mark.upper) if math.isfinite(x)]
        off = "" if all(_inside(x, axis) for x in finite) else " (off the axis)"
        label = (
            f"{mark.letter}  {mark.rule}: {limits(mark.lower, mark.upper)}{off}\n"
            f"     {mark.status}, fitted on {mark.fit_on}"
        )
        handles.append(Line2D([], [], label=label, **_style(mark, run)))
    return handles
