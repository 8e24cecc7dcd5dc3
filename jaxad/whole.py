"""Whole images of any size, scored patch by patch by a run that was trained on patches.

Memory depends on the width of an image and not on its height; maps go to disk band by
band.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxad.data import stitched
from jaxad.errors import DataError
from jaxad.scoring import Scorer


class Tiled(NamedTuple):
    """A scorer that sees an image as tiles. size, stride: as `config.data.patches`."""

    scorer: Scorer
    model: Any
    size: int
    stride: int

    def score(
        self, image: np.ndarray, name: str | None, out: Path | None = None
    ) -> dict[str, float]:
        """The largest score of a tile of image (H, W, C), by name.

        out: a .npy file, which gets the map `name`, (H, W) float32.
        Raises DataError for an image smaller than a tile.
        """
        largest: dict[str, float] = {}
        if out is None:
            for _ in self._bands(image, name, largest):
                pass
            return largest
        target = np.lib.format.open_memmap(out, "w+", np.float32, image.shape[:2])
        row = 0
        for band in self._bands(image, name, largest):
            target[row : row + len(band)] = band
            row += len(band)
        target.flush()
        return largest

    def map(self, image: np.ndarray, name: str) -> np.ndarray:
        """(H, W) float32, the map `name` of image (H, W, C)."""
        return np.concatenate(list(self._bands(image, name, {})))

    def _bands(self, image, name: str | None, largest) -> Iterator[np.ndarray]:
        def maps(patches: np.ndarray) -> np.ndarray:
            found = self.scorer.scores(self.model, patches)
            for score, values in found.values.items():
                most = float(values.max())
                largest[score] = max(most, largest.get(score, most))
            if name is None:
                return np.zeros(patches.shape[:3], np.float32)
            if name not in found.maps:
                raise DataError(f"score {name} has no map; leave out the maps")
            return found.maps[name]

        yield from stitched(maps, image, self.size, self.stride, self.scorer.block)
