"""Metrics by pixel, of the anomaly maps of test images that have masks."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxad import metrics
from jaxad.config import Config
from jaxad.data import Cuts, Split
from jaxad.scoring import Scorer
from jaxad.whole import Tiled


def measure(config: Config, test: Split, scorer: Scorer, model: Any) -> dict[str, Any]:
    """Score name -> AUROC and average precision over all pixels of the test images.

    Of patches, maps are those of the whole images, stitched. Empty without masks, or
    where no score has a map.
    """
    if test.mask is None:
        return {}
    maps, mask = _maps(config, test, scorer, model)
    label = jnp.asarray((mask != 0).reshape(-1).astype(np.int32))
    return {name: _entry(values, label) for name, values in maps.items()}


def _maps(
    config: Config, test: Split, scorer: Scorer, model: Any
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Maps and masks (N, H, W) of whole images."""
    if not isinstance(test.image, Cuts):
        return scorer.scores(model, test.image).maps, test.mask
    whole, patches = test.image.places.whole, config.data.patches
    size = test.image.places.size
    tiled = Tiled(scorer, model, size, patches.stride, whole.shape[3])
    found = [tiled.scores(image, tiled.mapped)[1] for image in whole]
    maps = {name: np.stack([one[name] for one in found]) for name in tiled.mapped}
    return maps, test.mask.places.whole[..., 0]


def _entry(values: np.ndarray, label: jax.Array) -> dict[str, float]:
    score = jnp.asarray(values).reshape(-1)
    auroc, bound = _auroc(score, label)
    anomalous = int(jnp.sum(label))
    return {
        "auroc": float(auroc),
        "auroc_bound": float(bound),
        "average_precision": float(_average_precision(score, label)),
        "n_normal": label.size - anomalous,
        "n_anomalous": anomalous,
    }


_auroc = jax.jit(metrics.auroc_histogram)
_average_precision = jax.jit(metrics.average_precision)
