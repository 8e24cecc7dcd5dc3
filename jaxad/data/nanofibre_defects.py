"""Defects of a nanofibre image: spindles on a fibre, droplets, and films.

Lengths are in pixels, brightness in [0, 1].
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxad.data.nanofibre_fibres import LAYERS, Fibres, centre, cylinder

SLOTS = 6
SPINDLE, DROPLET, FILM = range(3)


class Defects(NamedTuple):
    """What may be wrong with an image; each field (SLOTS, ...).

    kind: SPINDLE, DROPLET, FILM, or -1 for none. layer: it lies on that one.
    row, col: its middle. size: its radius (a spindle: half length).
    aspect: length over width. angle: of the longer axis, radians.
    strength: (0, 1], 1 hides what is below. light: brightness over that of a fibre.
    fibre: of a spindle, its number in the layer. along: its place there.
    """

    kind: jax.Array
    layer: jax.Array
    row: jax.Array
    col: jax.Array
    size: jax.Array
    aspect: jax.Array
    angle: jax.Array
    strength: jax.Array
    light: jax.Array
    fibre: jax.Array
    along: jax.Array


def draw(
    key: jax.Array, fibres: Fibres, count: jax.Array, height: int, width: int
) -> Defects:
    """2 to 6 defects in 1024x700 pixels, fewer in smaller images, 1 at least."""
    keys = jax.random.split(key, 11)
    most = min(SLOTS, max(1, round(SLOTS * height * width / (1024 * 700))))
    least = max(1, round(most / 3))
    number = jax.random.randint(keys[0], (), least, most + 1)
    kind = jax.random.choice(
        keys[1], 3, (SLOTS,), p=jnp.array([0.3, 0.35, 0.35])
    ).astype(jnp.int32)
    uniform = jax.random.uniform
    margin = 0.04
    row = height * uniform(keys[2], (SLOTS,), minval=margin, maxval=1 - margin)
    col = width * uniform(keys[3], (SLOTS,), minval=margin, maxval=1 - margin)
    layer = jax.random.randint(keys[4], (SLOTS,), LAYERS - 2, LAYERS)
    octave = uniform(keys[5], (SLOTS,), minval=-1.0)
    size = jnp.array([30.0, 20.0, 46.0])[kind] * 2 ** (0.6 * octave)
    aspect = jnp.array([1.0, 1.0, 1.0])[kind] + uniform(keys[6], (SLOTS,)) * 0.7
    angle = uniform(keys[7], (SLOTS,), maxval=jnp.pi)
    strength = uniform(keys[8], (SLOTS,), minval=0.55, maxval=1.0)
    light = 1 + 0.2 * jax.random.normal(keys[9], (SLOTS,))
    fibre, along = jax.vmap(
        lambda r, c, at: _nearest(fibres, count, r, c, at, height, width)
    )(row, col, layer)
    there = jnp.arange(SLOTS, dtype=jnp.int32) < number
    return Defects(
        jnp.where(there, kind, -1),
        layer, row, col, size, aspect, angle, strength, light, fibre, along,
    )


def _nearest(fibres, count, row, col, layer, height, width):
    """The fibre of a layer that is nearest to a pixel, and the place along it."""
    own = jax.tree.map(lambda field: field[layer], fibres)
    along = jnp.where(own.steep, row - height / 2, col - width / 2)
    across = jnp.where(own.steep, width, height).astype(jnp.float32)
    place = jnp.where(own.steep, col, row)
    far = jnp.abs(centre(own, along, across) - place)
    far = jnp.where(jnp.arange(len(far), dtype=jnp.int32) < count, far, jnp.inf)
    best = jnp.argmin(far)
    return best.astype(jnp.int32), along[best]


def bump(
    defects: Defects, layer: jax.Array, number: jax.Array, radius: jax.Array, position
) -> jax.Array:
    """What spindles add to a fibre's radius, as a share of it, at each position (M,)."""
    on = defects.kind == SPINDLE
    on = on & (defects.layer == layer) & (defects.fibre == number)
    away = (position[:, None] - defects.along[None]) / (0.6 * defects.size[None])
    height = (0.3 + 0.35 * defects.strength) * defects.size / radius
    return (jnp.where(on, height, 0.0)[None] * jnp.exp(-away * away)).sum(-1)


def paint(
    image: jax.Array, mask: jax.Array, defect: Defects, fields: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Paints a droplet or a film over image and mask, (H, W) each.

    fields: (2, H, W), a coarse and a fine uneven surface, about standard normal.
    """
    height, width = image.shape
    down = jnp.arange(height, dtype=jnp.float32)[:, None] - defect.row
    right = jnp.arange(width, dtype=jnp.float32)[None, :] - defect.col
    cos, sin = jnp.cos(defect.angle), jnp.sin(defect.angle)
    u = (right * cos + down * sin) / (defect.size * defect.aspect)
    v = (down * cos - right * sin) / defect.size
    far = jnp.sqrt(u * u + v * v)
    return jax.lax.cond(
        defect.kind == DROPLET, _droplet, _film, image, mask, defect, far, v, fields
    )


def _droplet(image, mask, defect, far, side, fields):
    far = far * (1 + 0.05 * fields[0])
    cover = jnp.clip((1 - far) * defect.size + 0.5, 0.0, 1.0)
    t = jnp.minimum(far, 1.0)
    body = cylinder(t, 0.45 * defect.light) + 0.06 * side
    gap = jnp.maximum(far - 1, 0.0) * 4
    shade = 1 - 0.35 / (1 + gap * gap * gap)
    new = image * shade * (1 - cover) + body * cover
    image = image + defect.strength * (new - image)
    return image, mask | (cover > 0.5)


def _film(image, mask, defect, far, side, fields):
    height, width = image.shape
    level = 1 - far + 0.25 * fields[0]
    cover = jax.nn.sigmoid(level * defect.size / 3)
    small = (max(2, height // 24), max(2, width // 24))
    flat = jax.image.resize(image, small, "linear")
    flat = jax.image.resize(flat, (height, width), "cubic")
    body = flat * (0.7 + 0.5 * defect.light) + 0.03 * fields[1]
    rim = 4 * cover * (1 - cover) * 0.1
    image = image + cover * (0.4 + 0.55 * defect.strength) * (body - image) + rim
    return image, mask | (cover > 0.5)
