"""The examples of a run folder as plain values."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxad.report.files import damaged, load_with, read_json

_PICTURE, _SAMPLES = "picture_", "samples"
_IMAGES, _MADE = ("original", "image"), ("recon", "map", "mask")
_PLOTTED = ("best", "worst", "random")
_SCALE = ("map_score", "map_limits", "map_threshold", "map_rate")


class MapScale(NamedTuple):
    """How the maps of a run are shown, chosen on its validation normals.

    score: whose maps they are. low, high: the ends of the colours, low < high.
    threshold: a pixel is anomalous iff its map is that or above; a share of `rate` at
    most of the pixels of validation normals are.
    """

    score: str
    low: float
    high: float
    threshold: float
    rate: float


@dataclass(frozen=True)
class Examples:
    """The examples that a run keeps for its pictures.

    original, image, recon: (K, H, W, C) float32 in [0, 1]: before corruption, as the
    detector saw it, as the model gave it back.
    map: (K, H, W) float32, the anomaly map. mask: (K, H, W) bool, the true defects.
    recon and map are None where the model makes none, mask where the data have none.
    index: K dicts with `id`, `label`, `defect`, `scores` (name -> value) and `why`.
    pictures: name -> (K, H, W, C) float32, of networks behind an autoencoder.
    samples: (n, H, W, C) float32, new images that the model draws; None: it draws none.
    scale: of the maps; None: there are none, or the run is from before it was kept.
    """

    original: np.ndarray
    image: np.ndarray
    recon: np.ndarray | None
    map: np.ndarray | None
    index: list[dict[str, Any]]
    pictures: dict[str, np.ndarray] = field(default_factory=dict)
    samples: np.ndarray | None = None
    mask: np.ndarray | None = None
    scale: MapScale | None = None

    def plotted(self) -> "Examples":
        """The few best, worst and random ones; others are for the page alone."""
        keep = [k for k, e in enumerate(self.index) if e.get("why") in _PLOTTED]
        if len(keep) == len(self.index):
            return self
        own = {"original": self.original, "image": self.image, "recon": self.recon}
        own |= {"map": self.map, "mask": self.mask}
        few: dict[str, Any] = {
            name: None if array is None else array[keep] for name, array in own.items()
        }
        few["pictures"] = {name: x[keep] for name, x in self.pictures.items()}
        return replace(self, index=[self.index[k] for k in keep], **few)


def read_examples(path: Path) -> Examples:
    """Reads the folder `examples` of a run.

    Raises: DataError where a file is missing or damaged, or arrays do not fit.
    """
    index = read_json(path / "index.json", list)
    file = path / "examples.npz"

    def load(file: Path) -> dict[str, np.ndarray]:
        with file.open("rb") as data, np.load(data, allow_pickle=False) as archive:
            kept = [
                name
                for name in archive.files
                if name in (*_MADE, *_SCALE, _SAMPLES) or name.startswith(_PICTURE)
            ]
            return {name: archive[name] for name in (*_IMAGES, *kept)}

    arrays = load_with(file, load)
    scale = _scale(file, {n: arrays.pop(n) for n in _SCALE if n in arrays})
    samples, shape = arrays.pop(_SAMPLES, None), arrays["image"].shape
    fits = len(shape) == 4 and all(
        array.shape == (shape[:3] if name in ("map", "mask") else shape)
        for name, array in arrays.items()
    )
    fits = fits and (samples is None or samples.shape[1:] == shape[1:])
    if not fits or shape[0] != len(index):
        raise damaged(file, "damaged: arrays and index.json differ in shape")
    if "mask" in arrays and arrays["mask"].dtype != bool:
        raise damaged(file, "damaged: the mask holds other values than true and false")
    if scale is not None and "map" not in arrays:
        raise damaged(file, "damaged: the scale of the maps is there, but no map")
    own = {name: arrays.pop(name, None) for name in (*_IMAGES, *_MADE)}
    # As the network makes them: the mask is what its output adds to its input.
    order = sorted(arrays, key=lambda name: (name.endswith("mask"), name))
    pictures = {name.removeprefix(_PICTURE): arrays[name] for name in order}
    return Examples(**own, index=index, pictures=pictures, samples=samples, scale=scale)


def _scale(file: Path, arrays: dict[str, np.ndarray]) -> MapScale | None:
    """The scale of the maps; None of a run from before it was kept."""
    if not arrays:
        return None
    for name in _SCALE:
        array, shape = arrays.get(name), (2,) if name == "map_limits" else ()
        kinds = "U" if name == "map_score" else "f"
        if array is None or array.shape != shape or array.dtype.kind not in kinds:
            raise damaged(file, f"damaged: {name} is missing or of another form")
    low, high = arrays["map_limits"].tolist()
    threshold, rate = arrays["map_threshold"].item(), arrays["map_rate"].item()
    if not (low < high and np.isfinite([low, high, threshold]).all() and 0 < rate < 1):
        raise damaged(file, "damaged: the scale of the maps holds impossible numbers")
    return MapScale(arrays["map_score"].item(), low, high, threshold, rate)
