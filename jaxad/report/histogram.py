"""Histograms of scores with the limits of every rule."""

import math
from typing import Any, Literal, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullFormatter
from scipy.stats import norm

from jaxad.report.folder import RunFolder
from jaxad.report.names import title
from jaxad.report.rules import Mark, limits, marks
from jaxad.report.style import (
    ANOMALOUS,
    GREY,
    INK,
    NORMAL,
    axes_style,
    figure,
    heading,
    note,
    side_legend,
    spread,
)

Kind = Literal["linear", "log", "asinh"]
_CLASSES = ((0, "normal", NORMAL), (1, "anomalous", ANOMALOUS))


class Scale(NamedTuple):
    """An axis of scores. width: the size that `asinh` calls small."""

    kind: Kind
    low: float
    high: float
    width: float

    def forward(self, x: np.ndarray) -> np.ndarray:
        if self.kind == "log":
            return np.log(x)
        return np.arcsinh(x / self.width) if self.kind == "asinh" else x

    def inverse(self, y: np.ndarray) -> np.ndarray:
        if self.kind == "log":
            return np.exp(y)
        return np.sinh(y) * self.width if self.kind == "asinh" else y

    def bins(self, count: int) -> np.ndarray:
        """Edges of `count` bins, (count + 1,), of equal width on this axis."""
        low, high = self.forward(np.array([self.low, self.high]))
        edges = self.inverse(np.linspace(low, high, count + 1))
        edges[[0, -1]] = self.low, self.high
        return edges

    def fraction(self, x: np.ndarray) -> np.ndarray:
        """Places along the axis: 0 at its left end, 1 at its right one."""
        low, high = self.forward(np.array([self.low, self.high]))
        return (self.forward(x) - low) / (high - low)


def scale(values: np.ndarray, lines: list[float], kind: Kind | None = None) -> Scale:
    """An axis for `values` (N,) that also holds the limits in `lines`.

    Without a `kind` it is linear; logarithmic where positive values span more than a
    factor of 30; and asinh (linear near zero, logarithmic beyond) where others have
    tails beyond 30 times their inner half.
    """
    values = values.astype(np.float64)
    if kind is None:
        kind = _kind(values)
    if kind == "log" and values.min() <= 0:
        raise ValueError("a logarithmic axis needs positive scores")
    shown = [x for x in lines if kind != "log" or x > 0]
    low = min([values.min(), *shown])
    high = max([values.max(), *shown])
    quarter = np.quantile(np.abs(values), 0.25)
    width = float(quarter) or float(np.abs(values).max()) / 1000 or 1.0
    if low == high:
        pad = abs(low) * 0.05 or 0.5
        return Scale(kind, low - pad, high + pad, width)
    ends = Scale(kind, low, high, width)
    span = ends.forward(np.array([low, high]))
    pad = 0.03 * (span[1] - span[0])
    left, right = ends.inverse(span + np.array([-pad, pad]))
    return Scale(kind, float(left), float(right), width)


def _kind(values: np.ndarray) -> Kind:
    if values.min() > 0:
        return "log" if values.max() > 30 * values.min() else "linear"
    lower, upper = np.quantile(values, [0.25, 0.75])
    wide = np.ptp(values) > 30 * (upper - lower) > 0
    return "asinh" if wide else "linear"


def scores_figure(run: RunFolder, name: str, kind: Kind | None = None) -> Figure:
    """Histogram of the score `name`, above on validation and below on test data.

    kind: how the axis of scores runs; None chooses by the range of the scores.
    """
    rules = marks(run, name)
    lines = [x for m in rules for x in (m.lower, m.upper) if math.isfinite(x)]
    axis = scale(run.scores[f"score_{name}"], lines, kind)
    picture = figure(10, 5.8)
    upper, lower = picture.subplots(2, 1, sharex=True)
    for ax, split, word in ((upper, "val", "validation"), (lower, "test", "test")):
        _histogram(ax, run, name, split, axis)
        if any(mark.rule.startswith("z_score") for mark in rules):
            _normal_curve(ax, run, name, split, axis)
        _lines(ax, rules, axis, run.primary[1])
        ax.set_ylabel(f"{word}\nexamples per bin")
    if axis.kind == "asinh":
        lower.set_xscale("asinh", linear_width=axis.width)
    else:
        lower.set_xscale(axis.kind)
    lower.set_xlim(axis.low, axis.high)
    lower.set_xlabel(f"{title(name)} score (higher = more anomalous)")
    _letters(upper, rules, axis)
    heading(picture, f"Scores of {title(name)}, and the limits of each rule")
    _legend(picture, rules, axis)
    return picture


