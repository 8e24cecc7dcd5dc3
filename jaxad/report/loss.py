"""Loss curves."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from jaxad.report.folder import RunFolder
from jaxad.report.names import title
from jaxad.report.style import ANOMALOUS, GREY, INK, NORMAL, axes_style, figure, heading


def loss_figure(run: RunFolder, on: Figure | None = None) -> Figure:
    """Training and validation loss by epoch, the gap between them, the best epoch.

    Stages stand side by side: their losses have scales of their own. Of a GAN, the
    losses of its networks, and what its discriminator says of real and fake images.
    """
    stage = run.history.get("stage", np.ones(len(run.history["epoch"])))
    stages = np.unique(stage)
    picture = figure(8 if len(stages) == 1 else 12, 5.6, on)
    heading(picture, "Loss by epoch")
    axes = picture.subplots(
        2, len(stages), sharex="col", height_ratios=(3, 1.2), squeeze=False
    )
    for column, (above, below) in zip(stages, axes.T, strict=True):
        history = {k: v[stage == column] for k, v in run.history.items()}
        _stage(above, run, history, column)
        if len(stages) > 1:
            above.set_title("autoencoder" if column == 1 else "denoising network")
        (_judged if "d_real" in history else _gap)(below, history)
        below.set_xlabel("epoch")
        below.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        epochs = history["epoch"]
        pad = max(0.5, 0.02 * len(epochs))
        below.set_xlim(epochs.min() - pad, epochs.max() + pad)
    return picture


def draw_loss(ax: Axes, run: RunFolder) -> None:
    """The losses of the last stage alone."""
    stage = run.history.get("stage", np.ones(len(run.history["epoch"])))
    history = {k: v[stage == stage.max()] for k, v in run.history.items()}
    _stage(ax, run, history, stage.max())
    ax.set_xlabel("epoch")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def _stage(ax: Axes, run: RunFolder, history: dict[str, Any], number: float) -> None:
    group = run.config if number == 1 else run.config["denoiser"]
    if "d_real" in history:
        return _adversaries(ax, history)
    best = run.metrics["fit"].get("best_epoch", 0)
    return _losses(ax, history, best, _kind(group))


def _kind(group: dict[str, Any]) -> str | None:
    """The name of a stage's loss: a group of the config, or a field of its own."""
    loss = group.get("loss")
    return loss.get("kind") if isinstance(loss, dict) else loss


def _dots(count: int) -> dict[str, Any]:
    return {"marker": "o", "markersize": 4 if count < 30 else 0, "linewidth": 1.8}


def _adversaries(ax: Axes, history: dict[str, np.ndarray]) -> None:
    """The losses of a GAN's networks, which have no validation loss."""
    for name, column, color in (
        ("discriminator", "train_loss", NORMAL),
        ("generator", "generator_loss", ANOMALOUS),
        ("encoder", "encoder_loss", GREY),
    ):
        values, dots = history[column], _dots(len(history[column]))
        ax.plot(history["epoch"], values, color=color, label=name, **dots)
    told = "discriminator at chance"
    ax.axhline(np.log(2), color=GREY, linewidth=1, linestyle=":", label=told)
    ax.set_ylabel("loss")
    ax.legend(frameon=False)
    axes_style(ax)


def _judged(ax: Axes, history: dict[str, np.ndarray]) -> None:
    """Mean probability of being real that the discriminator gives."""
    for name, column, color in (
        ("real images", "d_real", NORMAL),
        ("generated images", "d_fake", ANOMALOUS),
    ):
        values, dots = history[column], _dots(len(history[column]))
        ax.plot(history["epoch"], values, color=color, label=name, **dots)
    ax.axhline(0.5, color=GREY, linewidth=1, linestyle=":")
    ax.set_ylim(0, 1)
    ax.set_ylabel("D, mean")
    ax.legend(frameon=False, ncols=2)
    axes_style(ax)


def _losses(ax: Axes, history, best: int, kind: str | None) -> None:
    epoch, train, val = (history[k] for k in ("epoch", "train_loss", "val_loss"))
    style = _dots(len(epoch))
    ax.plot(epoch, train, color=NORMAL, label="training", **style)
    style["linestyle"] = (0, (5, 1.5))
    ax.plot(epoch, val, color=ANOMALOUS, label="validation", **style)
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
    ax.set_ylabel(f"loss ({title(kind)})" if kind else "loss")
    ax.legend(frameon=False)
    axes_style(ax)


def _gap(ax: Axes, history: dict[str, np.ndarray]) -> None:
    gap = history["val_loss"] - history["train_loss"]
    ax.axhline(0, color=GREY, linewidth=1)
    ax.plot(history["epoch"], gap, color=INK, **_dots(len(gap)))
    ax.ticklabel_format(axis="y", scilimits=(-3, 4))
    ax.set_ylabel("validation\nless training")
    axes_style(ax)
