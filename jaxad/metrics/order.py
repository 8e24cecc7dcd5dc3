"""Scores as integers of the same order.

Devices flush subnormal numbers to zero when they compare floats, and sort floats
several times slower than integers. The bits of a float32, turned so that they rise with
the score, avoid both; -0.0 and 0.0 share one key.
"""

import jax
import jax.numpy as jnp
from jax import lax

from jaxad.errors import DataError

_SIGN = 0x80000000
_INFINITY = 0x7F800000
_TINY = 1.1754943508222875e-38


def examples(
    score: jax.Array, label: jax.Array, valid: jax.Array | None
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Check and convert what every metric takes; padding for an empty input.

    score: (N,), read as float32. label: (N,), 0 normal, otherwise anomalous.
    valid: (N,) bool or None (all valid).
    Returns score (max(N, 1),) float32, anomalous and valid, both bool.
    Raises DataError when the shapes differ or are not (N,).
    """
    score, label = jnp.asarray(score), jnp.asarray(label)
    valid = jnp.ones(score.shape, bool) if valid is None else jnp.asarray(valid)
    if score.ndim != 1 or not score.shape == label.shape == valid.shape:
        raise DataError(
            f"score {score.shape}, label {label.shape} and valid {valid.shape} must "
            "all have the one shape (N,); flatten maps first"
        )
    pad = (0, 1 if score.shape[0] == 0 else 0)
    return (
        jnp.pad(score.astype(jnp.float32), pad),
        jnp.pad(label.astype(bool), pad),
        jnp.pad(valid.astype(bool), pad),
    )


def key(score: jax.Array) -> jax.Array:
    """uint32 of the same order as the float32 scores (NaN has no meaningful key)."""
    bits = lax.bitcast_convert_type(score, jnp.uint32)
    sign = jnp.uint32(_SIGN)
    return jnp.where(bits >= sign, jnp.uint32(0) - bits, bits | sign)


def unkey(key: jax.Array) -> jax.Array:
    """float32 score of a key: the inverse of `key`."""
    sign = jnp.uint32(_SIGN)
    bits = jnp.where(key >= sign, key ^ sign, jnp.uint32(0) - key)
    return lax.bitcast_convert_type(bits, jnp.float32)


def is_nan(score: jax.Array) -> jax.Array:
    """True where a float32 is NaN, whatever the compiler assumes about floats."""
    bits = lax.bitcast_convert_type(score, jnp.uint32)
    return (bits & jnp.uint32(_SIGN - 1)) > jnp.uint32(_INFINITY)


def next_up(score: jax.Array) -> jax.Array:
    """Smallest float32 above a score, passing over subnormal numbers.

    A limit must stay above the score on devices that read subnormals as zero.
    """
    up = unkey(key(score) + jnp.uint32(1))
    bits = lax.bitcast_convert_type(up, jnp.uint32)
    size = bits & jnp.uint32(_SIGN - 1)
    subnormal = (size > jnp.uint32(0)) & (size < jnp.uint32(0x00800000))
    past = jnp.where(bits >= jnp.uint32(_SIGN), jnp.float32(0), jnp.float32(_TINY))
    return jnp.where(subnormal, past, up)
