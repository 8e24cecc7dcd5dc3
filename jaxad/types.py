"""The pytrees that every room shares. They hold arrays only, so they can be mapped
by `vmap`, sharded, donated and saved.

Images are NHWC float32 in [0, 1]. Label 0 is normal, 1 is anomalous. A higher score
means more anomalous.
"""

from typing import Any, NamedTuple

import jax


class Batch(NamedTuple):
    """Examples that a step sees.

    image: (B, H, W, C) float32 in [0, 1].
    label: (B,) int32, 0 normal, 1 anomalous.
    valid: (B,) bool, False for padding, which must not influence any result.
    mask: (B, H, W) bool or None, True where a pixel is anomalous.
    """

    image: jax.Array
    label: jax.Array
    valid: jax.Array
    mask: jax.Array | None = None


class Output(NamedTuple):
    """What a model returns.

    recon: (B, H, W, C) float32.
    latent: (B, ...) float32, the bottleneck.
    mean, logvar: (B, D) float32 or None, the posterior of a variational model.
    noise_logvar: () float32 or None, its log variance of the pixels.
    pictures: name -> (B, H, W, C), what else there is to be looked at; or None.
    """

    recon: jax.Array
    latent: jax.Array
    mean: jax.Array | None = None
    logvar: jax.Array | None = None
    noise_logvar: jax.Array | None = None
    pictures: dict[str, jax.Array] | None = None


class Scores(NamedTuple):
    """Anomaly scores, higher = more anomalous.

    values: name -> (B,) float32.
    maps: name -> (B, H, W) float32, an anomaly map for each score that has one.
    On the host, after scoring, they are NumPy arrays.
    """

    values: dict[str, Any]
    maps: dict[str, Any]


class State(NamedTuple):
    """What a method carries from step to step.

    model: all that scoring reads (parameters, batch statistics, densities).
    rest: all that training needs beside it (optimiser state, second networks).
    """

    model: Any
    rest: Any
