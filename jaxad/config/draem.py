"""The spec of the discriminatively trained reconstruction embedding."""

from typing import Annotated, Literal

from pydantic import Field

from jaxad.config.fields import NonNegative, Positive, Size, Traced, spec

Channels = Annotated[tuple[Size, ...], Field(min_length=1)]
Shape = Literal["noise", "piece", "scar", "spot", "whole"]
Filling = Literal[
    "moved",
    "recoloured",
    "dimmed",
    "shuffled",
    "flat",
    "shade",
    "grain",
    "clouds",
    "waves",
]


@spec
class Draem:
    """Two networks that learn from synthetic defects (Zavrtanik, Kristan and Skočaj).

    One undoes the defects, the other sees the image and what the first has made of it,
    and says where the defect is. `jaxad.defects` says what defects there are.
    """

    recon: Channels = (16, 32, 64)
    """Channels of the encoder that undoes defects, mirrored in its decoder; between
    them height and width are halved."""
    segment: Channels = (16, 32, 64)
    """Channels of the U-Net that finds them, likewise."""
    cell: Size = 2
    """Side of the squares of pixels that the networks take for one pixel with all their
    values: 2 takes a quarter of the time, and nothing is lost."""
    shapes: Annotated[tuple[Shape, ...], Field(min_length=1)] = (
        "noise",
        "piece",
        "scar",
        "spot",
    )
    """Outlines of the defects; one is drawn for each."""
    fillings: Annotated[tuple[Filling, ...], Field(min_length=1)] = (
        "recoloured",
        "flat",
        "shade",
        "grain",
        "clouds",
        "waves",
    )
    """What they are filled with; one is drawn for each. `moved` and `shuffled`, the
    image itself from elsewhere, are for objects: in a texture nobody sees them, and a
    network that is to find them sees them everywhere."""
    opacity: Annotated[float, Field(gt=0, le=1), Traced()] = 0.5
    """Least opacity of a defect; it is drawn between that and 1."""
    fraction: Annotated[float, Field(gt=0, le=1), Traced(off=1.0)] = 0.7
    """Share of the training images that are given defects."""
    most: Size = 3
    """Defects of an image at most; each but the first is there with even odds."""
    mse: NonNegative = 1.0
    """Weight of the squared error of the reconstruction; 0 is off."""
    ssim: NonNegative = 1.0
    """Weight of 1 - SSIM of the reconstruction; 0 is off."""
    focal: Positive = 1.0
    """Weight of the focal loss of the segmentation."""
    gamma: NonNegative = 2.0
    """Focusing parameter of the focal loss; 0 is cross-entropy."""
    window: Size = 5
    """Side of the window whose mean of the map, where it is largest, is `defect`."""
    kind: Literal["draem"] = "draem"
