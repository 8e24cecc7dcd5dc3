"""Anomaly maps in pictures: one scale of colours, what is found, what is true."""

from typing import Any

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.colors import Normalize, to_rgba
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from jaxad.report.examples import Examples, MapScale
from jaxad.report.names import title

FOUND, TRUE = "#00D5FF", "#F0E442"
_VEIL = 0.55
# A dark edge keeps light lines apart from light images.
_EDGE: list[patheffects.AbstractPathEffect] = [
    patheffects.withStroke(linewidth=1.8, foreground="#000000")
]


def norm(examples: Examples) -> Normalize:
    """The colours of all maps of a run; of one that kept no scale, their range."""
    maps, scale = examples.map, examples.scale
    if scale is not None:
        return Normalize(scale.low, scale.high)
    assert maps is not None
    low, high = min(0.0, float(maps.min())), float(maps.max())
    return Normalize(low, high if high > low else low + 1)


def found(ax: Axes, values: np.ndarray, scale: MapScale, box: tuple) -> None:
    """The contour of a map (H, W) at its threshold; nothing where it is not crossed.

    box: left, top, width and height of the picture on the axes.
    """
    crossed = values.min() < scale.threshold <= values.max()
    if not crossed or min(values.shape) < 2:  # a line of pixels has no contour
        return
    left, top, width, height = box
    # Values are those of the middles of pixels.
    down, across = ((np.arange(side) + 0.5) / side for side in values.shape)
    x, y = left + width * across, top + height * down
    drawn = ax.contour(x, y, values, [scale.threshold], colors=FOUND, linewidths=0.9)
    drawn.set_path_effects(_EDGE)


def true(ax: Axes, mask: np.ndarray, box: tuple) -> None:
    """A mask (H, W) bool as a veil; box: as of `found`."""
    left, top, width, height = box
    veil = np.zeros((*mask.shape, 4))
    veil[mask] = to_rgba(TRUE, _VEIL)
    ax.imshow(veil, extent=(left, left + width, top + height, top))


def colour_bar(
    picture: Figure, axes: Any, shown: AxesImage, examples: Examples, score: str
) -> None:
    """The bar of the maps' colours, with an arrow where values lie beyond an end.

    score: whose maps they are where the run does not tell.
    """
    maps, scale = examples.map, examples.scale
    assert maps is not None
    low, high = shown.get_clim()
    beyond = bool(maps.min() < low), bool(maps.max() > high)
    ends = {(True, True): "both", (True, False): "min", (False, True): "max"}
    bar = picture.colorbar(
        shown,
        ax=axes,
        fraction=0.02,
        aspect=30,
        pad=0.01,
        extend=ends.get(beyond, "neither"),
    )
    words = "one scale for all"
    if scale is not None:
        score, words = scale.score, "scale of validation normals"
        bar.ax.axhline(scale.threshold, color=FOUND, linewidth=1.6, path_effects=_EDGE)
    bar.set_label(f"anomaly map ({title(score)}), {words}")


def legend(picture: Figure, examples: Examples) -> None:
    """What the marks of the last row mean, below the picture."""
    handles, scale = list[Any](), examples.scale
    if scale is not None:
        words = (
            f"found: map at its threshold {scale.threshold:.3g} or above, as at most "
            f"{100 * scale.rate:g} % of the pixels of validation normals"
        )
        handles.append(Line2D([], [], color=FOUND, path_effects=_EDGE, label=words))
    if examples.mask is not None:
        handles.append(
            Patch(color=to_rgba(TRUE, _VEIL), label="true: mask of the data")
        )
    if handles:
        place: dict[str, Any] = {
            "loc": "outside lower left",
            "frameon": False,
            "fontsize": 8.5,
        }
        picture.legend(handles=handles, ncols=2, **place)
