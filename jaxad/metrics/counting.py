"""Exact sums of counts. float32 stops counting at 2^24, and the number of pairs of a
normal and an anomalous example overflows 32 bits; here it has 64, as two uint32.

Everything runs block by block: temporary arrays of the input's length cost more in page
faults than the arithmetic itself.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

_LOW = 0xFFFF
# A uint32 holds the sum of so many numbers below 2^16.
_BLOCK = 1 << 16


class Wide(NamedTuple):
    """A count below 2^64: high * 2^32 + low, both uint32."""

    high: jax.Array
    low: jax.Array


def blocks(x: jax.Array) -> jax.Array:
    """(N,) as (rows, block), padded with zeros (False)."""
    rows = max(1, -(-x.shape[0] // _BLOCK))
    block = -(-x.shape[0] // rows)
    return jnp.pad(x, (0, rows * block - x.shape[0])).reshape(rows, block)


def _running(
    combine: Callable[[jax.Array, jax.Array], jax.Array],
    within: Callable[[jax.Array], jax.Array],
    x: jax.Array,
) -> jax.Array:
    def row(carry: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        out = combine(carry, within(x.astype(jnp.int32)))
        return out[-1], out

    return lax.scan(row, jnp.int32(0), blocks(x))[1].reshape(-1)[: x.shape[0]]


def running_sum(x: jax.Array) -> jax.Array:
    """Inclusive sum (N,) int32 of counts or booleans."""
    return _running(jnp.add, lax.cumsum, x)


def running_max(x: jax.Array) -> jax.Array:
    """Inclusive maximum (N,) int32 of counts."""
    return _running(jnp.maximum, lax.cummax, x)


def add(a: Wide, b: Wide) -> Wide:
    low = a.low + b.low
    return Wide(a.high + b.high + (low < a.low).astype(jnp.uint32), low)


def is_zero(a: Wide) -> jax.Array:
    return (a.high == 0) & (a.low == 0)


def to_float(a: Wide) -> jax.Array:
    """float32, to a relative 1.2e-7."""
    scale = jnp.float32(2.0**32)
    return a.high.astype(jnp.float32) * scale + a.low.astype(jnp.float32)


def _shift16(a: Wide) -> Wide:
    return Wide((a.high << 16) | (a.low >> 16), a.low << 16)


def _sum(x: jax.Array) -> Wide:
    """Sum of a block of uint32."""
    low = jnp.sum(x & jnp.uint32(_LOW), dtype=jnp.uint32)
    high = jnp.sum(x >> 16, dtype=jnp.uint32)
    zero = jnp.uint32(0)
    return add(Wide(zero, low), _shift16(Wide(zero, high)))


def _sum_products(a: jax.Array, b: jax.Array) -> Wide:
    """Exact sum of a * b over a block, by schoolbook multiplication."""
    low = jnp.uint32(_LOW)
    a, b = a.astype(jnp.uint32), b.astype(jnp.uint32)
    (a0, a1), (b0, b1) = (a & low, a >> 16), (b & low, b >> 16)
    middle = add(_sum(a0 * b1), _sum(a1 * b0))
    high = add(_shift16(_sum(a1 * b1)), middle)
    return add(_shift16(high), _sum(a0 * b0))


def sum_products(a: jax.Array, b: jax.Array) -> Wide:
    """Exact sum of a * b over (N,) counts below 2^31."""

    def row(total: Wide, pair: tuple[jax.Array, jax.Array]) -> tuple[Wide, None]:
        return add(total, _sum_products(*pair)), None

    start = Wide(jnp.uint32(0), jnp.uint32(0))
    return lax.scan(row, start, (blocks(a), blocks(b)))[0]


def product(a: jax.Array, b: jax.Array) -> Wide:
    """Exact a * b of two scalar counts below 2^31."""
    return _sum_products(a, b)


def ratio(a: Wide, b: Wide) -> jax.Array:
    """a / b in [0, 1] as float32 for a <= b; NaN when b is zero."""
    share = jnp.minimum(to_float(a) / jnp.maximum(to_float(b), 1.0), 1.0)
    return jnp.where(is_zero(b), jnp.float32(jnp.nan), share)