def _edges(run: RunFolder, split: str, axis: Scale) -> np.ndarray:
    return axis.bins(int(np.clip(2 * len(run.labels(split)) ** 0.5, 25, 70)))


def _normal_curve(ax: Axes, run: RunFolder, name: str, split: str, axis: Scale) -> None:
    """What a normal distribution of the validation normals' mean and spread expects in
    each bin: the z-score's limits are right as far as the bars follow it."""
    fitted = run.select(name, "val", 0)
    count, spread = len(run.select(name, split, 0)), float(np.std(fitted))
    if not count or not spread > 0:
        return
    edges = _edges(run, split, axis)
    expected = count * np.diff(norm.cdf(edges, np.mean(fitted), spread))
    places = axis.forward(edges)
    middle = axis.inverse((places[1:] + places[:-1]) / 2)
    seen = expected >= 0.5  # below, the axis ends
    label = "normal curve"
    ax.plot(middle[seen], expected[seen], color=INK, lw=1.4, ls=":", label=label)
    ax.legend(loc="upper center", ncols=3, fontsize=8.5, edgecolor="none")


def _histogram(ax: Axes, run: RunFolder, name: str, split: str, axis: Scale) -> None:
    edges = _edges(run, split, axis)
    highest = 0
    for label, word, color in _CLASSES:
        values = run.select(name, split, label)
        count, _ = np.histogram(values, edges)
        highest = max(highest, count.max())
        # An empty bin ends at the axis, also where the axis is logarithmic.
        height = np.maximum(count, 0.5)
        ax.stairs(
            height,
            edges,
            fill=True,
            baseline=0.5,
            facecolor=(color, 0.35),
            edgecolor=color,
            linewidth=1.3,
            label=f"{len(values):,} {word}",
        )
    axes_style(ax)
    if not highest:
        note(ax, "no examples")
        ax.set_yticks([])
        return
    many = len(run.scores["label"]) > 200
    if many:
        ax.set_yscale("log")
        ax.yaxis.set_minor_formatter(NullFormatter())
    else:
        ax.yaxis.set_major_locator(MaxNLocator("auto", integer=True))
    ax.set_ylim(0.5, max(2, highest) * (3 if many else 1.3))
    ax.yaxis.set_major_formatter("{x:,.0f}")
    ax.legend(loc="upper center", ncols=2, fontsize=8.5, edgecolor="none")


def _inside(value: float, axis: Scale) -> bool:
    return axis.low <= value <= axis.high


def _style(mark: Mark, primary: str) -> dict[str, Any]:
    return {
        "color": INK if mark.rule == primary else GREY,
        "linestyle": "-" if mark.status == "deployable" else "--",
        "linewidth": 2.0 if mark.rule == primary else 1.3,
    }


def _lines(ax: Axes, rules: list[Mark], axis: Scale, primary: str) -> None:
    for mark in reversed(rules):
        for limit in (mark.lower, mark.upper):
            if _inside(limit, axis):
                ax.axvline(limit, **_style(mark, primary))


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


def _legend(picture: Figure, rules: list[Mark], axis: Scale) -> None:
    primary = rules[0].rule if rules else ""
    handles = []
    for mark in rules:
        finite = [x for x in (mark.lower, mark.upper) if math.isfinite(x)]
        off = "" if all(_inside(x, axis) for x in finite) else " (off the axis)"
        label = (
            f"{mark.letter}  {mark.rule}: {limits(mark.lower, mark.upper)}{off}\n"
            f"     {mark.status}, fitted on {mark.fit_on}"
        )
        style = _style(mark, primary)
        handles.append(Line2D([], [], label=label, **style))
    words = "anomalous where the score is"
    side_legend(picture, handles, title=words, title_fontsize=9)
