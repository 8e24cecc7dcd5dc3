"""How far AUROC would move with other test examples, detectors compared in pairs."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import ArrayLike

from jaxad.metrics import order


class _Sorted(NamedTuple):
    """rank: (N,) int32, place of each example in the order of scores. low, high: (N,)
    int32, how many examples score below it, and below or equal."""

    rank: jax.Array
    low: jax.Array
    high: jax.Array


def bootstrap_auroc(
    key: jax.Array,
    scores: ArrayLike,
    label: ArrayLike,
    count: int = 1000,
    group: ArrayLike | None = None,
) -> jax.Array:
    """AUROC of detectors on `count` resamples of the examples, the same for all.

    scores: (K, N) float32, higher = more anomalous. label: (N,), 0 normal, 1 anomalous.
    group: (N,) int32 from 0 on, examples that belong together (tiles of one image), or
        None. It is read on the host.
    Resamples are stratified: each class keeps its size; with `group`, whole groups are
    drawn instead. Differences of columns are paired. Returns (count, K) float32; NaN
    for a resample of one class only.
    Source: B. Efron, R. Tibshirani, "An Introduction to the Bootstrap" (1993), ch. 6.
    """
    scores, anomalous = jnp.asarray(scores, jnp.float32), jnp.asarray(label) != 0
    if group is None:
        return _of_examples(key, scores, anomalous, count)
    groups = int(np.max(np.asarray(group))) + 1
    return _of_groups(key, scores, anomalous, group, groups, count)


@partial(jax.jit, static_argnames="count")
def _of_examples(key, scores, anomalous, count: int) -> jax.Array:
    places = jax.vmap(_sorted)(scores)
    # The examples of either class, one after the other: a draw is a place in the list.
    listed = jnp.argsort(anomalous, stable=True).astype(jnp.int32)
    normals = jnp.sum(~anomalous, dtype=jnp.int32)
    at = lax.iota(jnp.int32, anomalous.shape[0])
    low = jnp.where(at < normals, 0, normals)
    high = jnp.where(at < normals, normals, anomalous.shape[0])

    def one(key: jax.Array) -> jax.Array:
        drawn = listed[jax.random.randint(key, at.shape, low, high)]
        weight = jnp.zeros(at.shape, jnp.int32).at[drawn].add(1)
        return jax.vmap(partial(_weighted, weight, anomalous))(places)

    return lax.map(one, jax.random.split(key, count))


@partial(jax.jit, static_argnames=("groups", "count"))
def _of_groups(key, scores, anomalous, group, groups: int, count: int) -> jax.Array:
    """The pairs of examples are counted once, by their two groups; a resample weighs
    the counts."""
    group = jnp.asarray(group, jnp.int32)
    classes = jnp.stack([anomalous, ~anomalous]).astype(jnp.float32)
    positives, normals = (jax.ops.segment_sum(x, group, groups) for x in classes)
    right = jax.vmap(partial(_right_pairs, anomalous, group, groups))(scores)

    def one(key: jax.Array) -> jax.Array:
        drawn = jax.random.randint(key, (groups,), 0, groups)
        weight = jnp.zeros(groups).at[drawn].add(1.0)
        pairs = jnp.dot(positives, weight) * jnp.dot(normals, weight)
        return jnp.einsum("g,kgh,h->k", weight, right, weight) / pairs

    return lax.map(one, jax.random.split(key, count))


def _right_pairs(anomalous, group, groups: int, score: jax.Array) -> jax.Array:
    """(G, G) float32: how many anomalous examples of one group score above how many
    normal ones of the other; ties count one half."""
    places = _sorted(score)

    def below(other: jax.Array) -> jax.Array:
        own = (~anomalous & (group == other)).astype(jnp.int32)
        in_order = jnp.zeros_like(own).at[places.rank].set(own)
        summed = jnp.pad(jnp.cumsum(in_order), (1, 0))
        found = (summed[places.low] + summed[places.high]).astype(jnp.float32) / 2
        return jax.ops.segment_sum(jnp.where(anomalous, found, 0.0), group, groups)

    return lax.map(below, jnp.arange(groups, dtype=jnp.int32)).T


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
