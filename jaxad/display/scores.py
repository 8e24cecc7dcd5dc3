"""Pictures of scores and of their maps."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jaxad.display.histogram import CLASSES, draw_classes, edges, scale, set_scale
from jaxad.display.style import GREY, on_axes, on_new, shades, text
from jaxad.errors import DataError

_MANY = 200
"""Scores beyond which a histogram counts on a logarithmic axis."""


def plot_values(
    values: Mapping[str, Any], label: Any, name: str | None, ax: Axes | None
) -> Axes:
    """A histogram of one score, by class where there are labels."""
    name = _known(values, name, "score")
    score = np.asarray(values[name])
    if not np.isfinite(score).all() or not score.size:
        raise DataError(f"{name}: {score.size} scores, not all finite: no histogram")
    known = None if label is None else np.asarray(label)
    if known is not None and known.shape != score.shape:
        raise DataError(f"labels of shape {known.shape}, scores of {score.shape}")
    if known is not None and not np.isin(known, (0, 1)).all():
        raise DataError("labels: 0 (normal) and 1 (anomalous) are known, no others")
    axis = scale(score, [])
    classes = [("images", GREY, score)]
    if known is not None:
        classes = [(word, color, score[known == c]) for c, word, color in CLASSES]

    def draw(ax: Axes) -> None:
        draw_classes(ax, classes, edges(axis, score.size), score.size > _MANY)
        set_scale(ax, axis)
        ax.set_xlabel(f"{text(name)} score (higher = more anomalous)")
        ax.set_ylabel("examples per bin")

    return on_axes(draw, ax, 7, 3.2)


def plot_maps(
    scores: tuple[Mapping[str, Any], Mapping[str, Any]],
    images: Any,
    name: str | None,
    rows: Sequence[int] | None,
    count: int,
) -> np.ndarray:
    """Images above their maps, (2, n) axes; see `Scores.plot_maps`."""
    values, maps = scores
    name = _known(maps, name, "map")
    found, image = np.asarray(maps[name]), _images(images)
    if found.shape != image.shape[:3]:
        raise DataError(
            f"images of {image.shape[:3]}, but maps of {found.shape}; give the images "
            "that were scored"
        )
    score = np.asarray(values[name])
    chosen = np.argsort(-score, kind="stable")[:count] if rows is None else [*rows]
    if not len(chosen):
        raise DataError("no images to show the maps of")
    if not all(-len(image) <= row < len(image) for row in chosen):
        raise DataError(f"rows {[*map(int, chosen)]}: there are {len(image)} images")
    taken = image[chosen], found[chosen]
    words = [f"{k}: {score[k]:.3g}" for k in chosen]
    axes = on_new(lambda picture: _draw_maps(picture, *taken, words, name))
    return axes.reshape(2, -1)


def _draw_maps(
    picture: Figure, image: np.ndarray, maps: np.ndarray, words: list[str], name: str
) -> None:
    """One scale of colours for all, so that maps can be compared."""
    count, tall = len(image), image.shape[1] / image.shape[2]
    picture.set_size_inches(1.2 * count + 1.0, 2.4 * tall + 0.5)
    axes = picture.subplots(2, count, squeeze=False)
    low, high = min(0.0, float(maps.min())), float(maps.max())
    limits = {"vmin": low, "vmax": high if high > low else low + 1}
    for k, (above, below) in enumerate(axes.T):
        above.imshow(shades(image[k]), cmap="gray", vmin=0, vmax=1)
        shown = below.imshow(maps[k], cmap="inferno", **limits)
        above.set_title(words[k], fontsize=8)
        for ax in (above, below):
            ax.set_axis_off()
    bar = picture.colorbar(shown, ax=list(axes.ravel()), fraction=0.03, pad=0.01)
    bar.set_label(f"map of {text(name)}, one scale", fontsize=8)
    bar.ax.tick_params(labelsize=8)


def _images(images: Any) -> np.ndarray:
    """(N, H, W, C) in [0, 1], from what `jaxad.score` takes."""
    image = np.asarray(images)
    image = image[..., None] if image.ndim == 3 else image
    if image.ndim != 4:
        raise DataError(f"images must be (N, H, W) or (N, H, W, C), not {image.shape}")
    return image / np.float32(255) if image.dtype == np.uint8 else image


def _known(table: Mapping[str, Any], name: str | None, what: str) -> str:
    """The name of a column; none: the first one."""
    if not table:
        raise DataError(f"these scores have no {what} to show")
    if name is not None and name not in table:
        raise DataError(f"no {what} {name}; there are: {', '.join(table)}")
    return next(iter(table)) if name is None else name
