"""A sheet of images that a model draws."""

import math

import numpy as np
from matplotlib.figure import Figure

from jaxad.report.folder import RunFolder
from jaxad.report.style import figure, heading, shades

_GAP = 2


def samples_figure(run: RunFolder, on: Figure | None = None) -> Figure:
    """New images side by side, in about a square; they are drawn by the run's seed."""
    samples = run.examples.samples
    assert samples is not None
    images = shades(samples)
    across = math.ceil(math.sqrt(len(images)))
    height, width = images.shape[1:3]
    down = -(-len(images) // across)
    shape = (down * (height + _GAP) - _GAP, across * (width + _GAP) - _GAP)
    sheet = np.ones((*shape, *images.shape[3:]), np.float32)
    for k, image in enumerate(images):
        top, left = (k // across) * (height + _GAP), (k % across) * (width + _GAP)
        sheet[top : top + height, left : left + width] = image
    picture = figure(8, 8 * shape[0] / shape[1] + 0.5, on)
    heading(picture, f"{len(images)} images drawn by the model")
    ax = picture.subplots()
    ax.set_axis_off()
    ax.imshow(sheet, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    return picture
