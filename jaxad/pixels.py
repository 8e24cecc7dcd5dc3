"""Metrics by pixel, of the anomaly maps of test images that have masks."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from jaxad.config import Config
from jaxad.data import Cuts, Split, tiled
from jaxad.metrics import maps
from jaxad.scoring import Scorer, joined
from jaxad.whole import Tiled

METRICS = {
    "auroc": maps.auroc,
    "average_precision": maps.average_precision,
    "f1_max": maps.f1_max,
    "aupro": maps.aupro,
}


class Tested(NamedTuple):
    """What a model says of test images.

    values: score name -> (N,) float32. pixel: score name -> each of METRICS over all
        pixels, with a bound on its error; empty without masks or where no score has a
        map. Of patches, maps are those of the whole images, stitched.
    """

    values: dict[str, np.ndarray]
    pixel: dict[str, Any]


def score(config: Config, test: Split, scorer: Scorer, model: Any) -> Tested:
    """Scores of test images and of their pixels, from looking at each once."""
    if test.mask is None:
        return Tested(scorer.values(model, test.image), {})
    if isinstance(test.image, Cuts):
        values, found = _of_tiles(config, test.image, scorer, model)
        mask = test.mask.places.whole[..., 0]
    else:
        values, found = scorer.scores(model, test.image)
        mask = test.mask
    return Tested(values, {name: entry(of, mask) for name, of in found.items()})


def _of_tiles(
    config: Config, cuts: Cuts, scorer: Scorer, model: Any
) -> tuple[dict[str, np.ndarray], dict[str, list[np.ndarray]]]:
    """Scores of the tiles, and the maps (H, W) of the whole images."""
    places, stride = cuts.places, config.data.patches.stride
    whole = Tiled(scorer, model, places.size, stride, places.whole.shape[3])
    found = [whole.scores(image, whole.mapped) for image in places.whole]
    # All tiles are here, in the order of their places; the test may be some of them.
    at = np.searchsorted(tiled(places, stride), cuts.rows)
    values = {name: of[at] for name, of in joined([one for one, _ in found]).items()}
    return values, {name: [of[name] for _, of in found] for name in whole.mapped}


def entry(found: Sequence[np.ndarray], mask: Sequence[np.ndarray]) -> dict[str, Any]:
    counts = maps.count(found, mask)
    entry: dict[str, Any] = {}
    for name, metric in METRICS.items():
        value, bound = metric(counts)
        entry |= {name: value, f"{name}_bound": bound}
    normal, anomalous = int(counts.normal.sum()), int(counts.anomalous.sum())
    found_in = {"n_normal": normal, "n_anomalous": anomalous}
    return entry | found_in | {"n_regions": counts.regions}
