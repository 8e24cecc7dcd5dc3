"""Image files to score, as the images that a run was trained on."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jaxad.config.data import Data
from jaxad.data.decode import BadFile, as_channels, read_pixels, shown
from jaxad.data.folders_listing import images, subfolders
from jaxad.data.images import resize, to_float
from jaxad.errors import DataError
from jaxad.progress import counted


class Reading(NamedTuple):
    """What of a run's `data` group makes its images of new files.

    size, fit, channels: as there. deep: files of more than 8 bits are taken.
    """

    size: int | None = None
    fit: str = "stretch"
    channels: int | None = None
    deep: bool = False

    @classmethod
    def of(cls, data: Data) -> "Reading":
        return cls(data.size, data.fit, data.channels, data.root is not None)


def read_image(
    path: str | Path, shape: tuple[int, ...], data: Data | Reading | None = None
) -> np.ndarray:
    """An image file as an array of exactly `shape` (H, W, C), C = 1, 3 or 4.

    data: of the run that it is for; the image is made as that one's were, by its size,
    fit and channels. What these leave open is not done behind the user's
    back. Returns uint8, or, of a file with more than 8 bits for a run of a folder,
    float32 in [0, 1].
    Raises DataError for a file that `read_pixels` refuses, of another size or number of
    channels, and with more than 8 bits where the run is not of a folder.
    """
    own = Reading.of(data) if isinstance(data, Data) else data or Reading()
    height, width, channels = shape
    if channels not in (1, 3, 4):
        raise DataError(
            f"{path}: the run was trained on {channels} channels, image files have "
            "1, 3 or 4; score arrays from Python"
        )
    found = read_pixels(path, alpha=channels == 4)
    if own.channels is not None:
        found = as_channels(found, own.channels)
    if found.dtype != np.uint8:
        if not own.deep:
            raise BadFile(
                path,
                f"{found.dtype} pixels, but the run was trained on uint8; convert it",
            )
        found = np.asarray(to_float(found))
    if own.size is not None:
        found = resize(found[None], own.size, own.fit)[0]
    if found.shape != tuple(shape):
        size = "x".join(map(str, (*found.shape[1::-1], found.shape[2])))
        raise BadFile(
            path,
            f"{size} pixels, but the run was trained on {width}x{height}x{channels}; "
            "convert it",
        )
    return found


def image_files(paths: Sequence[str | Path]) -> list[Path]:
    """The paths, with those of folders replaced by the images in them and below, in
    natural order. Raises DataError for a folder without images."""
    found: list[Path] = []
    for path in map(Path, paths):
        if not path.is_dir():
            found.append(path)
            continue
        below = _below(path)
        if not below:
            raise DataError(f"{shown(path)} has no images in it")
        found += below
    return found


def _below(folder: Path) -> list[Path]:
    inside = [p for p in subfolders(folder).values() if not p.is_symlink()]
    return images(folder) + [image for path in inside for image in _below(path)]


def read_all(
    paths: Sequence[str | Path], read: Callable[[str | Path], np.ndarray]
) -> list[np.ndarray]:
    """What `read` makes of each file. Raises DataError that names all bad ones, three
    of them with the reason."""
    found: list[np.ndarray] = []
    bad: list[BadFile] = []
    for path in counted(paths, "images read", len(paths)):
        try:
            found.append(read(path))
        except BadFile as error:
            bad.append(error)
    if len(bad) == 1:
        raise bad[0]
    if bad:
        told = [str(error) for error in bad[:3]]
        rest = [shown(error.path) for error in bad[3:]]
        more = [f"and {', '.join(rest)}"] if rest else []
        raise DataError(
            f"{len(bad)} of {len(paths)} images cannot be scored: "
            f"{'; '.join(told + more)}"
        )
    return found
