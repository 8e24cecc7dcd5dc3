"""A grid of examples: original, input, reconstruction, what networks behind it make of
that, anomaly map, what is found and what is true; of these what there is."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from jaxad.report import anomaly_maps
from jaxad.report.examples import Examples
from jaxad.report.folder import RunFolder
from jaxad.report.names import title
from jaxad.report.style import (
    ANOMALOUS,
    NORMAL,
    figure,
    heading,
    note,
    shades,
    text,
)

_ACROSS = 12
_GAP, _APART = 0.08, 0.3  # between pictures, and between groups of them
_INCH, _LINE = 1.13, 0.135  # of a picture's width, and of a line of words


class _Row(NamedTuple):
    """Pictures of all examples: images (K, H, W, C), or maps (K, H, W).

    found: maps whose contours at the threshold are drawn on them. true: (K, H, W) bool.
    """

    words: str
    images: np.ndarray
    found: np.ndarray | None = None
    true: np.ndarray | None = None


class _Column(NamedTuple):
    """An example: its place in the index, its left side, whether a group begins."""

    k: int
    left: float
    first: bool


def reconstructions_figure(
    run: RunFolder, on: Figure | None = None, made: bool = True
) -> Figure:
    """Examples side by side, twelve to a band at most, best and worst first.

    All maps share one scale of colours. Originals are shown where they differ from what
    the detector saw. The last row has the outlines of what is found and of what is
    true, where a run knows them.

    made: whether to show what the networks make of the images, beside their maps.
    """
    examples = run.examples.plotted()
    if not len(examples.index):
        picture = figure(5, 2, on)
        ax = picture.subplots()
        ax.set_axis_off()
        note(ax, "the run kept no examples")
        return picture
    rows, bands = _rows(examples, made), _bands(examples.index)
    tall = examples.image.shape[1] / examples.image.shape[2]
    wide = max(band[-1].left + 1 for band in bands)
    lines = _LINE * (3 + max(len(_words(entry)) for entry in examples.index))
    inches = _INCH * len(rows) * (tall + _GAP) + lines
    picture = figure(max(_INCH * wide, 4) + 1.7, 0.9 + inches * len(bands), on)
    axes = picture.subplots(len(bands), 1, squeeze=False).ravel()
    norm = None if examples.map is None else anomaly_maps.norm(examples)
    shown = [
        _band(ax, examples, rows, band, norm, wide)
        for ax, band in zip(axes, bands, strict=True)
    ]
    score = run.primary[0]
    if shown[0] is not None:
        anomaly_maps.colour_bar(picture, list(axes), shown[0], examples, score)
    anomaly_maps.legend(picture, examples)
    by = f"best and worst by {title(score)}"
    heading(picture, f"Examples of the test data; {by}")
    return picture


def _rows(examples: Examples, made: bool) -> list[_Row]:
    """What is shown of the examples, from top to bottom."""
    layers = {"original": examples.original, "input": examples.image}
    if np.array_equal(examples.original, examples.image):
        del layers["original"]
    if examples.recon is not None and made:
        layers["recon-\nstruction"] = examples.recon
    if made:
        layers |= {name: _centred(name, x) for name, x in examples.pictures.items()}
    rows = [_Row(words, images) for words, images in layers.items()]
    found = None if examples.scale is None else examples.map
    if examples.map is not None:
        rows.append(_Row("anomaly\nmap", examples.map, found))
    marks = {"found": found, "true": examples.mask}
    if words := " and\n".join(name for name, x in marks.items() if x is not None):
        rows.append(_Row(words, examples.image, found, examples.mask))
    return rows


def _bands(index: Sequence[dict[str, Any]]) -> list[list[_Column]]:
    """The examples in rows of the page: one class a row, about equally many in each."""
    bands = []
    for _, members in groupby(range(len(index)), lambda k: index[k].get("label")):
        whole = np.array(list(members))
        for part in np.array_split(whole, -(-len(whole) // _ACROSS)):
            bands.append(list(_columns(index, part.tolist())))
    return bands


def _columns(index: Sequence[dict[str, Any]], part: list[int]) -> Iterator[_Column]:
    left, before = 0.0, None
    for k in part:
        why = index[k].get("why", "")
        first = why != before
        left += _APART if first and before is not None else 0
        yield _Column(k, left, first)
        left, before = left + 1 + _GAP, why


def _band(
    ax: Axes,
    examples: Examples,
    rows: list[_Row],
    band: list[_Column],
    norm: Normalize | None,
    wide: float,
) -> AxesImage | None:
    """Draws a row of the page; returns one of its anomaly maps, if there is any."""
    tall, shown = examples.image.shape[1] / examples.image.shape[2], None
    ax.set_axis_off()
    ax.set_anchor("W")
    for column in band:
        shown = _example(ax, examples, rows, column, norm)
    for number, row in enumerate(rows):
        place = number * (tall + _GAP) + 0.5 * tall
        ax.text(-0.06, place, row.words, ha="right", va="center", fontsize=9)
    ax.set_xlim(0, wide)
    ax.set_ylim(len(rows) * (tall + _GAP) - _GAP, 0)
    return shown


def _example(
    ax: Axes,
    examples: Examples,
    rows: list[_Row],
    column: _Column,
    norm: Normalize | None,
) -> AxesImage | None:
    """Draws the pictures of one example; returns its anomaly map, if there is one."""
    k, left = column.k, column.left
    scale, shown, top = examples.scale, None, 0.0
    tall = examples.image.shape[1] / examples.image.shape[2]
    for row in rows:
        frame, box = (left, left + 1, top + tall, top), (left, top, 1, tall)
        if row.images.ndim == 3:
            shown = ax.imshow(row.images[k], extent=frame, cmap="inferno", norm=norm)
        else:
            image = shades(row.images[k])
            ax.imshow(image, extent=frame, cmap="gray", vmin=0, vmax=1)
        if row.true is not None:
            anomaly_maps.true(ax, row.true[k], box)
        if row.found is not None and scale is not None:
            anomaly_maps.found(ax, row.found[k], scale, box)
        top += tall + _GAP
    _captions(ax, examples.index[k], column)
    return shown


def _captions(ax: Axes, entry: dict[str, Any], column: _Column) -> None:
    """What an example is, above it, and above that what its group is."""
    left, color = column.left, ANOMALOUS if entry.get("label") else NORMAL
    words = "\n".join(_words(entry))
    if column.first:
        label = "anomalous" if entry.get("label") else "normal"
        group = f"{label}, {text(entry.get('why', ''), 18)}"
        bold: dict[str, Any] = {"fontsize": 9, "fontweight": "bold", "va": "bottom"}
        lines = "\n" * (words.count("\n") + 1)
        ax.text(left, -0.05, group + lines, color=color, ha="left", **bold)
    at: dict[str, Any] = {"ha": "center", "va": "bottom", "fontsize": 7.5}
    ax.text(left + 0.5, -0.05, words, color=color, **at)


def _words(entry: dict[str, Any]) -> list[str]:
    """Short lines about an example: id, kind of defect, two scores."""
    words = [text(entry.get("id", ""), 18)]
    if entry.get("label"):
        words.append(text(entry.get("defect", ""), 18))
    for name, value in list(entry.get("scores", {}).items())[:2]:
        number = f"{value:.3g}"
        words.append(f"{text(name, 17 - len(number))} {number}")
    return words


def _centred(name: str, picture: np.ndarray) -> np.ndarray:
    """A mask is added to an image: it is shown with grey for nothing."""
    return picture + 0.5 if name == "mask" else picture
