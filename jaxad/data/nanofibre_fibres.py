"""Fibres of a nanofibre image: their courses, and how one is painted.

Lengths are in pixels, brightness in [0, 1]. A fibre crosses the whole image, so its
centre is a function: of the column, or of the row where it is `steep`.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

LAYERS = 6
SPACING = 5.0
"""Image perimeter / 2 over the largest number of fibres."""
_WAVES = 4


class Fibres(NamedTuple):
    """Fibres, the deepest first; each field (LAYERS, n, ...).

    steep: bool, the fibre runs along rows.
    middle: its centre at the middle of the image, from there.
    slope: pixels across for one along; |slope| <= 1 before the waves are added.
    swing, period, phase: (..., WAVES) slope, length and phase of its waves.
    radius, light, lean: half width, brightness, brightness of one side over the other.
    """

    steep: jax.Array
    middle: jax.Array
    slope: jax.Array
    swing: jax.Array
    period: jax.Array
    phase: jax.Array
    radius: jax.Array
    light: jax.Array
    lean: jax.Array


class Course(NamedTuple):
    """A fibre at each position along its axis, (M,) each."""

    centre: jax.Array
    slope: jax.Array
    radius: jax.Array
    light: jax.Array


def draw(key: jax.Array, height: int, width: int) -> tuple[Fibres, jax.Array]:
    """All fibres of an image, and how many of each layer are there, int32."""
    n = max(2, round((height + width) / SPACING / LAYERS))
    shape = (LAYERS, n)
    keys = jax.random.split(key, 13)
    share = jax.random.uniform(keys[0], minval=0.6, maxval=1.0)
    main = jax.random.uniform(keys[1], maxval=jnp.pi)
    spread = jax.random.uniform(keys[2], minval=0.45, maxval=1.6)
    angle = main + spread * jax.random.normal(keys[3], shape)
    steep = jnp.abs(jnp.sin(angle)) > jnp.abs(jnp.cos(angle))
    tangent = jnp.sin(angle) / jnp.cos(angle)
    slope = jnp.where(steep, 1 / tangent, tangent)
    along = jnp.where(steep, height, width).astype(jnp.float32)
    across = jnp.where(steep, width, height).astype(jnp.float32)
    reach = (across + jnp.abs(slope) * along) / 2 + 20
    middle = reach * jax.random.uniform(keys[4], shape, minval=-1.0)
    waves = (*shape, _WAVES)
    period = 2 ** jax.random.uniform(keys[5], waves, minval=7.0, maxval=11.0)
    curl = jax.random.uniform(keys[6], minval=0.06, maxval=0.24)
    swing = curl * jax.random.normal(keys[7], waves) * jnp.minimum(1.0, period / 400)
    phase = jax.random.uniform(keys[8], waves, maxval=2 * jnp.pi)
    depth = 1 - (jnp.arange(LAYERS, dtype=jnp.float32)[:, None] + 0.5) / LAYERS
    scale = jax.random.uniform(keys[9], minval=5.0, maxval=6.8)
    size = jnp.exp(0.38 * jax.random.normal(keys[10], shape))
    radius = jnp.clip(scale * size * (1 - 0.45 * depth), 1.2, 13.0)
    light = 0.55 + 0.045 * jax.random.normal(keys[11], shape)
    light = jnp.clip(light, 0.35, 0.8) * (1 - 0.4 * depth)
    lean = 0.25 * light * jax.random.uniform(keys[12], shape, minval=-1.0)
    fibres = Fibres(steep, middle, slope, swing, period, phase, radius, light, lean)
    return fibres, jnp.round(share * n).astype(jnp.int32)


def course(fibre: Fibres, across: jax.Array, position: jax.Array) -> Course:
    """One fibre along its axis.

    across: pixels of the image across it. position: (M,) from the middle of the image.
    """
    position = position[:, None]
    wave = 2 * jnp.pi / fibre.period[None]
    step = position * wave + fibre.phase[None]
    waves = (fibre.swing[None] / wave * jnp.sin(step)).sum(-1)
    slope = fibre.slope + (fibre.swing[None] * jnp.cos(step)).sum(-1)
    uneven = 1 + 0.08 * jnp.sin(step[:, 0] * 1.7) + 0.04 * jnp.sin(step[:, 1] * 3.1)
    return Course(
        fibre.middle + fibre.slope * position[:, 0] + waves + across / 2,
        slope,
        fibre.radius * uneven,
        fibre.light * (1 + 0.15 * jnp.sin(step[:, 2] * 1.3)),
    )


def cylinder(t: jax.Array, light: jax.Array, edge: float = 0.3) -> jax.Array:
    """Brightness of a round body at `t` from its axis (0) to its rim (1).

    Secondary electrons leave a tilted surface more easily: yield ~ 1 / cos(tilt)
    (L. Reimer, Scanning Electron Microscopy, 1998, section 4.2).
    """
    return light * (0.78 + edge * (jax.lax.rsqrt(1.12 - t * t) - 1))


def paint(
    image: jax.Array, mask: jax.Array, fibre: Fibres, line: Course, steep: bool
) -> tuple[jax.Array, jax.Array]:
    """Paints a fibre and the shade beside it; what it hides leaves the mask.

    image (H, W) float32, mask (H, W) bool.
    """
    height, width = image.shape
    if steep:
        line = Course(*(part[:height, None] for part in line))
        place = jnp.arange(width, dtype=jnp.float32)[None, :]
    else:
        line = Course(*(part[None, :width] for part in line))
        place = jnp.arange(height, dtype=jnp.float32)[:, None]
    offset = (place - line.centre) * jax.lax.rsqrt(1 + line.slope * line.slope)
    gap = jnp.abs(offset) - line.radius
    cover = jnp.clip(0.5 - gap, 0.0, 1.0)
    side = jnp.clip(offset / line.radius, -1.0, 1.0)
    body = cylinder(side, line.light) + fibre.lean * side
    far = jnp.maximum(gap, 0.0) / (1.0 + 0.7 * line.radius)
    shade = 1 - 0.24 / (1 + far * far * far)
    image = image * shade * (1 - cover) + body * cover
    return image, mask & (cover < 0.5)
