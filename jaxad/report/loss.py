"""Loss curves."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from jaxad.report.folder import RunFolder
from jaxad.report.names import title
from jaxad.report.style import ANOMALOUS, GREY, INK, NORMAL, axes_style, figure, heading


def loss_figure(run: RunFolder) -> Figure:
    """Training and validation loss by epoch, the gap between them, the best epoch."""
    picture = figure(8, 5.6)
    heading(picture, "Loss by epoch")
    above, below = picture.subplots(2, 1, sharex=True, height_ratios=(3, 1.2))
    _losses(above, run)
    _gap(below, run)
    below.set_xlabel("epoch")
    below.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    epochs = run.history["epoch"]
    pad = max(0.5, 0.02 * len(epochs))
    below.set_xlim(epochs.min() - pad, epochs.max() + pad)
    return picture


def _dots(count: int) -> dict[str, Any]:
    return {"marker": "o", "markersize": 4 if count < 30 else 0, "linewidth": 1.8}


def _losses(ax: Axes, run: RunFolder) -> None:
    history, fit = run.history, run.metrics["fit"]
    epoch, train, val = (history[k] for k in ("epoch", "train_loss", "val_loss"))
    style = _dots(len(epoch))
    ax.plot(epoch, train, color=NORMAL, label="training", **style)
    style["linestyle"] = (0, (5, 1.5))
    ax.plot(epoch, val, color=ANOMALOUS, label="validation", **style)
    best = fit.get("best_epoch")
    at = np.flatnonzero(epoch == best)
    if len(at) and np.isfinite(val[at[0]]):
        ax.axvline(best, color=GREY, linewidth=1, linestyle=":")
        ax.plot(
            [best],
            [val[at[0]]],
            marker="o",
            markersize=12,
            markerfacecolor="none",
            markeredgewidth=1.8,
            linestyle="none",
            clip_on=False,
            color=INK,
            label=f"kept: epoch {best}, validation {val[at[0]]:.4g}",
        )
    values = np.concatenate([train, val])
    values = values[np.isfinite(values)]
    if len(values) and values.min() > 0 and values.max() > 10 * values.min():
        ax.set_yscale("log")
    kind = run.config.get("loss", {}).get("kind")
    ax.set_ylabel(f"loss ({title(kind)})" if kind else "loss")
    ax.legend(frameon=False)
    axes_style(ax)


def _gap(ax: Axes, run: RunFolder) -> None:
    history = run.history
    gap = history["val_loss"] - history["train_loss"]
    ax.axhline(0, color=GREY, linewidth=1)
    ax.plot(history["epoch"], gap, color=INK, **_dots(len(gap)))
    ax.ticklabel_format(axis="y", scilimits=(-3, 4))
    ax.set_ylabel("validation\nless training")
    axes_style(ax)
