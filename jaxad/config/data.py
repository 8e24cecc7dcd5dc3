"""What a run learns from and is tested on."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from jaxad.config.fields import Share, Size, Traced, spec

Noise = Literal["salt_and_pepper", "gaussian", "poisson", "speckle", "masking"]
Level = Annotated[float, Field(ge=0)]

_SHARES = ("salt_and_pepper", "masking")


def _check_share(name: str, kind: str, level: float) -> None:
    if kind in _SHARES and level > 1:
        raise ValueError(f"{name} is a share of the pixels: {level:g} is not at most 1")


@spec
class Corruption:
    """A corruption of whole images; `jaxad.corrupt` says what a level means."""

    kind: Noise = "salt_and_pepper"
    level: Level = 0.5
    """Share of pixels (salt and pepper, masking), standard deviation (gaussian,
    speckle), or 1 / photons at white (poisson)."""

    @model_validator(mode="after")
    def _level_in_range(self) -> "Corruption":
        _check_share("level", self.kind, self.level)
        return self


@spec
class Corrupted:
    """Protocol: normal = clean images, anomalous = their corrupted copies."""

    corruption: Corruption = Field(default_factory=Corruption)
    curve: tuple[Level, ...] = ()
    """Further levels of the same corruption to measure the trained detector at."""
    contamination: Share = 0.0
    """Share of the training images that are corrupted as well, taken for normal."""
    kind: Literal["corrupted"] = "corrupted"

    @model_validator(mode="after")
    def _curve_in_range(self) -> "Corrupted":
        for level in self.curve:
            _check_share("each level of curve", self.corruption.kind, level)
        return self


@spec
class Augment:
    """Random changes of the training images, on the device, anew in each epoch."""

    flip_horizontal: bool = False
    flip_vertical: bool = False
    shift: Annotated[int, Field(ge=0)] = 0
    """Largest shift in pixels, in either direction; the border is filled with zeros."""
    rotate: Annotated[float, Field(ge=0, le=45)] = 0.0
    """Largest rotation in degrees."""
    brightness: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Largest change of brightness; the result is clipped to [0, 1]."""


@spec
class Data:
    """A data set and the protocol that says what is normal."""

    name: str = "digits"
    """A name of `jaxad data list`, or `arrays` for arrays given from Python."""
    size: Size | None = None
    """Height and width that images are resized to; none: as stored."""
    limit: Size | None = None
    """Use so many images of each split at most (the first by id): for a quick look.
    Corrupted copies are not counted."""
    validation: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Share of the training normals kept for validation."""
    test: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """Share of the normals for testing, where the data set has no test split."""
    protocol: Corrupted = Field(default_factory=Corrupted)
    augment: Augment = Field(default_factory=Augment)


@spec
class Corrupt:
    """Noise on the network's input during training.

    Denoising: the input is corrupted, the target is clean. Noise-injected: a fraction
    of the images is corrupted, input and target alike.
    """

    kind: Noise = "salt_and_pepper"
    level: Annotated[float, Field(ge=0), Traced(off=0.0)] = 0.0
    """Share of pixels (salt and pepper, masking), standard deviation (gaussian,
    speckle), or 1 / photons at white (poisson); 0 is off."""
    fraction: Annotated[float, Field(ge=0, le=1), Traced(off=1.0)] = 1.0
    """Share of the images of a batch that are corrupted."""
    target: Literal["clean", "corrupted"] = "clean"
    """What the network has to give back."""

    @model_validator(mode="after")
    def _no_option_without_effect(self) -> "Corrupt":
        if self.level == 0 and self.fraction < 1:
            raise ValueError("fraction needs a level above 0")
        return self

    @model_validator(mode="after")
    def _level_in_range(self) -> "Corrupt":
        _check_share("level", self.kind, self.level)
        return self
