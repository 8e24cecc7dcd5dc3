"""Defects of a nanofibre image: spindles on a fibre, droplets, and films.

Lengths are in pixels, brightness in [0, 1].
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxad.data.nanofibre_fibres import LAYERS, Course, Fibres, course, cylinder

SLOTS = 6
SPINDLE, DROPLET, FILM = range(3)
SMOOTH = 0.12
"""Share of defects with little relief, the hard ones."""


class Defects(NamedTuple):
    """What may be wrong with an image; each field (SLOTS, ...).

    kind: SPINDLE, DROPLET, FILM, or -1 for none. layer: it lies on that one.
    row, col: its middle. size: its radius (a spindle: half length).
    aspect: length over width. angle: of the longer axis, radians.
    strength: (0, 1], 1 hides what is below. light: brightness over that of a fibre.
    rough: [0, 1], how deep its creases are.
    radius, shade: of the fibre that a spindle lies on, half width and brightness.
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
    rough: jax.Array
    radius: jax.Array
    shade: jax.Array


def draw(
    key: jax.Array, fibres: Fibres, count: jax.Array, height: int, width: int
) -> Defects:
    """2 to 6 defects in 1024x700 pixels, fewer in smaller images, 1 at least."""
    keys = jax.random.split(key, 12)
    most = min(SLOTS, max(1, round(SLOTS * height * width / (1024 * 700))))
    number = jax.random.randint(keys[0], (), max(1, round(most / 3)), most + 1)
    there = jnp.arange(SLOTS, dtype=jnp.int32) < number
    shares = jnp.array([0.25, 0.35, 0.4])
    kind = jax.random.choice(keys[1], 3, (SLOTS,), p=shares).astype(jnp.int32)
    uniform = partial(jax.random.uniform, shape=(SLOTS,))
    rough = uniform(keys[10], minval=0.45) * jnp.where(
        uniform(keys[11]) < SMOOTH, 0.25, 1.0
    )
    octave = 0.6 * uniform(keys[5], minval=-1.0)
    row = height * uniform(keys[2], minval=0.04, maxval=0.96)
    col = width * uniform(keys[3], minval=0.04, maxval=0.96)
    layer = LAYERS - 1 - (uniform(keys[4]) < 0.35).astype(jnp.int32)
    near = jax.vmap(partial(_nearest, fibres, count, height, width))
    near_row, near_col, near_angle, radius, shade = near(row, col, layer)
    down = (near_row >= 0) & (near_row < height)
    inside = down & (near_col >= 0) & (near_col < width)
    on = (kind == SPINDLE) & inside
    kind = jnp.where((kind == SPINDLE) & ~inside, DROPLET, kind)
    size = jnp.array([30.0, 20.0, 48.0])[kind] * 2**octave
    return Defects(
        kind=jnp.where(there, kind, -1),
        layer=layer,
        row=jnp.where(on, near_row, row),
        col=jnp.where(on, near_col, col),
        size=jnp.minimum(size, min(height, width) / 6),
        aspect=1 + 0.7 * uniform(keys[6]),
        angle=jnp.where(on, near_angle, uniform(keys[7], maxval=jnp.pi)),
        strength=uniform(keys[8], minval=0.45),
        light=1 + 0.16 * jax.random.normal(keys[9], (SLOTS,)),
        rough=rough,
        radius=radius,
        shade=shade,
    )


def _nearest(fibres, count, height, width, row, col, layer):
    """The fibre of a layer that is nearest to a pixel, there: row, col, angle, ..."""
    own = jax.tree.map(lambda field: field[layer], fibres)
    along = jnp.where(own.steep, row - height / 2, col - width / 2)
    across = jnp.where(own.steep, width, height).astype(jnp.float32)
    near = jax.vmap(lambda f, size, at: course(f, size, at[None]))(own, across, along)
    near = Course(*(part[:, 0] for part in near))
    far = jnp.abs(near.centre - jnp.where(own.steep, col, row))
    far = jnp.where(jnp.arange(len(far), dtype=jnp.int32) < count, far, jnp.inf)
    best = jnp.argmin(far)
    centre, slope, radius, light = (part[best] for part in near)
    steep = own.steep[best]
    angle = jnp.where(steep, jnp.atan2(1.0, slope), jnp.atan2(slope, 1.0))
    row, col = jnp.where(steep, row, centre), jnp.where(steep, centre, col)
    return row, col, angle, radius, light


