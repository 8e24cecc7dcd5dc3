"""What all pictures share: colours, axes, words on them, figures for notebooks.

The colours are those of Okabe and Ito ("Color universal design", 2008), told apart
with any colour vision; line styles carry the same distinctions without colour.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

NORMAL, ANOMALOUS, GREY, INK = "#0072B2", "#D55E00", "#767676", "#222222"


def text(value: object, width: int = 60) -> str:
    """A user's string as one short literal line, `$` included (no mathematics)."""
    line = "".join(c if c.isprintable() else " " for c in str(value))
    if len(line) > width:
        half = (width - 1) // 2
        line = f"{line[:half]}…{line[-half:]}"
    return line.replace("$", r"\$")


def axes_style(ax: Axes) -> None:
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(True, color="#E3E3E3", linewidth=0.6)
    ax.set_axisbelow(True)


def note(ax: Axes, message: str) -> None:
    """A sentence in place of what cannot be drawn."""
    ax.text(
        0.5,
        0.5,
        text(message, 90),
        transform=ax.transAxes,
        ha="center",
        va="center",
        color=INK,
        wrap=True,
    )


def shades(image: np.ndarray) -> np.ndarray:
    """(..., C) as something to show: colours where C is 3 or 4, else the mean."""
    image = np.clip(image, 0, 1)
    return image if image.shape[-1] in (3, 4) else image.mean(axis=-1)


def on_new(draw: Callable[[Figure], object]) -> Any:
    """Draws on a new figure of pyplot's, which notebooks show; its axes without bars of
    colours: (n,), or the one that is there."""
    from matplotlib import pyplot

    picture = pyplot.figure(layout="constrained")
    try:
        draw(picture)
    except BaseException:
        pyplot.close(picture)
        raise
    axes = [ax for ax in picture.axes if ax.get_label() != "<colorbar>"]
    return axes[0] if len(axes) == 1 else np.array(axes)


def on_axes(
    draw: Callable[[Axes], object], ax: Axes | None, width: float, height: float
) -> Axes:
    """Draws on `ax`, or on a new figure of that size in inches; the axes drawn on."""
    if ax is not None:
        draw(ax)
        return ax

    def whole(picture: Figure) -> None:
        picture.set_size_inches(width, height)
        draw(picture.subplots())

    return on_new(whole)
