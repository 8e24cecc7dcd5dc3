"""Data sets that are folders of images: find, check and load their files.

found = find("mvtec", "bottle")
if problems := check(found):
    raise FolderError(found.root, problems)
images, masks, labels, ids, defects = load(found.items)
"""

import difflib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jaxad.data.decode import MAX_PIXELS, as_channels, read_mask, read_pixels, shown
from jaxad.data.folders_check import FolderError, check, problems_table
from jaxad.data.folders_layouts import LAYOUTS, NORMAL, Found, collect, mvtec
from jaxad.data.folders_listing import Item, Problem, images, subfolders
from jaxad.errors import DataError

__all__ = [
    "FolderError",
    "Found",
    "Item",
    "Loaded",
    "Problem",
    "check",
    "find",
    "load",
    "problems_table",
    "without",
]


class Loaded(NamedTuple):
    """Images and masks in memory, in the order of the items.

    images: (H, W, C) each, as `read_pixels` returns them; sizes may differ.
    masks: (H, W) bool each, all False for a normal image; None for an anomalous one
        without a mask.
    labels: (N,) int32, 0 normal, 1 anomalous.
    """

    images: list[np.ndarray]
    masks: list[np.ndarray | None]
    labels: np.ndarray
    ids: list[str]
    defects: list[str]


def find(
    root: str | Path, category: str | None = None, layout: str | None = None
) -> Found:
    """The images and masks of a folder data set, none of them read yet.

    category: a folder in `root` that is the data set; may be left out where `root` is
        that folder.
    layout: a key of `folders_layouts.LAYOUTS`; None: the first that fits.
    Raises DataError for a folder that is missing, empty, of no known layout or without
    normal images, and for a category that is not there.
    """
    top = Path(root).expanduser()
    base = _base(top, category)
    if layout is not None and layout not in LAYOUTS:
        raise DataError(f"no layout is called {layout}; there are {_listed(LAYOUTS)}")
    for name in LAYOUTS if layout is None else (layout,):
        if (groups := LAYOUTS[name](base)) is not None:
            found = collect(base, name, groups, top)
            if all(item.label for item in found.items):
                wanted = _listed(sorted({g.folder.name for g in groups[0]}))
                raise DataError(f"{shown(base)} has no normal images (in {wanted})")
            return found
    raise DataError(_unknown(base, layout))


def without(items: Iterable[Item], problems: Iterable[Problem]) -> list[Item]:
    """The items whose image, mask and folder have no problem."""
    bad = {problem.path for problem in problems}
    return [
        item
        for item in items
        if bad.isdisjoint({item.image, *item.image.parents})
        and (item.mask is None or bad.isdisjoint({item.mask, *item.mask.parents}))
    ]


def load(
    items: Sequence[Item], channels: int | None = None, max_pixels: int = MAX_PIXELS
) -> Loaded:
    """Reads images and masks.

    channels: 1 turns colour to grey, 3 grey to colour; None leaves images as they are.
    Raises BadFile, a DataError, for the first file that cannot be used.
    """

    def read(item: Item) -> tuple[np.ndarray, np.ndarray | None]:
        pixels = read_pixels(item.image, max_pixels)
        if channels is not None:
            pixels = as_channels(pixels, channels)
        if item.mask is not None:
            return pixels, read_mask(item.mask, pixels.shape[:2], max_pixels)
        return pixels, None if item.label else np.zeros(pixels.shape[:2], bool)

    with ThreadPoolExecutor(4) as pool:
        pairs = list(pool.map(read, items))
    return Loaded(
        [image for image, _ in pairs],
        [mask for _, mask in pairs],
        np.array([item.label for item in items], np.int32),
        [item.id for item in items],
        [item.defect for item in items],
    )


def _base(root: Path, category: str | None) -> Path:
    if not root.is_dir():
        kind = "is a file, not a folder" if root.exists() else "does not exist"
        raise DataError(f"{shown(root)} {kind}; name the folder of the images")
    if category is None:
        return root
    inside = subfolders(root)
    if category.casefold() in inside:
        return inside[category.casefold()]
    if category.casefold() == root.name.casefold():
        return root
    near = difflib.get_close_matches(category.casefold(), inside, 1)
    hint = f"did you mean {near[0]}?" if near else f"there are: {_listed(inside)}"
    raise DataError(f"{shown(root)} has no category {shown(category)}; {hint}")


def _unknown(base: Path, layout: str | None) -> str:
    """Why no layout fits."""
    inside = subfolders(base)
    categories = [name for name, path in inside.items() if mvtec(path)]
    if layout in (None, "mvtec") and categories:
        return f"{shown(base)} holds categories, name one: {_listed(categories)}"
    if layout is not None and layout != "free":
        return f"{shown(base)} is not in {layout} layout; it has {_listed(inside)}"
    if not inside and not images(base):
        return f"{shown(base)} has no images in it"
    return (
        f"{shown(base)} has no normal images: none of its folders ({_listed(inside)}) "
        f"is called {', '.join(NORMAL[:-1])} or {NORMAL[-1]}"
    )


def _listed(names: Iterable[str]) -> str:
    """At most ten names, printable."""
    every = [shown(name) for name in names]
    more = [f"{len(every) - 10} more"] if len(every) > 10 else []
    return ", ".join(every[:10] + more) or "no folders"
