"""Metrics by pixel, of the anomaly maps of test images that have masks."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxad import metrics
from jaxad.config import Config
from jaxad.data import Cuts, Split, tiled
from jaxad.scoring import Scorer, joined
from jaxad.whole import Tiled


class Tested(NamedTuple):
    """What a model says of test images.

    values: score name -> (N,) float32. pixel: score name -> AUROC and average precision
        over all pixels, empty without masks or where no score has a map. Of patches,
        maps are those of the whole images, stitched.
    """

    values: dict[str, np.ndarray]
    pixel: dict[str, Any]


def score(config: Config, test: Split, scorer: Scorer, model: Any) -> Tested:
    """Scores of test images and of their pixels, from looking at each once."""
    if test.mask is None:
        return Tested(scorer.values(model, test.image), {})
    if isinstance(test.image, Cuts):
        values, maps = _of_tiles(config, test.image, scorer, model)
        mask = test.mask.places.whole[..., 0]
    else:
        values, maps = scorer.scores(model, test.image)
        mask = test.mask
    label = jnp.asarray((mask != 0).reshape(-1).astype(np.int32))
    return Tested(values, {name: _entry(of, label) for name, of in maps.items()})


def _of_tiles(
    config: Config, cuts: Cuts, scorer: Scorer, model: Any
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Scores of the tiles, and maps (N, H, W) of the whole images."""
    places, stride = cuts.places, config.data.patches.stride
    whole = Tiled(scorer, model, places.size, stride, places.whole.shape[3])
    found = [whole.scores(image, whole.mapped) for image in places.whole]
    # All tiles are here, in the order of their places; the test may be some of them.
    at = np.searchsorted(tiled(places, stride), cuts.rows)
    values = {name: of[at] for name, of in joined([one for one, _ in found]).items()}
    return values, {
        name: np.stack([of[name] for _, of in found]) for name in whole.mapped
    }


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
