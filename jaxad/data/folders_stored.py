"""Images of a folder as they are wanted, read from their files when they are asked for.

Files are decoded and resized in a few threads by Grain, in order and ahead of what is
taken from it, so that the pixels of a few files alone are in memory at full size.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jaxad.data.decode import BadFile, as_channels, read_mask, read_pixels
from jaxad.data.folders_check import Form, Wanted
from jaxad.data.folders_listing import Item
from jaxad.data.images import resize, resize_mask, to_float
from jaxad.errors import DataError

THREADS = 4
"""Files that are decoded at a time."""
AHEAD = 8
"""Images that are read before they are asked for."""


@dataclasses.dataclass(frozen=True)
class Stored:
    """Images in their files, as if they were an array.

    form: (H, W, C) of each as it is read. dtype: uint8, or float32 in [0, 1].
    It has the `shape`, `dtype` and length of the array (N, H, W, C), and its items: a
    number, a slice, numbers or booleans give arrays, read anew each time.
    """

    items: tuple[Item, ...]
    form: tuple[int, ...]
    dtype: np.dtype
    wanted: Wanted

    @staticmethod
    def of(
        items: Sequence[Item], forms: Mapping[Path, Form], wanted: Wanted | None = None
    ) -> "Stored":
        """Images that `check` has read, all of which become alike.

        Images of 8 bits stay bytes, if all are, otherwise all become float32.
        Raises DataError where no size is wanted and they differ in theirs.
        """
        wanted = wanted or Wanted()
        shapes = [forms[item.image].shape for item in items]
        height, width, channels = shapes[0]
        for item, shape in zip(items, shapes, strict=True):
            if wanted.size is None and shape[:2] != (height, width):
                raise DataError(
                    f"images differ in size ({items[0].id} and {item.id}: "
                    f"{width}x{height} and {shape[1]}x{shape[0]}); set data.size to "
                    "resize them"
                )
        if wanted.size is not None:
            height = width = wanted.size
        form = height, width, wanted.channels or channels
        bytes_alone = all(forms[item.image].dtype == np.uint8 for item in items)
        dtype = np.dtype(np.uint8 if bytes_alone else np.float32)
        return Stored(tuple(items), form, dtype, wanted)

    @property
    def shape(self) -> tuple[int, ...]:
        return len(self.items), *self.form

    @property
    def ndim(self) -> int:
        return 4

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: Any) -> np.ndarray:
        rows = np.arange(len(self))[index]
        if rows.ndim == 0:
            return self.image(int(rows))
        part = self.at(rows)
        out = np.empty(part.shape, self.dtype)
        for place, image in zip(out, part.each(), strict=True):
            place[...] = image
        return out

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype)

    def at(self, rows: np.ndarray) -> "Stored":
        """Some of the images, none of them read; rows: (n,) numbers or booleans."""
        items = tuple(self.items[row] for row in np.arange(len(self))[rows])
        return dataclasses.replace(self, items=items)

    def each(self) -> Iterator[np.ndarray]:
        """The images (H, W, C) in their order, read ahead."""
        return ahead(range(len(self)), self.image)

    def image(self, row: int) -> np.ndarray:
        """An image (H, W, C). Raises BadFile where its file is not what it was."""
        item, wanted = self.items[row], self.wanted
        pixels = read_pixels(item.image)
        if wanted.channels is not None:
            pixels = as_channels(pixels, wanted.channels)
        if self.dtype == np.float32:
            pixels = np.asarray(to_float(pixels))
        if wanted.size is not None:
            pixels = resize(pixels[None], wanted.size, wanted.fit)[0]
        if pixels.shape != self.form or pixels.dtype != self.dtype:
            raise BadFile(item.image, "has changed since it was looked at; start again")
        return pixels


def masks(
    items: Sequence[Item], forms: Mapping[Path, Form], wanted: Wanted
) -> np.ndarray | None:
    """(N, H, W) uint8, 0 or 1, as the images are resized; None where an anomalous one
    has none, or none is anomalous."""
    anomalous = [item for item in items if item.label]
    if not anomalous or any(item.mask is None for item in anomalous):
        return None

    def read(row: int) -> np.ndarray:
        item = items[row]
        shape = forms[item.image].shape[:2]
        if item.mask is None:
            side = wanted.size
            return np.zeros(shape if side is None else (side, side), np.uint8)
        mask = read_mask(item.mask, shape)
        if wanted.size is None:
            return mask.astype(np.uint8)
        return resize_mask(mask[None], wanted.size, wanted.fit)[0]

    return np.stack(list(ahead(range(len(items)), read)))


def picked(image: Any, rows: np.ndarray) -> Any:
    """Some rows (n,) of images; of stored ones none is read."""
    return image.at(rows) if isinstance(image, Stored) else image[rows]


def joined(images: Sequence[Any]) -> Any:
    """Images one after the other; where all are stored none is read."""
    if not all(isinstance(image, Stored) for image in images):
        return np.concatenate(images)
    items = tuple(item for image in images for item in image.items)
    return dataclasses.replace(images[0], items=items)


def ahead(
    source: Sequence[int], read: Callable[[int], Any], count: int = AHEAD
) -> Iterator[Any]:
    """`read` of each number, in order, up to `count` of them before they are asked for.

    An error of `read` comes out where its number is reached.
    """
    import grain  # takes half a second, which no other data set needs

    options = grain.ReadOptions(num_threads=THREADS, prefetch_buffer_size=count)
    data = grain.MapDataset.source(_Numbers(source)).map(read)
    return iter(data.to_iter_dataset(options))


class _Numbers:
    """A sequence as Grain takes one: numbers of NumPy serve as indices too."""

    def __init__(self, numbers: Sequence[int]):
        self.numbers = numbers

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: Any) -> int:
        return self.numbers[int(index)]
