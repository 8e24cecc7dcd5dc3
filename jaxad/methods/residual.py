"""Scores and anomaly maps from an image and its reconstruction.

A map is (B, H, W) float32, averaged over channels; a score is its mean, or the mean of
its largest values.
"""

import jax
import jax.numpy as jnp

from jaxad import losses
from jaxad.config import Score
from jaxad.types import Scores


def scores(spec: Score, image: jax.Array, recon: jax.Array) -> Scores:
    """The scores of `spec` that have a map here.

    image, recon: (B, H, W, C) float32 in [0, 1].
    """
    values: dict[str, jax.Array] = {}
    maps: dict[str, jax.Array] = {}
    for name in [name for name in spec.names if name in MAPS]:
        maps[name] = MAPS[name](recon, image)
        values[name] = reduced(name, maps[name], spec.top)
    return Scores(values, maps)


def reduced(kind: str, anomaly_map: jax.Array, top: float) -> jax.Array:
    """The score (B,) of maps (B, H, W) of a kind in `MAPS`."""
    if kind == "top":
        return top_mean(anomaly_map, top)
    return jnp.mean(anomaly_map, (1, 2))


def top_mean(anomaly_map: jax.Array, share: float) -> jax.Array:
    """Mean of the largest `share` of the pixels of each map. (B, H, W) -> (B,)."""
    flat = anomaly_map.reshape(anomaly_map.shape[0], -1)
    count = max(1, round(share * flat.shape[1]))
    return jnp.mean(jax.lax.top_k(flat, count)[0], 1)


MAPS = {
    "mse": losses.squared_error_map,
    "mae": losses.absolute_error_map,
    "bce": losses.cross_entropy_map,
    "ssim": losses.ssim_map,
    "top": losses.squared_error_map,
}
