"""One score for "anomalous if either criterion is": the largest rank of several scores.

Each score is mapped to its rank among the validation normals, so that an equal rank
means an equal rate of false alarms, whatever its scale.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from jaxad.config import Score
from jaxad.errors import ConfigError
from jaxad.methods.base import Blocks, Hparams, Method
from jaxad.methods.beside import beside
from jaxad.streams import stream
from jaxad.types import Scores

Ranks = dict[str, dict[str, jax.Array]]


def fit(values: dict[str, jax.Array], valid: jax.Array) -> Ranks:
    """What `ranks` reads: the sorted scores of validation normals, by name.

    values: name -> (V,) float32. valid: (V,) bool; the others are padding.
    """
    count = jnp.sum(valid.astype(jnp.int32))
    filled = {k: jnp.sort(jnp.where(valid, v, jnp.inf)) for k, v in values.items()}
    return {k: {"sorted": v, "count": count} for k, v in filled.items()}


def rank(known: dict[str, jax.Array], score: jax.Array) -> jax.Array:
    """Ranks (B,) of scores (B,): the share of validation normals up to each.

    Linear between two of them. Beyond the largest it goes on linearly, one for each
    distance between the largest and the median, so that anomalies above all normals
    keep their order; below the smallest likewise.
    """
    order, count = known["sorted"], known["count"]
    number = jnp.maximum(count, 1).astype(jnp.float32)
    last = jnp.maximum(count - 1, 0)
    low, middle, high = order[0], order[last // 2], order[last]
    place = jnp.arange(1, order.shape[0] + 1, dtype=jnp.float32) / number
    # Padding stands at the largest score, whose place is 1.
    inside = jnp.interp(score, jnp.minimum(order, high), jnp.minimum(place, 1.0))
    scale = jnp.maximum(high - middle, 1e-6 * jnp.abs(high) + 1e-12)
    above = jnp.maximum(score - high, 0.0) / scale
    below = jnp.maximum(low - score, 0.0) / scale
    return inside + above - below


def score(known: Ranks, values: dict[str, jax.Array]) -> jax.Array:
    """(B,), the largest rank of the scores in `known`."""
    return jnp.max(jnp.stack([rank(known[k], values[k]) for k in sorted(known)]), 0)


def beside_either(method: Method, spec: Score) -> Method:
    """The method, with the score `either` of `spec.either` as well."""

    def add(fitted: Ranks, image: jax.Array, found: Scores) -> Scores:
        return Scores({"either": score(fitted, found.values)}, {})

    return beside(method, "ranks", spec, partial(_ranks, spec.either), add)


def _ranks(
    names: tuple[str, ...],
    method: Method,
    key: jax.Array,
    hparams: Hparams,
    model: Any,
    train: Blocks,
    val: Blocks,
) -> Ranks:
    if val.count == 0:
        raise ConfigError("score.names: either needs validation normals")
    key = stream(key, "score")

    def one(index):
        batch = val.take(index)
        values = method.score(key, hparams, model, batch.image).values
        return {name: values[name] for name in names}, batch.valid

    values, valid = jax.lax.map(one, jnp.arange(val.count))
    return fit({k: each.reshape(-1) for k, each in values.items()}, valid.reshape(-1))
