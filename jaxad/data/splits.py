"""What a protocol makes of a data set: training, validation and test images."""

from typing import Any, NamedTuple

import numpy as np

from jaxad.data.patches import Cuts
from jaxad.display.tables import html_table, size
from jaxad.errors import DataError

GOOD = "good"
UNCHANGED = "unchanged"
GENERATED = "generated"


class Split(NamedTuple):
    """The images of one split.

    image: (N, H, W, C) uint8, or float32 in [0, 1]; of patches `Cuts`.
    label: (N,) int32, 0 normal, 1 anomalous; in training what the method is told.
    id: (N,) str. A changed copy is called `<id of the original>+<defect>`.
    defect: (N,) str, `good` for a clean image, `unchanged` for a corrupted copy that
        came out equal to its original, `generated` for an image drawn by a GAN.
    row: (N,) int32, the row of the (original) image in the source; -1: `generated`.
    origin: (N,) int32, the row in this split of the image it was made from, its own
        row for a clean one; None where originals are not in the split.
    mask: (N, H, W) bool or uint8, not 0 where a pixel is anomalous; of patches `Cuts`
        of one channel; None: no masks.
    """

    image: Any
    label: np.ndarray
    id: np.ndarray
    defect: np.ndarray
    row: np.ndarray
    origin: np.ndarray | None = None
    mask: Any = None

    @property
    def clean(self) -> np.ndarray:
        """(N,) bool, True for normal images as they were published."""
        return self.defect == GOOD

    @property
    def group(self) -> np.ndarray | None:
        """(N,) int32 from 0 on, the image that a patch is of; None for whole images."""
        if not isinstance(self.image, Cuts):
            return None
        return self.image.image

    @property
    def original(self) -> np.ndarray | None:
        """(N, H, W, C), what each image was made from; None where that is unknown."""
        return None if self.origin is None else self.image[self.origin]

    def __repr__(self) -> str:
        return f"Split({images(self.image)}: {kinds(self)})"


class Splits(NamedTuple):
    """train is taken for normal; val and test hold normal and anomalous images.

    labelled: normal and anomalous images that methods which learn from labels train on
        as well, and no others; None: there are none.
    """

    train: Split
    val: Split
    test: Split
    labelled: Split | None = None

    @property
    def parts(self) -> dict[str, Split]:
        """The splits that are there, by name."""
        return {name: part for name, part in self._asdict().items() if part is not None}

    def __repr__(self) -> str:
        parts = (f"{name}={part!r}" for name, part in self.parts.items())
        return f"Splits({', '.join(parts)})"

    def _repr_html_(self) -> str:
        rows = [
            [name, images(part.image), kinds(part)] for name, part in self.parts.items()
        ]
        return html_table("Splits", ["split", "images", "of these"], rows)


def images(image: Any) -> str:
    """Number and size of images (N, H, W, C) in words."""
    return f"{len(image):,} images {size(image.shape[1:])}"


def kinds(split: Split) -> str:
    """Number of normal images, and of each kind of the others, in words."""
    found = {"normal": int(np.sum(split.label == 0))}
    for kind in split.defect[split.label == 1].tolist():
        found[kind] = found.get(kind, 0) + 1
    return ", ".join(f"{number:,} {text}" for text, number in found.items())


def join(first: Split, second: Split) -> Split:
    """Two splits of whole images, one after the other; `origin` is left out."""
    arrays = zip(first[:5], second[:5], strict=True)
    return Split(*(np.concatenate(pair) for pair in arrays))


def cut(order: np.ndarray, share: float, what: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows of a shuffled order in two: (the rest, a share of them), each sorted.

    Both get one row at least; raises DataError where there are not two.
    """
    if len(order) < 2:
        raise DataError(
            f"{len(order)} normal images are too few to set some apart for {what}; "
            "give more images"
        )
    size = min(max(round(share * len(order)), 1), len(order) - 1)
    return np.sort(order[size:]), np.sort(order[:size])


def one_fold(order: np.ndarray, folds: int, fold: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of a shuffled order in two: (the rest, one of its folds), each sorted.

    The folds are disjoint, cover all rows, and differ by one row in size at most.
    Raises DataError where there are more folds than rows.
    """
    if folds > len(order):
        raise DataError(
            f"data.folds: {folds} folds are more than the {len(order)} normal images "
            "to cut them from; take fewer"
        )
    parts = np.array_split(order, folds)
    rest = np.concatenate([*parts[:fold], *parts[fold + 1 :]])
    return np.sort(rest), np.sort(parts[fold])
