"""Every file of a folder data set read once: what is wrong, all at once."""

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jaxad.data.decode import (
    MAX_PIXELS,
    BadFile,
    misnamed,
    read_mask,
    read_pixels,
    shown,
)
from jaxad.data.folders_layouts import Found
from jaxad.data.folders_listing import Item, Problem, natural
from jaxad.data.images import resize_mask
from jaxad.errors import DataError
from jaxad.progress import counted

_NAMED = 3
_COLOURS = {1: "grey", 3: "in colour"}


class FolderError(DataError):
    """Files of a folder data set cannot be used; `problems` has all of them."""

    def __init__(self, root: Path, problems: Sequence[Problem]):
        named = [": ".join(row) for row in _rows(problems[:_NAMED], root)]
        if len(problems) > _NAMED:
            named.append(f"and {len(problems) - _NAMED} more")
        count = f"{len(problems)} problem{'s' * (len(problems) > 1)}"
        super().__init__(
            f"{shown(root)} has {count}: {'; '.join(named)}; remove or mend the files, "
            "or set data.problems leave_out (`jaxad data verify` lists all)"
        )
        self.problems = list(problems)


class Wanted(NamedTuple):
    """What is going to be made of the files, as in the config's `data`.

    channels: 1 or 3 where grey and colour are going to be made the same; None: images
    with other channels than most are problems. declared: images known to be defective,
    by id, or by path from the data set's folder or as typed.
    """

    channels: int | None = None
    size: int | None = None
    fit: str = "stretch"
    declared: tuple[str, ...] = ()


class Form(NamedTuple):
    """Of a file that can be read: its pixels' shape (H, W, C), type and SHA-256."""

    shape: tuple[int, ...]
    dtype: np.dtype
    digest: str


class Checked(NamedTuple):
    """All problems in natural order of their paths; forms: of images by their path."""

    problems: list[Problem]
    forms: dict[Path, Form]


def check(
    found: Found, wanted: Wanted | None = None, max_pixels: int = MAX_PIXELS
) -> Checked:
    """Reads every image and mask once, a few at a time.

    Problems are those of `find` (masks and images without each other, a mask of a
    normal image, links out of the folder, ...), files that cannot be read or were
    renamed, masks that are not binary, of another size, or empty, as they are or as
    they are going to be resized, normal images that are declared a defect, and images
    equal in every pixel to another one, which splits would not keep apart. Nothing is
    read behind a link that leaves the folder.
    """
    wanted = wanted or Wanted()
    outside = {problem.path for problem in found.problems if problem.outside}

    def read(item: Item) -> tuple[list[Problem], Form | None]:
        files = [item.image] if item.mask is None else [item.image, item.mask]
        if any(not outside.isdisjoint({file, file.parent}) for file in files):
            return [], None
        return _read(item, wanted, max_pixels)

    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        read_all = pool.map(read, found.items)
        told = list(counted(read_all, "files checked", len(found.items)))
    pairs = zip(found.items, told, strict=True)
    forms = {item.image: form for item, (_, form) in pairs if form is not None}
    problems = [*found.problems, *(p for own, _ in told for p in own)]
    problems += _copies(found.items, forms) + _declared(found, wanted.declared)
    if wanted.channels is None:
        problems += _unlike(found.items, forms)
    order = sorted(set(problems), key=lambda p: natural(f"{p.path}\0{p.reason}"))
    return Checked(order, forms)


def problems_table(problems: Sequence[Problem], root: Path) -> str:
    """A line a problem: its path from `root`, and the reason in a second column."""
    rows = _rows(problems, root)
    width = min(max((len(path) for path, _ in rows), default=0), 60)
    return "\n".join(f"{path:{width}s}  {reason}" for path, reason in rows)


