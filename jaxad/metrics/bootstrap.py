"""How far AUROC would move with other test examples, detectors compared in pairs."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from jaxad.metrics import order


class _Sorted(NamedTuple):
    """rank: (N,) int32, place of each example in the order of scores. low, high: (N,)
    int32, how many examples score below it, and below or equal."""

    rank: jax.Array
    low: jax.Array
    high: jax.Array


@partial(jax.jit, static_argnames="count")
def bootstrap_auroc(
    key: jax.Array,
    scores: jax.Array,
    label: jax.Array,
    count: int = 1000,
    group: jax.Array | None = None,
) -> jax.Array:
    """AUROC of detectors on `count` resamples of the examples, the same for all.

    scores: (K, N) float32, higher = more anomalous. label: (N,), 0 normal, 1 anomalous.
    group: (N,) int32 from 0 on, examples that belong together (tiles of one image), or
        None.
    Resamples are stratified: each class keeps its size; with `group`, whole groups are
    drawn instead. Differences of columns are paired. Returns (count, K) float32; NaN
    for a resample of one class only.
    Source: B. Efron, R. Tibshirani, "An Introduction to the Bootstrap" (1993), ch. 6.
    """
    anomalous = jnp.asarray(label) != 0
    places = jax.vmap(_sorted)(jnp.asarray(scores, jnp.float32))
    # The examples of either class, one after the other: a draw is a place in the list.
    listed = jnp.argsort(anomalous, stable=True).astype(jnp.int32)
    normals = jnp.sum(~anomalous, dtype=jnp.int32)
    at = lax.iota(jnp.int32, anomalous.shape[0])
    low = jnp.where(at < normals, 0, normals)
    high = jnp.where(at < normals, normals, anomalous.shape[0])

    def one(key: jax.Array) -> jax.Array:
        if group is None:
            drawn = listed[jax.random.randint(key, at.shape, low, high)]
            weight = jnp.zeros(at.shape, jnp.int32).at[drawn].add(1)
        else:
            groups = jnp.max(group) + 1
            drawn = jax.random.randint(key, at.shape, 0, groups)
            times = jnp.zeros(at.shape, jnp.int32).at[drawn]
            weight = times.add((at < groups).astype(jnp.int32))[group]
        return jax.vmap(partial(_weighted, weight, anomalous))(places)

    return lax.map(one, jax.random.split(key, count))


def _sorted(score: jax.Array) -> _Sorted:
    keys = order.key(score)
    ordered = jnp.sort(keys)
    rank = jnp.argsort(jnp.argsort(keys, stable=True), stable=True)
    low = jnp.searchsorted(ordered, keys, side="left")
    high = jnp.searchsorted(ordered, keys, side="right")
    return _Sorted(*(x.astype(jnp.int32) for x in (rank, low, high)))


def _weighted(weight: jax.Array, anomalous: jax.Array, places: _Sorted) -> jax.Array:
    """AUROC where each example counts `weight` times."""
    normal = jnp.where(anomalous, 0, weight)
    in_order = jnp.zeros_like(normal).at[places.rank].set(normal)
    below = jnp.pad(jnp.cumsum(in_order), (1, 0))
    # Sums stay below 2^31 pairs an example; their total is a float.
    pairs = (below[places.low] + below[places.high]).astype(jnp.float32) / 2
    positive = jnp.where(anomalous, weight, 0).astype(jnp.float32)
    total = jnp.sum(normal).astype(jnp.float32) * jnp.sum(positive)
    return jnp.sum(positive * pairs) / total
