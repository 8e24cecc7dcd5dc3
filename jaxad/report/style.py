"""What all pictures of runs share: curves, headings, and saving."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from jaxad.display.style import (
    ANOMALOUS,
    GREY,
    INK,
    NORMAL,
    axes_style,
    note,
    shades,
    text,
)
from jaxad.folder import write_bytes
from jaxad.progress import counted, part
from jaxad.report.folder import RunFolder

__all__ = ["ANOMALOUS", "DPI", "GREY", "INK", "NORMAL", "axes_style", "curve_style"]
__all__ += ["figure", "heading", "line", "note", "save", "save_all", "shades"]
__all__ += ["side_legend", "spread", "text"]

_MODEL = (NORMAL, ANOMALOUS, "#009E73", "#CC79A7")
_BASELINE = ("#000000", "#56B4E9", "#E69F00", "#8A8A8A")
_DASHES: tuple[Any, ...] = ((0, (5, 2)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)), "--")
DPI = 120


def figure(width: float, height: float, on: Figure | None = None) -> Figure:
    """An empty figure, in inches, that fits its parts in without overlaps.

    on: an empty one of pyplot's that is to be taken, for a notebook.
    """
    if on is None:
        return Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    on.set_size_inches(width, height)
    return on


def heading(picture: Figure, words: str) -> None:
    """The title of a picture, at its left."""
    picture.suptitle(words, x=0.01, ha="left", fontsize=12, fontweight="bold")


def side_legend(picture: Figure, handles: list[Line2D], **options: Any) -> None:
    """A legend at the right of a picture, which grows taller where it has to."""
    lines = sum(str(handle.get_label()).count("\n") + 1.6 for handle in handles) + 2
    picture.set_figheight(max(picture.get_figheight(), 0.155 * lines))
    picture.legend(
        handles=handles,
        loc="outside right upper",
        frameon=False,
        fontsize=8.5,
        labelspacing=0.6,
        alignment="left",
        **options,
    )


def line(run: RunFolder, name: str) -> dict[str, Any]:
    """Colour and dashes of a score's curve, the same in all pictures of the run."""
    same = [n for n in run.names if run.is_baseline(n) == run.is_baseline(name)]
    place = same.index(name)
    if run.is_baseline(name):
        dash = _DASHES[place % len(_DASHES)]
        color = _BASELINE[place % len(_BASELINE)]
        return {"color": color, "linestyle": dash, "linewidth": 1.6}
    width = 2.6 if name == run.primary[0] else 1.8
    color, dash = _MODEL[place % len(_MODEL)], ("-", *_DASHES)[place // len(_MODEL) % 4]
    return {"color": color, "linestyle": dash, "linewidth": width}


def curve_style(place: int) -> tuple[str, Any]:
    """Colour and dashes of the curve at `place` among up to sixteen unlike ones."""
    colors = (*_MODEL, *_BASELINE[1:], INK)
    dashes = ("-", *_DASHES[:3])
    return colors[place % len(colors)], dashes[place // len(colors) % len(dashes)]


def spread(places: np.ndarray, gap: float, low: float, high: float) -> np.ndarray:
    """Moves labels apart: at least `gap` between neighbours, near their places.

    places: (n,) float, any order. Returns (n,) float within [low, high]; the gap
    shrinks where there is no room for it.
    """
    count = len(places)
    gap = min(gap, (high - low) / max(count - 1, 1))
    order = np.argsort(places, kind="stable")
    steps = gap * np.arange(count)
    # Least squares under the gaps is isotonic regression of the places less the steps.
    blocks: list[list[float]] = []
    for value in places[order] - steps:
        blocks.append([value, 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            mean, size = blocks.pop()
            total = blocks[-1][1] + size
            blocks[-1] = [(blocks[-1][0] * blocks[-1][1] + mean * size) / total, total]
    level = np.repeat([b[0] for b in blocks], [int(b[1]) for b in blocks])
    moved = np.empty(count)
    moved[order] = np.clip(level, low, high - gap * (count - 1)) + steps
    return moved


def save_all(figures: dict[str, Figure], folder: Path) -> list[Path]:
    """Writes each figure as `<name>.png` into `folder`, as `save` does."""
    folder.mkdir(exist_ok=True)
    part("")
    each = counted(figures.items(), "pictures", len(figures))
    return [save(picture, folder / f"{name}.png") for name, picture in each]


def save(figure: Figure, path: Path) -> Path:
    """Writes a PNG whole or not at all; the same figure gives the same bytes.

    Raises: CheckpointError where the file cannot be written.
    """
    # Laid out here, the figure is drawn once; `savefig` would draw it twice.
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
        figure.set_layout_engine("none")
    data = io.BytesIO()
    figure.savefig(data, format="png", metadata={"Software": None})
    write_bytes(path, data.getvalue())
    return path
