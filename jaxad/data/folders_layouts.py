"""Layouts of image folders: which of their files is what.

nanotwice   Normal/, Anomalous/images/, Anomalous/gt/
mvtec       train/good/, test/good/, test/<defect>/, ground_truth/<defect>/
free        good/, and any other folders, which are defects; masks in
            <defect>_mask(s)/, masks/<defect>/ or ground_truth/<defect>/; or images
            alone, all of them normal

Names of folders count in any case; normal images lie in good, normal or ok. A mask is
called as its image, or with _mask, _gt or _label added, with any extension. Masks are
optional as a whole: where there is one, each anomalous image needs one. In the first
two layouts further folders are passed over.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from jaxad.data.decode import shown
from jaxad.data.folders_listing import (
    Item,
    Problem,
    identities,
    images,
    misplaced,
    natural,
    strays,
    subfolders,
)

NORMAL = ("good", "normal", "ok")
_MASKS = ("masks", "mask", "ground_truth", "gt")
_ADDED = re.compile(r"[-_ .]?(masks?|gt|ground_?truth|labels?)$", re.IGNORECASE)


class Group(NamedTuple):
    """A folder of images of one kind; masks: the folder of their masks."""

    folder: Path
    defect: str
    part: str
    masks: Path | None = None


class Found(NamedTuple):
    """The files of a folder data set, and what is wrong with where they are.

    root: the folder of the data set; with categories, of the one.
    layout: a key of `LAYOUTS`.
    items: all images in natural order of their ids, those with problems included.
    """

    root: Path
    layout: str
    items: list[Item]
    problems: list[Problem]


Groups = tuple[list[Group], list[Problem]]


def nanotwice(root: Path) -> Groups | None:
    """The groups of a folder in NanoTWICE layout; None for another one."""
    inside = subfolders(root)
    if "normal" not in inside or "anomalous" not in inside:
        return None
    below = subfolders(inside["anomalous"])
    if "images" not in below:
        return None
    anomalous = Group(below["images"], "anomalous", "test", below.get("gt"))
    found = strays(root) + strays(inside["anomalous"])
    return [Group(inside["normal"], "good", "train"), anomalous], found


def mvtec(root: Path) -> Groups | None:
    """The groups of one category in MVTec layout; None for another one."""
    inside = subfolders(root)
    if "train" not in inside:
        return None
    train = subfolders(inside["train"])
    if not set(train) & set(NORMAL):
        return None
    test, masks = (
        subfolders(inside[name]) if name in inside else {}
        for name in ("test", "ground_truth")
    )
    found = [p for n in ("train", "test") if n in inside for p in strays(inside[n])]
    found += [
        Problem(folder, "a folder of anomalous images within those to train on")
        for name, folder in train.items()
        if name not in NORMAL and images(folder)
    ]
    found += _masks_of_nothing(masks, test)
    groups = [_group(train[n], n, "train") for n in NORMAL if n in train]
    groups += [_group(path, n, "test", masks) for n, path in test.items()]
    return groups, found + strays(root)


def free(root: Path) -> Groups | None:
    """The groups of any folder that has one of normal images, or images alone."""
    inside = subfolders(root)
    if not set(inside) & set(NORMAL):
        others = [path for path in inside.values() if images(path)]
        alone = images(root) and not others
        return ([Group(root, "good", "train")], []) if alone else None
    found = strays(root)
    masks: dict[str, Path] = {}
    defects: dict[str, Path] = {}
    for name, folder in inside.items():
        if name in _MASKS:
            masks |= subfolders(folder)
            found += strays(folder)
        elif (stem := _ADDED.sub("", name)) != name and stem:
            masks[stem] = folder
        else:
            defects[name] = folder
    found += _masks_of_nothing(masks, defects)
    groups = [
        _group(path, name, "train" if name in NORMAL else "test", masks)
        for name, path in defects.items()
    ]
    return groups, found


LAYOUTS: dict[str, Callable[[Path], Groups | None]] = {
    "mvtec": mvtec,
    "nanotwice": nanotwice,
    "free": free,
}


def collect(root: Path, layout: str, groups: Groups, top: Path) -> Found:
    """The items of a layout's groups of files, and all that is wrong with their places.

    top: the folder that links must not leave.
    """
    rows, problems = [], list(groups[1])
    anomalous = [group for group in groups[0] if group.defect != "good"]
    with_masks = any(group.masks and images(group.masks) for group in anomalous)
    for group in groups[0]:
        away = misplaced(group.folder, top)
        problems += away
        masks: dict[Path, Path] = {}
        if group.masks is not None:
            problems += misplaced(group.masks, top)
            masks, wrong = _paired(group)
            problems += wrong
        label = int(group.defect != "good")
        for path in images(group.folder):
            unseen = any(p.outside and p.path == group.folder for p in away)
            if label and with_masks and path not in masks and not unseen:
                problems.append(Problem(path, "an anomalous image without a mask"))
            rows.append(
                Item("", path, label, group.defect, masks.get(path), group.part)
            )
    ids = identities([row.image for row in rows], root)
    items = [row._replace(id=name) for row, name in zip(rows, ids, strict=True)]
    return Found(root, layout, sorted(items, key=lambda i: natural(i.id)), problems)


def _group(
    folder: Path, name: str, part: str, masks: dict[str, Path] | None = None
) -> Group:
    """Defects keep the case of their folder; what cannot be printed is escaped."""
    defect = "good" if name in NORMAL else shown(folder.name)
    return Group(folder, defect, part, (masks or {}).get(name))


def _masks_of_nothing(masks: dict[str, Path], of: dict[str, Path]) -> list[Problem]:
    return [
        Problem(folder, f"masks without images: there is no folder {name}")
        for name, folder in masks.items()
        if name not in of and images(folder)
    ]


def _paired(group: Group) -> tuple[dict[Path, Path], list[Problem]]:
    """Image -> mask of a group, and the masks that belong to none."""
    assert group.masks is not None
    by_stem: dict[str, list[Path]] = {}
    for path in images(group.folder):
        by_stem.setdefault(path.stem, []).append(path)
    found: dict[Path, Path] = {}
    problems = []
    for mask in images(group.masks):
        own = by_stem.get(mask.stem) or by_stem.get(_ADDED.sub("", mask.stem), [])
        if group.defect == "good":
            image = own[0] if own else None
            problems.append(Problem(mask, "a mask of a normal image", image))
        elif not own:
            problems.append(Problem(mask, "a mask without an image"))
        elif len(own) > 1:
            problems.append(Problem(mask, f"a mask of {len(own)} images of one name"))
        elif own[0] in found:
            first = found[own[0]].name
            problems.append(Problem(mask, f"a second mask beside {first}", own[0]))
        else:
            found[own[0]] = mask
    return found, problems
