"""Histograms of scores by class, and the axis that suits them."""

from typing import Literal, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullFormatter

from jaxad.display.style import ANOMALOUS, NORMAL, axes_style, note

Kind = Literal["linear", "log", "asinh"]
CLASSES = ((0, "normal", NORMAL), (1, "anomalous", ANOMALOUS))


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


def edges(axis: Scale, count: int) -> np.ndarray:
    """The bins of so many examples."""
    return axis.bins(int(np.clip(2 * count**0.5, 25, 70)))


def set_scale(ax: Axes, axis: Scale) -> None:
    """Scale and ends of the axis of scores."""
    if axis.kind == "asinh":
        ax.set_xscale("asinh", linear_width=axis.width)
    else:
        ax.set_xscale(axis.kind)
    ax.set_xlim(axis.low, axis.high)


def draw_classes(
    ax: Axes,
    classes: list[tuple[str, str, np.ndarray]],
    bins: np.ndarray,
    many: bool,
) -> None:
    """A histogram of each class, given by its word, its colour and its scores (n,).

    bins: their edges. many: whether to count on a logarithmic axis.
    """
    highest = 0
    for word, color, values in classes:
        count, _ = np.histogram(values, bins)
        highest = max(highest, count.max())
        # An empty bin ends at the axis, also where the axis is logarithmic.
        height = np.maximum(count, 0.5)
        ax.stairs(
            height,
            bins,
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
    if many:
        ax.set_yscale("log")
        ax.yaxis.set_minor_formatter(NullFormatter())
    else:
        ax.yaxis.set_major_locator(MaxNLocator("auto", integer=True))
    ax.set_ylim(0.5, max(2, highest) * (3 if many else 1.3))
    ax.yaxis.set_major_formatter("{x:,.0f}")
    ax.legend(loc="upper center", ncols=2, fontsize=8.5, edgecolor="none")
