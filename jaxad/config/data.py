"""What a run learns from and is tested on."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from jaxad.config.fields import Share, Size, Traced, spec

Noise = Literal["salt_and_pepper", "gaussian", "poisson", "speckle", "masking"]
Level = Annotated[float, Field(ge=0)]
Class = Annotated[int, Field(ge=0)]

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
class LeaveOut:
    """Protocol: some classes are anomalous, all other ones are normal.

    Normals of the training split are for training and validation, those of the test
    split for the test. The anomalies come from the test split, or, where the data set
    has none, from the whole set.
    """

    tune: tuple[Class, ...] = (8,)
    """Anomalous classes of the validation images; none: validation of normals only."""
    test: Annotated[tuple[Class, ...], Field(min_length=1)] = (4,)
    """Anomalous classes of the test images."""
    swap_normals: bool = False
    """Normals of the test split are for validation, and normals held out of the
    training split for the test. data.validation then counts for nothing."""
    train_images: Size | None = None
    """Normals to train on, drawn by the seed; none: all that are there."""
    test_images: Size | None = None
    """Normals to test on, drawn by the seed; none: all of the test split, or the share
    data.test where they are held out of the training split."""
    kind: Literal["leave_out"] = "leave_out"

    @model_validator(mode="after")
    def _tune_on_other_classes(self) -> "LeaveOut":
        both = sorted(set(self.tune) & set(self.test))
        if both:
            raise ValueError(
                f"class {both[0]} is in tune and in test; the classes that tune must "
                "be others than those of the test"
            )
        return self


@spec
class OneClass:
    """Protocol: one class is normal, all other ones are anomalous.

    The test is the data set's test split, that class against all others.
    """

    normal: Class = 0
    """The normal class."""
    tune: Annotated[int, Field(ge=0)] = 0
    """So many anomalous images of the training split, drawn by the seed, join the
    validation images; 0: validation of normals only."""
    kind: Literal["one_class"] = "one_class"


@spec
class OtherDataset:
    """Protocol: a data set is normal, the images of another one are anomalous.

    The other set's training images are for validation, its test split for the test.
    """

    name: str = "fashion_mnist"
    """The data set of the anomalies, a name of `jaxad data list`."""
    tune: Annotated[int, Field(ge=0)] | None = None
    """So many of its training images, drawn by the seed, join the validation images;
    none: as many as there are normal ones; 0: validation of normals only."""
    kind: Literal["other_dataset"] = "other_dataset"


@spec
class Defects:
    """Protocol: the data set says which images are anomalous, and where.

    Normal images are for training and, the share data.validation of them, for
    validation; anomalous ones, and the normals of a test split, are for the test.
    """

    tune: Annotated[float, Field(ge=0, lt=1)] = 0.2
    """Share of the anomalous images, drawn by the seed, that are for validation; 0:
    validation of normals only."""
    kind: Literal["defects"] = "defects"


Protocol = Annotated[
    Corrupted | LeaveOut | OneClass | OtherDataset | Defects,
    Field(discriminator="kind"),
]


@spec
class Patches:
    """Patches of large images: random crops to train on, overlapping tiles to score."""

    size: Size | None = None
    """Side of a patch in pixels; none: images are taken whole."""
    stride: Size = 16
    """Pixels between the tiles of validation and test images; the border is covered."""
    crops: Size = 10_240
    """Random crops of each training image, drawn by the seed."""
    marked: Annotated[int, Field(ge=0)] = 20
    """A tile is anomalous where the mask marks more of its pixels than that."""


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
    Normals and anomalies are counted apart, corrupted copies not at all."""
    validation: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Share of the training normals kept for validation."""
    test: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """Share of the normals for testing, where the data set has no test split."""
    folds: Annotated[int, Field(ge=2)] | None = None
    """Cut the training normals into so many parts, one of which validates in place of
    the share above; none: no folds."""
    fold: Annotated[int, Field(ge=0)] = 0
    """The part that validates, from 0."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    """Random seed of splits and corrupted copies, so that the seeds of a sweep share
    their images; none: the run's."""
    protocol: Protocol = Field(default_factory=Corrupted)
    patches: Patches = Field(default_factory=Patches)
    augment: Augment = Field(default_factory=Augment)

    @model_validator(mode="after")
    def _patches_have_masks(self) -> "Data":
        if self.patches.size is not None and not isinstance(self.protocol, Defects):
            raise ValueError(
                "patches.size needs protocol.kind defects, whose masks tell which "
                "patches are anomalous"
            )
        return self

    @model_validator(mode="after")
    def _fold_is_one_of_folds(self) -> "Data":
        if self.folds is None and self.fold:
            raise ValueError(f"fold {self.fold} needs folds")
        if self.folds is not None and self.fold >= self.folds:
            raise ValueError(
                f"fold {self.fold} of {self.folds} folds: they are numbered from 0 "
                f"to {self.folds - 1}"
            )
        swapped = isinstance(self.protocol, LeaveOut) and self.protocol.swap_normals
        if self.folds is not None and swapped:
            raise ValueError(
                "folds cut validation images from the training normals, but with "
                "protocol.swap_normals they come from the test split; leave one out"
            )
        return self

    @model_validator(mode="after")
    def _other_is_another(self) -> "Data":
        other = self.protocol
        if isinstance(other, OtherDataset) and other.name == self.name:
            raise ValueError(
                f"{self.name} cannot be both normal (name) and anomalous "
                "(protocol.name); name two data sets"
            )
        return self


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
