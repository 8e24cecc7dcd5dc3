"""A grid of examples: original, input, reconstruction, what networks behind it make of
that, anomaly map; of these what there is."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from jaxad.report.folder import Examples, RunFolder
from jaxad.report.names import title
from jaxad.report.style import ANOMALOUS, NORMAL, figure, heading, note, text

_ACROSS = 12
_GAP = 0.08


def reconstructions_figure(run: RunFolder) -> Figure:
    """Examples side by side, twelve to a band; all maps share one scale of colours.

    Originals are shown where they differ from what the detector saw.
    """
    examples = run.examples
    layers = _layers(examples)
    names = [*layers, *(["anomaly\nmap"] if examples.map is not None else [])]
    count = len(examples.index)
    if not count:
        picture = figure(5, 2)
        ax = picture.subplots()
        ax.set_axis_off()
        note(ax, "the run kept no examples")
        return picture
    height, width = examples.image.shape[1:3]
    bands, across = -(-count // _ACROSS), min(count, _ACROSS)
    tall = len(names) * 1.13 * height / width + 1.0
    picture = figure(max(1.13 * across, 2.5) + 1.7, 0.4 + tall * bands)
    axes = picture.subplots(bands, 1, squeeze=False).ravel()
    for band, ax in enumerate(axes):
        ax.set_axis_off()
        ax.set_xlim(0, across * (1 + _GAP) - _GAP)
        ax.set_ylim(len(names) * (height / width + _GAP) - _GAP, 0)
        for k in range(band * _ACROSS, min(count, (band + 1) * _ACROSS)):
            shown = _column(ax, examples, layers, k, k - band * _ACROSS)
        for row, word in enumerate(names):
            place = row * (height / width + _GAP) + 0.5 * height / width
            ax.text(-0.06, place, word, ha="right", va="center", fontsize=9)
    if shown is not None:
        bar = picture.colorbar(shown, ax=list(axes), fraction=0.02, aspect=30, pad=0.01)
        bar.set_label(f"anomaly map ({title(run.primary[0])}), one scale for all")
    heading(picture, "Examples of the test data")
    return picture


def _layers(examples: Examples) -> dict[str, np.ndarray]:
    """What is shown of the examples above their maps, (K, H, W, C), by its words."""
    layers = {"original": examples.original, "input": examples.image}
    if np.array_equal(examples.original, examples.image):
        del layers["original"]
    if examples.recon is not None:
        layers["recon-\nstruction"] = examples.recon
    return layers | {name: _centred(name, x) for name, x in examples.pictures.items()}


def _column(
    ax: Axes, examples: Examples, layers: dict[str, np.ndarray], k: int, column: int
) -> AxesImage | None:
    """Draws the pictures of one example; returns its anomaly map, if there is one."""
    entry, maps, shown = examples.index[k], examples.map, None
    height = examples.image.shape[1] / examples.image.shape[2]
    left = column * (1 + _GAP)

    def draw(image: np.ndarray, row: int, **scale: Any) -> AxesImage:
        top = row * (height + _GAP)
        return ax.imshow(image, extent=(left, left + 1, top + height, top), **scale)

    for row, images in enumerate(layers.values()):
        draw(shades(images[k]), row, cmap="gray", vmin=0, vmax=1)
    if maps is not None:
        # The range of all maps, so that equal colours are equal values everywhere.
        low, high = min(0.0, float(maps.min())), float(maps.max())
        high = high if high > low else low + 1
        shown = draw(maps[k], len(layers), cmap="inferno", vmin=low, vmax=high)
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