def paint(
    image: jax.Array, mask: jax.Array, defect: Defects, fields: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Paints a defect over image and mask, (H, W) each.

    fields: (4, H, W), of `surfaces`.
    """
    height, width = image.shape
    down = jnp.arange(height, dtype=jnp.float32)[:, None] - defect.row
    right = jnp.arange(width, dtype=jnp.float32)[None, :] - defect.col
    cos, sin = jnp.cos(defect.angle), jnp.sin(defect.angle)
    along = right * cos + down * sin
    across = down * cos - right * sin
    painters = (_spindle, _droplet, _film)
    return jax.lax.switch(
        defect.kind, painters, image, mask, defect, along, across, fields
    )


def _spindle(image, mask, defect, along, across, fields):
    far = along / (0.6 * defect.size * defect.aspect)
    most = (0.2 + 0.25 * defect.strength) * defect.size
    bump = most * jnp.exp(-far * far)
    radius = defect.radius + bump
    t = jnp.abs(across) / radius
    cover = jnp.clip(radius - jnp.abs(across) + 0.5, 0.0, 1.0)
    cover = cover * jnp.clip(2 * bump / defect.radius - 0.3, 0.0, 1.0)
    return _body(
        image, mask, defect, t, cover, defect.shade * (0.2 + defect.light), fields
    )


def _droplet(image, mask, defect, along, across, fields):
    far = jnp.sqrt((along / defect.aspect) ** 2 + across**2) / defect.size
    far = far * (1 + 0.05 * fields[0])
    cover = jnp.clip((1 - far) * defect.size + 0.5, 0.0, 1.0)
    gap = jnp.maximum(far - 1, 0.0) * 4
    image = image * (1 - 0.5 * defect.strength / (1 + gap * gap * gap))
    light = 0.62 * defect.light
    return _body(image, mask, defect, far, defect.strength * cover, light, fields)


def _body(image, mask, defect, t, cover, light, fields):
    _, crease, grain, charge = fields
    body = cylinder(jnp.minimum(t, 1.0), light)
    body = body * _relief(0.55 * defect.rough, crease, grain) + 0.04 * charge
    return image + cover * (body - image), mask | (cover > 0.4)


def _film(image, mask, defect, along, across, fields):
    outline, crease, grain, charge = fields
    height, width = image.shape
    far = jnp.sqrt((along / defect.aspect) ** 2 + across**2) / defect.size
    level = 1 - far + 0.42 * outline
    cover = jax.nn.sigmoid(level * defect.size)
    small = (max(2, height // 24), max(2, width // 24))
    flat = jax.image.resize(image, small, "linear")
    flat = jax.image.resize(flat, (height, width), "cubic")
    body = 0.5 * (flat + 0.5) * defect.light + 0.04 * charge
    rim = 4 * cover * (1 - cover) * 0.22
    new = image + (0.2 + 0.65 * defect.strength) * (body - image)
    new = new * _relief(defect.rough, crease, grain)
    return image + cover * (new - image) + rim, mask | (cover > 0.5)


def _relief(rough, crease, grain):
    return 1 + rough * (1.3 * (crease - 0.3) + 0.22 * grain)


def surfaces(key: jax.Array, height: int, width: int) -> jax.Array:
    """What makes defects uneven, (4, height, width).

    Waves of an outline, creases ([0, 1]), grain, and streaks along rows, of a charged
    surface; all but the creases are about standard normal.
    """
    keys = jax.random.split(key, 5)
    angle = jax.random.uniform(keys[4], maxval=jnp.pi)
    fold = field(keys[1], 2.2, height, width, stretch=3.0, angle=angle)
    return jnp.stack(
        [
            field(keys[0], 25, height, width),
            jnp.exp(-6 * fold * fold),
            field(keys[2], 1, height, width),
            jax.random.normal(keys[3], (height, 1)) * jnp.ones((1, width)),
        ]
    )


def field(
    key: jax.Array,
    pixels: float,
    height: int,
    width: int,
    stretch: float = 1.0,
    angle: jax.Array | float = 0.0,
) -> jax.Array:
    """A smooth random surface (height, width), about standard normal.

    It is white noise under a Gaussian of standard deviation `pixels`, `stretch` times
    that in the direction `angle`; opposite edges fit together.
    """
    pixels = min(pixels, min(height, width) / 6)
    down = jnp.fft.fftfreq(height, dtype=jnp.float32)[:, None]
    right = jnp.fft.rfftfreq(width, dtype=jnp.float32)[None, :]
    along = stretch * (right * jnp.cos(angle) + down * jnp.sin(angle))
    across = down * jnp.cos(angle) - right * jnp.sin(angle)
    squared = along * along + across * across
    weight = jnp.exp(-2 * (jnp.pi * pixels) ** 2 * squared)
    noise = jnp.fft.rfft2(jax.random.normal(key, (height, width)))
    smooth = jnp.fft.irfft2(noise * weight.astype(noise.dtype), s=(height, width))
    return smooth * (2 * jnp.pi**0.5 * pixels * stretch**0.5)
