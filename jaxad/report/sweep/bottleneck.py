"""Reconstruction by bottleneck size, of a sweep over it."""

import numpy as np
from matplotlib.figure import Figure

from jaxad.report.style import (
    ANOMALOUS,
    INK,
    NORMAL,
    axes_style,
    figure,
    heading,
    note,
    text,
)
from jaxad.report.sweep.folder import SweepFolder
from jaxad.report.sweep.scales import is_wide, scale, set_axis


def bottleneck_axis(sweep: SweepFolder) -> str | None:
    """The axis that is the size of a bottleneck, if there is one."""
    found = [name for name in sweep.axes if name.endswith("latent_dim")]
    return found[0] if found else None


def bottleneck_figure(
    sweep: SweepFolder, axis: str, on: Figure | None = None
) -> Figure:
    """Errors of normal and anomalous validation images, and their ratio, by its size.

    Each point is the mean over all members of one size that did not fail. Without
    anomalous validation images there is the error of normals alone.
    """
    table = sweep.members
    where = scale(table.text[axis])
    x = np.array([where.places[cell] for cell in table.text[axis]])
    at = np.unique(x[sweep.good])
    picture = figure(8, 6, on)
    heading(picture, "Reconstruction of validation images by size of the bottleneck")
    above, below = picture.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    means = {}
    for name, color in (("mse_normal", NORMAL), ("mse_anomalous", ANOMALOUS)):
        values = table.number[name]
        means[name] = np.array([values[sweep.good & (x == a)].mean() for a in at])
        if not np.isfinite(means[name]).any():
            continue
        label = name.removeprefix("mse_")
        above.plot(at, means[name], color=color, marker="o", label=label, lw=1.8)
    axes_style(above)
    if is_wide(np.concatenate(list(means.values()))):
        above.set_yscale("log")
    above.set_ylabel("mean squared error")
    above.legend(frameon=False)
    gap = means["mse_anomalous"] / means["mse_normal"]
    axes_style(below)
    if np.isfinite(gap).any():
        below.plot(at, gap, color=INK, marker="o", lw=1.8)
    else:
        note(below, "no anomalous validation images")
    below.set_ylabel("identity gap\n(anomalous / normal)")
    below.set_xlabel(text(axis, 40))
    set_axis(below, where)
    return picture
