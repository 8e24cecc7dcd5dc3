"""What a run's bottleneck holds, and how normal and anomalous images come back."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jaxad.report.folder import RunFolder
from jaxad.report.style import ANOMALOUS, GREY, INK, NORMAL, axes_style, figure, heading


def latents_figure(run: RunFolder, on: Figure | None = None) -> Figure:
    """Variance and divergence of each latent, largest first; errors by class."""
    latent = run.metrics["latent"]
    several = "kl" in latent
    picture = figure(13 if several else 9.5, 4.4, on)
    heading(picture, "Bottleneck and reconstruction")
    ratios = (2, 2, 1) if several else (2, 1)
    axes = picture.subplots(1, len(ratios), width_ratios=ratios)
    _sorted(axes[0], latent["variance"], "variance over validation normals")
    axes[0].set_title(_words(latent), fontsize=10, loc="left")
    if several:
        _sorted(axes[1], latent["kl"], "divergence from the prior (nats)")
        total = f"{latent['kl_total']:.4g} nats in all"
        axes[1].set_title(total, fontsize=10, loc="left")
    _errors(axes[-1], run.metrics.get("reconstruction") or {})
    return picture


def _words(latent: dict[str, Any]) -> str:
    words = f"{latent['size']} latents, {latent['dead']} dead"
    if latent["dimensions"] is not None:
        words += f", {latent['dimensions']:.3g} directions in use"
    return words


def _sorted(ax: Axes, values: list[float], name: str) -> None:
    axes_style(ax)
    rows, shown = np.arange(1, len(values) + 1), np.array(values)
    ax.fill_between(rows, shown, step="mid", color=NORMAL, alpha=0.25, linewidth=0)
    ax.step(rows, shown, where="mid", color=NORMAL, linewidth=1.6)
    positive = shown[shown > 0]
    if len(positive) and shown.max() > 100 * positive.min():
        ax.set_yscale("log")
    ax.set_xlim(0.5, len(values) + 0.5)
    ax.set_xlabel("latent, largest first")
    ax.set_ylabel(name)


def _errors(ax: Axes, errors: dict[str, Any]) -> None:
    axes_style(ax)
    pairs = [("normal", "mse_clean", NORMAL), ("anomalous", "mse_anomalous", ANOMALOUS)]
    for place, (name, key, color) in enumerate(pairs):
        value = errors.get(key)
        if value is None:
            continue
        ax.bar([place], [value], color=color, width=0.6, label=name)
        ax.text(place, value, f"{value:.3g}", ha="center", va="bottom", color=INK)
    ax.set_xticks([0, 1], ["normal", "anomalous"])
    ax.margins(y=0.12)
    ax.set_ylabel("MSE of the reconstruction, test")
    gap = errors.get("identity_gap")
    if gap is not None:
        ax.set_title(f"identity gap {gap:.3g}", fontsize=10, loc="left")
        ax.axhline(errors["mse_clean"], color=GREY, linewidth=1, linestyle=":")


def bandwidth_figure(run: RunFolder) -> Figure:
    """How likely a kernel density finds validation normals, by its bandwidth."""
    latent = run.metrics["latent"]
    found = latent["bandwidth"]
    picture = figure(8, 4.6)
    ax = picture.subplots()
    axes_style(ax)
    each = np.array(found["likelihoods"]) / latent["size"]
    ax.plot(found["widths"], each, marker="o", markersize=4)
    ax.set_xscale("log")
    # Differences of a thousand nats a number are no reason to hide those of one.
    ax.set_yscale("symlog", linthresh=1.0)
    ax.axvline(found["chosen"], color=GREY, linestyle="--", linewidth=1)
    ax.set_xlabel("bandwidth (standard deviations of the latents)")
    ax.set_ylabel("log density of validation normals (nats a number)")
    words = (
        f"Kernel density of {latent['size']} numbers: bandwidth {found['chosen']:.3g}"
    )
    heading(picture, words)
    return picture
