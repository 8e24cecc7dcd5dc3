"""Every file of a folder data set read once: what is wrong, all at once."""

import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from jaxad.data.decode import MAX_PIXELS, BadFile, read_mask, read_pixels, shown
from jaxad.data.folders_layouts import Found
from jaxad.data.folders_listing import Item, Problem, natural
from jaxad.data.store import sha256
from jaxad.errors import DataError

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
            f"{shown(root)} has {count}: {'; '.join(named)}; remove or mend the files"
        )
        self.problems = list(problems)


class _Read(NamedTuple):
    """What one item told; digest "" and channels 0 where it could not be read."""

    problems: list[Problem]
    digest: str = ""
    channels: int = 0


def check(
    found: Found, channels: int | None = None, max_pixels: int = MAX_PIXELS
) -> list[Problem]:
    """Reads every image and mask; all problems, in natural order of their paths.

    channels: 1 or 3 where grey and colour are going to be made the same; None: images
        with other channels than most are problems.
    Problems are those of `find` (masks and images without each other, links out of the
    folder, ...), files that cannot be read, masks that are not binary, of another size,
    or empty, and files equal in content to one in another part or of another label.
    """
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        read = list(pool.map(lambda item: _read(item, max_pixels), found.items))
    problems = [*found.problems, *(p for r in read for p in r.problems)]
    problems += _copies(found, read)
    if channels is None:
        problems += _unlike(found.items, read)
    return sorted(set(problems), key=lambda p: natural(f"{p.path}\0{p.reason}"))


def problems_table(problems: Sequence[Problem], root: Path) -> str:
    """A line a problem: its path from `root`, and the reason in a second column."""
    rows = _rows(problems, root)
    width = min(max((len(path) for path, _ in rows), default=0), 60)
    return "\n".join(f"{path:{width}s}  {reason}" for path, reason in rows)


def _rows(problems: Sequence[Problem], root: Path) -> list[tuple[str, str]]:
    return [
        (shown(p.path.relative_to(root) if p.path.is_relative_to(root) else p.path), r)
        for p in problems
        for r in (p.reason,)
    ]


def _read(item: Item, max_pixels: int) -> _Read:
    problems = []
    try:
        pixels = read_pixels(item.image, max_pixels)
    except BadFile as error:
        return _Read([Problem(item.image, error.reason)])
    if item.mask is not None:
        try:
            if not read_mask(item.mask, pixels.shape[:2], max_pixels).any():
                problems.append(Problem(item.mask, "an empty mask of an anomaly"))
        except BadFile as error:
            problems.append(Problem(item.mask, error.reason))
    return _Read(problems, sha256(item.image), pixels.shape[2])


def _copies(found: Found, read: list[_Read]) -> list[Problem]:
    """Files equal to another one of another use; of those in train, none are named."""
    first: dict[str, Item] = {}
    problems = []
    pairs = zip(found.items, read, strict=True)
    for item, told in sorted(pairs, key=lambda pair: pair[0].part == "test"):
        other = first.setdefault(told.digest, item) if told.digest else item
        if (other.part, other.label) != (item.part, item.label):
            problems.append(Problem(item.image, f"the same file as {other.id}"))
    return problems


def _unlike(items: list[Item], read: list[_Read]) -> list[Problem]:
    counts = Counter(told.channels for told in read if told.channels)
    if len(counts) < 2:
        return []
    most = counts.most_common(1)[0][0]
    return [
        Problem(item.image, f"{_COLOURS[told.channels]}, but most are {_COLOURS[most]}")
        for item, told in zip(items, read, strict=True)
        if told.channels not in (0, most)
    ]
