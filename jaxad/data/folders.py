"""Data sets that are folders of images: find, check and load their files.

found = find("mvtec", "bottle")
checked = check(found)
if checked.problems:
    raise FolderError(found.root, checked.problems)
images = Stored.of(found.items, checked.forms)
"""

import difflib
from collections.abc import Iterable
from pathlib import Path

from jaxad.data.decode import shown
from jaxad.data.folders_check import (
    FolderError,
    Wanted,
    check,
    leave_out,
    problems_table,
)
from jaxad.data.folders_layouts import LAYOUTS, NORMAL, Found, collect, mvtec
from jaxad.data.folders_listing import Item, Problem, images, subfolders
from jaxad.data.folders_stored import Stored
from jaxad.errors import DataError

__all__ = [
    "FolderError",
    "Found",
    "Item",
    "Problem",
    "Stored",
    "Wanted",
    "check",
    "find",
    "leave_out",
    "problems_table",
]


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
            own = [group.folder for group in groups[0] if group.part == "train"]
            if not any(item.part == "train" for item in found.items):
                wanted = _listed(folder.relative_to(base) for folder in own)
                raise DataError(
                    f"{shown(base)} has no normal images to train on (in {wanted})"
                )
            return found
    raise DataError(_unknown(base, layout))


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
    if "test" in inside and set(subfolders(inside["test"])) & set(NORMAL):
        return (
            f"{shown(base)} has no normal images to train on: there is no train/good, "
            "where MVTec AD's layout has them"
        )
    return (
        f"{shown(base)} has no normal images: none of its folders ({_listed(inside)}) "
        f"is called {', '.join(NORMAL[:-1])} or {NORMAL[-1]}"
    )


def _listed(names: Iterable[str | Path]) -> str:
    """At most ten names, printable."""
    every = [shown(name) for name in names]
    more = [f"{len(every) - 10} more"] if len(every) > 10 else []
    return ", ".join(every[:10] + more) or "no folders"
