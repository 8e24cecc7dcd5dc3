"""Scores and anomaly maps from an image and its reconstruction.

A map is (B, H, W) float32, averaged over channels; a score is its mean, or the mean of
its largest values.
"""

import math

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
        maps[name] = smoothed(MAPS[name](recon, image), spec.blur)
        values[name] = reduced(name, maps[name], spec.top)
    return Scores(values, maps)


def reduced(kind: str, anomaly_map: jax.Array, top: float) -> jax.Array:
    """The score (B,) of maps (B, H, W) of a kind in `MAPS`."""
    if kind in ("top", "zmap"):
        return top_mean(anomaly_map, top)
    return jnp.mean(anomaly_map, (1, 2))


def signed(image: jax.Array, recon: jax.Array) -> jax.Array:
    """image - recon, mean over channels: (B, H, W, C) -> (B, H, W)."""
    return jnp.mean(image - recon, -1)


def smoothed(anomaly_map: jax.Array, sigma: float) -> jax.Array:
    """Maps (B, H, W) under a Gaussian of so many pixels; 0: as they are.

    Up to three standard deviations, mirrored at the border: its pixels repeated would
    weigh so much that their noise stays.
    """
    if sigma == 0:
        return anomaly_map
    reach = math.ceil(3 * sigma)
    place = jnp.arange(-reach, reach + 1, dtype=jnp.float32)
    weight = jnp.exp(-0.5 * jnp.square(place / sigma))
    weight = weight / jnp.sum(weight)
    pads = ((0, 0), (reach, reach), (reach, reach))
    wide = jnp.pad(anomaly_map, pads, mode="symmetric")[..., None]
    for kernel in (weight[:, None], weight[None]):
        wide = jax.lax.conv_general_dilated(
            wide,
            kernel[..., None, None],
            (1, 1),
            "VALID",
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )
    return wide[..., 0]


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
