"""Whole images of any size, scored tile by tile by what was trained on patches.

Memory depends on the width of an image and not on its height; maps go to disk band by
band.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from jaxad.data import stitched, to_float
from jaxad.scoring import Scorer, joined

Table = dict[str, np.ndarray]


@dataclass(frozen=True)
class Tiled:
    """A scorer that sees an image as tiles of `size` pixels, every `stride` pixels."""

    scorer: Scorer
    model: Any
    size: int
    stride: int
    channels: int

    @cached_property
    def mapped(self) -> list[str]:
        """The scores that have a map."""
        tile = np.zeros((1, self.size, self.size, self.channels), np.float32)
        return list(self.scorer.scores(self.model, tile).maps)

    def scores(self, image: np.ndarray, names: Sequence[str]) -> tuple[Table, Table]:
        """Scores of the tiles (n,), row by row, and maps (H, W) of `names`, float32.

        image: (H, W, C) uint8 or float32 in [0, 1]. Raises DataError for an image
        smaller than a tile.
        """
        values: list[Table] = []
        whole = np.concatenate(list(self._bands(image, names, values)))
        return joined(values), {name: whole[..., i] for i, name in enumerate(names)}

    def write(self, image: np.ndarray, name: str | None, out: Path | None) -> Table:
        """Scores as of `scores`; the map `name` goes to the .npy file `out`, if any."""
        values: list[Table] = []
        if name is None or out is None:
            for _ in self._bands(image, (), values):
                pass
            return joined(values)
        bands = self._bands(image, (name,), values)
        first = next(bands)  # an image that is too small leaves no file
        target = np.lib.format.open_memmap(out, "w+", np.float32, image.shape[:2])
        row = len(first)
        target[:row] = first[..., 0]
        for band in bands:
            target[row : row + len(band)] = band[..., 0]
            row += len(band)
        target.flush()
        return joined(values)

    def _bands(
        self, image: np.ndarray, names: Sequence[str], values: list[Table]
    ) -> Iterator[np.ndarray]:
        """Bands of maps (h, W, K); what tiles score is added to `values`."""

        def maps(patches: np.ndarray) -> np.ndarray:
            given = np.asarray(to_float(patches))
            found = self.scorer.scores(self.model, given)
            values.append(found.values)
            own = [found.maps[name] for name in names]
            empty = np.zeros((*given.shape[:3], 0), np.float32)
            return np.stack(own, -1) if own else empty

        block = self.scorer.spec.together((self.size, self.size))
        yield from stitched(maps, image, self.size, self.stride, block)
