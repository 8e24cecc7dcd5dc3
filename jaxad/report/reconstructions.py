"""A grid of examples: original, input, reconstruction, what networks behind it make of
that, anomaly map."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from jaxad.report.folder import Examples, RunFolder
from jaxad.report.names import title
from jaxad.report.style import ANOMALOUS, NORMAL, figure, heading, note, text

_FIRST, _LAST = ("original", "input", "recon-\nstruction"), "anomaly\nmap"
_ACROSS = 12
_GAP = 0.08


def reconstructions_figure(run: RunFolder) -> Figure:
    """Examples side by side, twelve to a band; all maps share one scale of colours.

    Originals are shown where they differ from what the detector saw.
    """
    examples = run.examples
    names = [*_FIRST, *examples.pictures, _LAST]
    names = names[np.array_equal(examples.original, examples.image) :]
    count = len(examples.index)
    if not count:
        picture = figure(5, 2)
        ax = picture.subplots()
        ax.set_axis_off()
        note(ax, "the run kept no examples")
        return picture
    height, width = examples.map.shape[1:]
    bands, across = -(-count // _ACROSS), min(count, _ACROSS)
    tall = len(names) * 1.13 * height / width + 1.0
    picture = figure(max(1.13 * across, 2.5) + 1.7, 0.4 + tall * bands)
    axes = picture.subplots(bands, 1, squeeze=False).ravel()
    for band, ax in enumerate(axes):
        ax.set_axis_off()
        ax.set_xlim(0, across * (1 + _GAP) - _GAP)
        ax.set_ylim(len(names) * (height / width + _GAP) - _GAP, 0)
        for k in range(band * _ACROSS, min(count, (band + 1) * _ACROSS)):
            shown = _column(ax, examples, len(names), k, k - band * _ACROSS)
        for row, word in enumerate(names):
            place = row * (height / width + _GAP) + 0.5 * height / width
            ax.text(-0.06, place, word, ha="right", va="center", fontsize=9)
    bar = picture.colorbar(shown, ax=list(axes), fraction=0.02, aspect=30, pad=0.01)
    bar.set_label(f"anomaly map ({title(run.primary[0])}), one scale for all")
    heading(picture, "Examples of the test data")
    return picture


def _column(ax: Axes, examples: Examples, rows: int, k: int, column: int) -> AxesImage:
    """Draws the last `rows` pictures of one example; returns its anomaly map."""
    entry, maps = examples.index[k], examples.map
    height = maps.shape[1] / maps.shape[2]
    left = column * (1 + _GAP)
    # The range of all maps, so that equal colours are equal values everywhere.
    low, high = min(0.0, float(maps.min())), float(maps.max())
    scale: dict[str, Any] = {
        "cmap": "inferno",
        "vmin": low,
        "vmax": high if high > low else low + 1,
    }
    layers = [examples.original[k], examples.image[k], examples.recon[k]]
    layers += [_centred(name, x[k]) for name, x in examples.pictures.items()]
    for row, image in enumerate([*map(shades, layers), maps[k]][-rows:]):
        top = row * (height + _GAP)
        shown = ax.imshow(
            image,
            extent=(left, left + 1, top + height, top),
            **(scale if row == rows - 1 else {"cmap": "gray", "vmin": 0, "vmax": 1}),
        )
    label = "anomalous" if entry.get("label") else "normal"
    words = [text(entry.get("why", ""), 18), text(entry.get("id", k), 18), label]
    if entry.get("label"):
        words.append(text(entry.get("defect", ""), 18))
    scores = entry.get("scores", {})
    words += [f"{name} {scores[name]:.3g}" for name in list(scores)[:2]]
    ax.text(
        left + 0.5,
        -0.05,
        "\n".join(words),
        ha="center",
        va="bottom",
        fontsize=7.5,
        color=ANOMALOUS if entry.get("label") else NORMAL,
    )
    return shown


def _centred(name: str, picture: np.ndarray) -> np.ndarray:
    """A mask is added to an image: it is shown with grey for nothing."""
    return picture + 0.5 if name == "mask" else picture


def shades(image: np.ndarray) -> np.ndarray:
    """(..., C) as something to show: colours where C is 3 or 4, else the mean."""
    image = np.clip(image, 0, 1)
    return image if image.shape[-1] in (3, 4) else image.mean(axis=-1)
