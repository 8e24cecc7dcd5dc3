"""The outlines of synthetic defects. Lengths are shares of the shorter side."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from jaxad.defects.drawing import Draws, Place, between, smooth_noise, uniform

_HALF_PIXEL = 0.75
"""Least half side in pixels: wherever its middle is, a shape holds that of a pixel."""


def _noise(draws: Draws, where: Place) -> jax.Array:
    """Smooth noise above a threshold: all over the image, or around the middle."""
    number = draws.number
    cells = between(number[:2], 2.0, 16.0)
    height = smooth_noise(draws.height, where.down.shape, cells)
    pull = between(number[2], 1.0, 150.0) - 1.0
    height = height - pull * (where.down**2 + where.across**2)
    most = jnp.max(height)
    # The highest place is inside in any case.
    spread = jnp.minimum(most - jnp.mean(height), 4.0)
    return height >= most - uniform(number[3], 0.1, 0.6) * spread


def _piece(draws: Draws, where: Place) -> jax.Array:
    """A rectangle of 1 to 15 % of a square image, up to three times as long as wide."""
    root = jnp.sqrt(between(draws.number[0], 0.01, 0.15))
    ratio = jnp.sqrt(between(draws.number[1], 1 / 3, 3.0))
    down, across = _half(root * ratio, where), _half(root / ratio, where)
    return (jnp.abs(where.down) <= down) & (jnp.abs(where.across) <= across)


def _scar(draws: Draws, where: Place) -> jax.Array:
    """A thin strip that may bend."""
    length = _half(between(draws.number[0], 0.15, 0.8), where)
    width = _half(between(draws.number[1], 0.012, 0.05), where)
    off = where.across - uniform(draws.number[2], -1.5, 1.5) * where.down**2
    return (jnp.abs(where.down) <= length) & (jnp.abs(off) <= width)


def _spot(draws: Draws, where: Place) -> jax.Array:
    """An ellipse of uneven outline."""
    root = between(draws.number[0], 0.05, 0.4)
    ratio = jnp.sqrt(between(draws.number[1], 0.5, 2.0))
    down, across = _half(root * ratio, where), _half(root / ratio, where)
    uneven = smooth_noise(draws.height, where.down.shape, jnp.float32([8, 8]))
    distance = (where.down / down) ** 2 + (where.across / across) ** 2
    # At least a pixel's worth of the middle is left.
    least = (_HALF_PIXEL * where.pixel / jnp.minimum(down, across)) ** 2
    return distance <= jnp.maximum(1 + 0.3 * uneven, least)


def _whole(draws: Draws, where: Place) -> jax.Array:
    """All of the image."""
    return jnp.ones(where.down.shape, bool)


def _half(side: jax.Array, where: Place) -> jax.Array:
    return jnp.maximum(side / 2, _HALF_PIXEL * where.pixel)


SHAPES: dict[str, Callable[[Draws, Place], jax.Array]] = {
    "noise": _noise,
    "piece": _piece,
    "scar": _scar,
    "spot": _spot,
    "whole": _whole,
}
"""Each returns (H, W) bool, at least one pixel of it True."""
