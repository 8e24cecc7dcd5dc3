"""A grid of examples: original, input, reconstruction, anomaly map."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jaxad.report.folder import RunFolder
from jaxad.report.style import ANOMALOUS, NORMAL, figure, heading, note, text

_ROWS = ("original", "input", "recon-\nstruction", "anomaly\nmap")
_ACROSS = 12


def reconstructions_figure(run: RunFolder) -> Figure:
    """Examples side by side; all maps share one scale of colours."""
    examples = run.examples
    count = len(examples.index)
    if not count:
        picture = figure(5, 2)
        ax = picture.subplots()
        ax.set_axis_off()
        note(ax, "the run kept no examples")
        return picture
    bands = -(-count // _ACROSS)
    across = min(count, _ACROSS)
    picture = figure(1.7 + 1.12 * across, 0.5 + 5.3 * bands)
    grid = picture.subplots(4 * bands, across, squeeze=False)
    # Spans the range of all maps, so that equal colours are equal values everywhere.
    low, high = min(0.0, float(examples.map.min())), float(examples.map.max())
    high = high if high > low else low + 1.0
    for ax in grid.ravel():
        ax.set_axis_off()
    for k in range(count):
        band, column = divmod(k, _ACROSS)
        cells = grid[4 * band : 4 * band + 4, column]
        shown = _column(run, k, cells, low, high)
        if not column:
            for ax, word in zip(cells, _ROWS, strict=True):
                ax.set_axis_on()
                ax.set_xticks([])
                ax.set_yticks([])
                ax.spines[:].set_visible(False)
                ax.set_ylabel(word, rotation=0, ha="right", va="center", fontsize=9)
    bar = picture.colorbar(shown, ax=grid, fraction=0.03, aspect=30, pad=0.01)
    bar.set_label("anomaly map, one scale for all")
    heading(picture, "Examples of the test data")
    return picture


def _image(ax: Axes, image: np.ndarray) -> None:
    image = np.clip(image, 0, 1)
    if image.shape[-1] in (3, 4):
        ax.imshow(image)
    else:
        ax.imshow(image.mean(axis=-1), cmap="gray", vmin=0, vmax=1)


def _column(run: RunFolder, k: int, cells: np.ndarray, low: float, high: float):
    examples = run.examples
    entry = examples.index[k]
    for ax, images in zip(
        cells, (examples.original, examples.image, examples.recon), strict=False
    ):
        _image(ax, images[k])
    shown = cells[3].imshow(examples.map[k], cmap="inferno", vmin=low, vmax=high)
    anomalous = bool(entry.get("label"))
    words = [text(entry.get("why", ""), 16), text(entry.get("id", k), 16)]
    words.append("anomalous" if anomalous else "normal")
    scores = entry.get("scores", {})
    for name in list(scores)[:2]:
        words.append(f"{name} {scores[name]:.3g}")
    cells[0].set_title(
        "\n".join(words), fontsize=7.5, color=ANOMALOUS if anomalous else NORMAL
    )
    return shown
