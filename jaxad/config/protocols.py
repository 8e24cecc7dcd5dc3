"""Protocols: what of a data set is normal, and what is anomalous."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from jaxad.config.fields import Share, Size, spec

Noise = Literal["salt_and_pepper", "gaussian", "poisson", "speckle", "masking"]
Level = Annotated[float, Field(ge=0)]
Class = Annotated[int, Field(ge=0)]

_SHARES = ("salt_and_pepper", "masking")


def check_share(name: str, kind: str, level: float) -> None:
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
        check_share("level", self.kind, self.level)
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
            check_share("each level of curve", self.corruption.kind, level)
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
    What `train` takes of these is the same for all detectors, so that those that learn
    from labels and those that do not have one and the same test.
    """

    tune: Annotated[float, Field(ge=0, lt=1)] = 0.2
    """Share of the anomalous images, drawn by the seed, that are for validation; 0:
    validation of normals only."""
    robustness: tuple[Corruption, ...] = ()
    """Noise to put on the test images, normal and anomalous alike, and the trained
    detectors to be measured with; everything else is without."""
    train: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the anomalous images of each kind of defect, and of the normal images of
    the test split, drawn by the seed, that detectors which learn from labels train on;
    all others leave them alone. Where no normals are for the test, data.test of all
    normals are then; 0: none."""
    kind: Literal["defects"] = "defects"

    @model_validator(mode="after")
    def _some_are_left_to_test(self) -> "Defects":
        if self.tune + self.train >= 1:
            raise ValueError(
                f"tune {self.tune:g} and train {self.train:g} leave no anomalous image "
                "for the test"
            )
        return self


Protocol = Annotated[
    Corrupted | LeaveOut | OneClass | OtherDataset | Defects,
    Field(discriminator="kind"),
]
