"""What a run learns from and is tested on."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from jaxad.config.fields import Size, Traced, spec
from jaxad.config.protocols import (
    Corrupted,
    Defects,
    LeaveOut,
    Noise,
    OtherDataset,
    Protocol,
    check_share,
)

Fit = Literal["stretch", "crop", "pad"]


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

    @model_validator(mode="after")
    def _tiles_leave_no_gap(self) -> "Patches":
        if self.size is not None and self.stride > self.size:
            raise ValueError(
                f"stride {self.stride} leaves gaps between tiles of {self.size} pixels"
            )
        return self


@spec
class Augment:
    """Random changes of the training images, on the device, anew in each epoch."""

    flip_horizontal: bool = False
    flip_vertical: bool = False
    transpose: bool = False
    """Rows and columns of square images; with both flips, all quarter turns."""
    shift: Annotated[int, Field(ge=0)] = 0
    """Largest shift in pixels, in either direction; the border is filled with zeros."""
    rotate: Annotated[float, Field(ge=0, le=45)] = 0.0
    """Largest rotation in degrees; the border is mirrored."""
    brightness: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Largest change of brightness; the result is clipped to [0, 1]."""


@spec
class Generated:
    """Images drawn by a GAN, as further training images. Neither validation nor test
    ever sees them.

    Of a GAN of normals they are normals; of one of anomalous images (`model.of`) they
    are anomalous ones, for a model that learns from labels.
    """

    run: str | None = None
    """A run folder of `model.kind dcgan`, trained on images of the same size; none: no
    such images."""
    images: Size = 500
    """So many images, drawn by the seed of the splits."""


@spec
class Data:
    """A data set and the protocol that says what is normal."""

    name: str = "digits"
    """A name of `jaxad data list`, or `arrays` for arrays given from Python."""
    root: str | None = None
    """A folder of images in place of `name`: NanoTWICE's layout, MVTec AD's, or `good`
    and folders of defects."""
    category: str | None = None
    """The folder below `root` that is the data set; none: `root` itself."""
    channels: Literal[1, 3] | None = None
    """Of the images in `root`: 1 grey, 3 colour; none: as stored."""
    size: Size | None = None
    """Height and width that images are resized to; none: as stored."""
    fit: Fit = "stretch"
    """How images that are not square get `size`, also new ones to score: stretched,
    cropped to the middle of the longer side, or padded with pixels of the border."""
    problems: Literal["stop", "leave_out"] = "stop"
    """What becomes of a folder with bad files: the run stops and names them, or goes on
    without them and the images that they belong to, and says so."""
    declared: tuple[str, ...] = ()
    """Images of the folder that are known to be defective, by id (as in scores.csv) or
    by path; each that lies among the normal ones is a problem."""
    stream: bool = False
    """Leave the images of the folder in their files, for more than fit into memory:
    training reads those of its next steps ahead, scoring block by block, anew each
    time. The same bytes come out. Masks and maps stay in memory, and so do the images
    of an epoch's validation: train.validate bounds them."""
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
    tone: Literal["linear", "log"] = "linear"
    """What the detector sees of an intensity x in [0, 1]: x, or log(1 + 50 x) / log 51,
    for which dark and dim are as far apart as dim and bright."""
    patches: Patches = Field(default_factory=Patches)
    augment: Augment = Field(default_factory=Augment)
    generated: Generated = Field(default_factory=Generated)

    @model_validator(mode="after")
    def _folders_have_options_of_their_own(self) -> "Data":
        names = ["category", "channels", "problems", "declared"]
        for name in names if self.root is None else ():
            if getattr(self, name) not in (None, "stop", ()):
                raise ValueError(f"{name} is of a folder; set root as well")
        if self.fit != "stretch" and self.size is None:
            raise ValueError(f"fit {self.fit} needs a size to resize images to")
        return self

    @model_validator(mode="after")
    def _what_is_streamed_is_in_files(self) -> "Data":
        own = self.protocol
        if not self.stream:
            return self
        if self.root is None or not isinstance(own, Defects):
            raise ValueError(
                "stream is of a folder: set root and protocol.kind defects"
            )
        held = {
            "patches.size": self.patches.size is not None,
            "generated.run": self.generated.run is not None,
            "protocol.robustness": bool(own.robustness),
            "protocol.train": bool(own.train),
        }
        wrong = [name for name, given in held.items() if given]
        if wrong:
            raise ValueError(
                f"{wrong[0]} needs all images in memory; leave it out, or stream"
            )
        return self

    @model_validator(mode="after")
    def _patches_have_masks(self) -> "Data":
        if self.patches.size is not None and not isinstance(self.protocol, Defects):
            raise ValueError(
                "patches.size needs protocol.kind defects, whose masks tell which "
                "patches are anomalous"
            )
        return self

    @model_validator(mode="after")
    def _noise_is_of_whole_images(self) -> "Data":
        noise = isinstance(self.protocol, Defects) and self.protocol.robustness
        if noise and self.patches.size is not None:
            raise ValueError(
                "protocol.robustness takes whole images; leave out patches"
            )
        return self

    @model_validator(mode="after")
    def _labelled_images_are_whole(self) -> "Data":
        protocol = self.protocol
        train = protocol.train if isinstance(protocol, Defects) else 0.0
        if train and self.patches.size is not None:
            raise ValueError(
                "protocol.train takes whole images with their labels; leave out "
                "patches.size"
            )
        return self

    @model_validator(mode="after")
    def _whole_images_are_generated(self) -> "Data":
        if self.generated.run is not None and self.patches.size is not None:
            raise ValueError("generated.run draws whole images, not patches")
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
        check_share("level", self.kind, self.level)
        return self
