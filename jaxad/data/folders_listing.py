"""What lies in a folder: images, subfolders, links; nothing is decoded here."""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from jaxad.data.decode import shown
from jaxad.errors import DataError

READ = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
# Images all the same, so that a forgotten conversion is reported.
_UNREAD = (
    *(".gif", ".webp", ".jp2", ".heic", ".heif", ".avif", ".ppm", ".pgm", ".tga"),
    *(".jfif", ".jpe", ".dib", ".exr", ".dng", ".psd"),
)
_PASSED = ("__macosx", "__pycache__")
_OUTSIDE = "a link out of"


class Item(NamedTuple):
    """An image of a folder data set.

    id: the path from the data set's folder, with /, without the extension (with it
        where two files differ in nothing else), unprintable characters escaped.
    label: 0 normal, 1 anomalous.
    defect: the name of the folder of its kind of defect; "good" for a normal image.
    mask: the file of its mask; None for a normal image, and where there is none.
    part: "train" or "test".
    """

    id: str
    image: Path
    label: int
    defect: str
    mask: Path | None
    part: str


class Problem(NamedTuple):
    """A file or folder that cannot be used, and why.

    image: the image that it concerns, where that is another file.
    """

    path: Path
    reason: str
    image: Path | None = None

    @property
    def outside(self) -> bool:
        """Whether it is a link out of the data set, behind which nothing is read."""
        return self.reason.startswith(_OUTSIDE)


def subfolders(folder: Path) -> dict[str, Path]:
    """The folders in a folder by their name in lower case; hidden ones are left out.

    Raises DataError where two names differ only in case, or it cannot be listed.
    """
    found: dict[str, Path] = {}
    for path in _entries(folder):
        name = path.name.casefold()
        if name in _PASSED or not path.is_dir():
            continue
        if name in found:
            raise DataError(
                f"{shown(found[name])} and {shown(path)} differ only in case; "
                "rename one"
            )
        found[name] = path
    return found


def images(folder: Path) -> list[Path]:
    """Files in a folder that look like images by their names, in natural order.

    Hidden files, and those of other kinds, are passed over.
    """
    return [
        path
        for path in _entries(folder)
        if path.suffix.lower() in READ + _UNREAD
        and (path.is_symlink() or not path.is_dir())
    ]


def strays(folder: Path) -> list[Problem]:
    """The images beside subfolders, where only subfolders are looked for."""
    return [
        Problem(path, "an image beside the folders of images")
        for path in images(folder)
    ]


def misplaced(folder: Path, root: Path) -> list[Problem]:
    """What is wrong with a folder of images as such: links and nested folders.

    root: the folder that links must not leave.
    """
    if _leaves(folder, root):
        return [Problem(folder, f"{_OUTSIDE} {shown(root)}")]
    found = [
        Problem(path, "a folder within a folder of images; move its images up")
        for path in subfolders(folder).values()
        if not path.is_symlink() and images(path)
    ]
    for path in images(folder):
        if path.is_symlink() and _leaves(path, root):
            found.append(Problem(path, f"{_OUTSIDE} {shown(root)}"))
    return found


def identities(paths: Iterable[Path], root: Path) -> list[str]:
    """The ids of files below `root`, all different."""
    full = [path.relative_to(root) for path in paths]
    names = [name.with_suffix("") for name in full]
    while clashing := {name for name, n in Counter(names).items() if n > 1}:
        pairs = zip(names, full, strict=True)
        names = [whole if name in clashing else name for name, whole in pairs]
    return [shown(name.as_posix()) for name in names]


def natural(text: str) -> tuple[list[str | int], str]:
    """A key that sorts a2 before a10."""
    parts = re.split("([0-9]+)", text)
    return [int(p) if i % 2 else p for i, p in enumerate(parts)], text


def _entries(folder: Path) -> list[Path]:
    try:
        found = [path for path in folder.iterdir() if not path.name.startswith(".")]
    except OSError as error:
        raise DataError(f"{shown(folder)} cannot be read ({error.strerror})") from error
    return sorted(found, key=lambda path: natural(path.name))


def _leaves(path: Path, root: Path) -> bool:
    try:
        return not path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):  # a loop of links, which cannot be read either
        return False