def leave_out(
    found: Found, problems: Sequence[Problem]
) -> tuple[list[Item], tuple[tuple[str, str], ...]]:
    """The items whose image, mask and folders have no problem; and what is left out.

    The latter by problem: the id of an image that it costs, or else the file's path,
    and the reason with the file's path.
    """
    touched: dict[Path, list[Item]] = {}
    for item in found.items:
        files = [item.image] if item.mask is None else [item.image, item.mask]
        for place in {*files, *(file.parent for file in files)}:
            touched.setdefault(place, []).append(item)
    rows: list[tuple[str, str]] = []
    gone: set[Path] = set()
    for problem, (path, reason) in zip(
        problems, _rows(problems, found.root), strict=True
    ):
        hit = touched.get(problem.path, [])
        hit = hit or (touched.get(problem.image, []) if problem.image else [])
        gone.update(item.image for item in hit)
        rows += [(item.id, f"{path}: {reason}") for item in hit] or [(path, reason)]
    return [item for item in found.items if item.image not in gone], tuple(rows)


def _rows(problems: Sequence[Problem], root: Path) -> list[tuple[str, str]]:
    return [
        (shown(p.path.relative_to(root) if p.path.is_relative_to(root) else p.path), r)
        for p in problems
        for r in (p.reason,)
    ]


def _read(
    item: Item, wanted: Wanted, max_pixels: int
) -> tuple[list[Problem], Form | None]:
    problems = []
    try:
        pixels = read_pixels(item.image, max_pixels)
    except BadFile as error:
        return [Problem(item.image, error.reason)], None
    if item.mask is not None:
        try:
            mask = read_mask(item.mask, pixels.shape[:2], max_pixels)
            if (reason := _empty(mask, wanted)) is not None:
                problems.append(Problem(item.mask, reason))
            if (reason := misnamed(item.mask)) is not None:
                problems.append(Problem(item.mask, reason))
        except BadFile as error:
            problems.append(Problem(item.mask, error.reason))
    if (reason := misnamed(item.image)) is not None:
        problems.append(Problem(item.image, reason))
    digest = hashlib.sha256(f"{pixels.shape} {pixels.dtype}".encode())
    digest.update(pixels.data)
    return problems, Form(pixels.shape, pixels.dtype, digest.hexdigest())


def _empty(mask: np.ndarray, wanted: Wanted) -> str | None:
    if not mask.any():
        return "an empty mask of an anomaly"
    if wanted.size is None:
        return None
    if resize_mask(mask[None], wanted.size, wanted.fit).any():
        return None
    return f"an empty mask once resized (data.size {wanted.size}, fit {wanted.fit})"


def _copies(items: Sequence[Item], forms: dict[Path, Form]) -> list[Problem]:
    """Images equal to one before them: both where the labels differ, which cannot both
    be right, otherwise the later ones. Those for training come first."""
    same: dict[str, list[Item]] = {}
    for item in sorted(items, key=lambda item: item.part == "test"):
        if item.image in forms:
            same.setdefault(forms[item.image].digest, []).append(item)
    problems = []
    for first, *more in same.values():
        for item in more:
            if item.label != first.label:
                words = ("normal", "anomalous")
                pairs = (item, first), (first, item)
                problems += [
                    Problem(
                        a.image, f"the same image as {b.id}, called {words[b.label]}"
                    )
                    for a, b in pairs
                ]
            else:
                problems.append(Problem(item.image, f"the same image as {first.id}"))
    return problems


def _declared(found: Found, names: Sequence[str]) -> list[Problem]:
    """Normal images that are declared a defect, and names of no image."""
    known: dict[str, Item] = {}
    for item in found.items:
        known[item.id] = known[item.image.relative_to(found.root).as_posix()] = item
        known[os.path.abspath(item.image)] = item
    problems = []
    for name in names:
        typed = os.path.abspath(os.path.expanduser(name))
        image = known.get(name) or known.get(typed)
        if image is None:
            reason = "declared a defect, but there is no such image"
            problems.append(Problem(found.root / name, reason))
        elif image.label == 0:
            part = {"train": "training", "test": "test"}[image.part]
            reason = f"declared a defect, among the normal {part} images"
            problems.append(Problem(image.image, reason))
    return problems


def _unlike(items: Sequence[Item], forms: dict[Path, Form]) -> list[Problem]:
    counts = Counter(form.shape[2] for form in forms.values())
    if len(counts) < 2:
        return []
    most = counts.most_common(1)[0][0]
    return [
        Problem(
            item.image,
            f"{_COLOURS[form.shape[2]]}, but most are {_COLOURS[most]}; data.channels "
            "1 or 3 makes them alike",
        )
        for item in items
        if (form := forms.get(item.image)) and form.shape[2] != most
    ]
