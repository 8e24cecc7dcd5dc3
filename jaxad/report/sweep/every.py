"""All settings on held-out data: a curve over an axis for each value of another."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from jaxad.report.names import title
from jaxad.report.style import (
    GREY,
    axes_style,
    curve_style,
    figure,
    heading,
    side_legend,
    text,
)
from jaxad.report.sweep.folder import SweepFolder, value
from jaxad.report.sweep.scales import is_numeric, scale, set_axis


def every_figure(sweep: SweepFolder, on: Figure | None = None) -> Figure:
    """AUROC on held-out data against the first numeric axis that is not `each`.

    A curve for each value of `each`, with the mean over the settings that share both;
    the black line is the mean of the curves.
    """
    table = sweep.every
    axes = [name for name in sweep.axes if name != sweep.each]
    numeric = [name for name in axes if is_numeric(table.text[name])]
    axis = (numeric or axes)[0]
    where = scale(table.text[axis], words=not numeric)
    rows = [i for i, name in enumerate(table.text["score"]) if name == sweep.score]
    x = np.array([where.places[table.text[axis][i]] for i in rows])
    y = table.number["auroc"][rows]
    own = [table.text[sweep.each][i] if sweep.each in sweep.axes else "" for i in rows]
    picture = figure(9, 5.2, on)
    ax = picture.subplots()
    axes_style(ax)
    handles, means = [], []
    for place, name in enumerate(dict.fromkeys(own)):
        chosen = np.array([cell == name for cell in own])
        color, dash = curve_style(place)
        at = np.unique(x[chosen])
        mean = np.array([y[chosen & (x == a)].mean() for a in at])
        means.append(dict(zip(at.tolist(), mean.tolist(), strict=True)))
        ax.plot(at, mean, color=color, linestyle=dash, marker="o", ms=4, lw=1.6)
        label = f"{sweep.short(str(sweep.each))} {text(value(name), 24)}"
        handles.append(Line2D([], [], color=color, linestyle=dash, label=label))
    if len(means) > 1:
        shared = sorted(set.intersection(*(set(m) for m in means)))
        middle = [np.mean([m[place] for m in means]) for place in shared]
        ax.plot(shared, middle, color="black", lw=2.8)
        handles.append(Line2D([], [], color="black", lw=2.8, label="mean"))
        side_legend(picture, handles)
    ax.axhline(0.5, color=GREY, lw=1, linestyle=":")
    set_axis(ax, where)
    ax.set_xlabel(text(axis, 40))
    ax.set_ylabel(f"AUROC of {title(sweep.score)}")
    heading(picture, "All settings on held-out data (none is chosen by it)")
    return picture
