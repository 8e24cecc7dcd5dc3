"""Images of electrospun nanofibres as a scanning electron microscope shows them.

They stand in for the NanoTWICE images (D. Carrera, F. Manganini, G. Boracchi and
E. Lanzarone, "Defect Detection in SEM Images of Nanofibrous Materials", IEEE
Transactions on Industrial Informatics, 2017): 5 normal images, 40 with beads or
film-like flattened areas.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxad.data import nanofibre_defects as defects
from jaxad.data import nanofibre_fibres as fibres
from jaxad.streams import stream


class Images(NamedTuple):
    """image (N, H, W, 1) uint8, mask (N, H, W) bool, label (N,) int32: 1 defects."""

    image: np.ndarray
    mask: np.ndarray
    label: np.ndarray


@partial(jax.jit, static_argnames=("height", "width"))
def generate(
    key: jax.Array, anomalous: jax.Array | bool, height: int = 700, width: int = 1024
) -> tuple[jax.Array, jax.Array]:
    """One image, with defects or without: the same fibres, noise and light in both.

    Fibres and defects keep their width in pixels, whatever the size of the image.
    Returns the image (height, width, 1) uint8, and the mask (height, width) bool of the
    defects as far as they are seen.
    """
    strands, count = fibres.draw(stream(key, "fibres"), height, width)
    faults = defects.draw(stream(key, "defects"), strands, count, height, width)
    faults = faults._replace(kind=jnp.where(anomalous, faults.kind, -1))
    uneven = defects.field(stream(key, "ground"), 60, height, width)
    image = 0.17 + 0.02 * uneven
    mask = jnp.zeros((height, width), bool)
    surface = defects.surfaces(stream(key, "surfaces"), height, width)

    def layer(number, canvas):
        image, mask = canvas
        blur = 0.8 * (1 - (number + 1) / fibres.LAYERS)
        canvas = _soften(image, blur), mask
        canvas = jax.lax.fori_loop(
            0, count, lambda i, c: _fibre(c, strands, number, i), canvas
        )
        return jax.lax.fori_loop(
            0, defects.SLOTS, lambda i, c: _fault(c, faults, surface, number, i), canvas
        )

    image, mask = jax.lax.fori_loop(0, fibres.LAYERS, layer, (image, mask))
    return _expose(stream(key, "camera"), image), mask


def _fibre(canvas, strands, layer, number):
    image, mask = canvas
    height, width = image.shape
    one = jax.tree.map(lambda field: field[layer, number], strands)
    along = jnp.where(one.steep, height, width).astype(jnp.float32)
    across = jnp.where(one.steep, width, height).astype(jnp.float32)
    position = jnp.arange(max(height, width), dtype=jnp.float32) - along / 2
    line = fibres.course(one, across, position)
    return jax.lax.cond(
        one.steep,
        partial(fibres.paint, steep=True),
        partial(fibres.paint, steep=False),
        image,
        mask,
        one,
        line,
    )


def _fault(canvas, faults, surface, layer, number):
    one = jax.tree.map(lambda field: field[number], faults)
    here = (one.layer == layer) & (one.kind >= 0)
    return jax.lax.cond(
        here, lambda c: defects.paint(c[0], c[1], one, surface), lambda c: c, canvas
    )


def _soften(image, weight):
    """Adds the neighbours of each pixel with `weight` to it, rows and columns."""
    for axis in (0, 1):
        pad = [(0, 0), (0, 0)]
        pad[axis] = (2, 2)
        wide = jnp.pad(image, pad, mode="edge")
        size = image.shape[axis]
        parts = [jax.lax.slice_in_dim(wide, i, i + size, axis=axis) for i in range(5)]
        near, far = parts[1] + parts[3], parts[0] + parts[4]
        image = (parts[2] + weight * near + weight * weight * far) / (
            1 + 2 * weight + 2 * weight * weight
        )
    return image


def _expose(key, image):
    """What the microscope makes of it: blur, light, streaks, noise, 8 bits."""
    height, width = image.shape
    keys = jax.random.split(key, 6)
    image = _soften(image, jax.random.uniform(keys[0], minval=0.15, maxval=0.3))
    gain = jax.random.uniform(keys[1], minval=0.85, maxval=1.15)
    shading = 1 + 0.08 * defects.field(keys[2], 120, height, width)
    streak = 0.006 * jax.random.normal(keys[3], (height, 1))
    image = gain * shading * image + streak
    dose = jax.random.uniform(keys[4], minval=0.0012, maxval=0.0024)
    level = jnp.sqrt(dose * jnp.maximum(image, 0.0) + 0.015**2)
    image = image + level * jax.random.normal(keys[5], image.shape)
    return jnp.round(255 * jnp.clip(image, 0.0, 1.0)).astype(jnp.uint8)[..., None]


def dataset(
    seed: int = 0,
    normal: int = 5,
    anomalous: int = 40,
    height: int = 700,
    width: int = 1024,
) -> Images:
    """The normal images first; image i is drawn with `fold_in(key(seed), i)`."""
    root = jax.random.key(seed)
    total = normal + anomalous
    image = np.empty((total, height, width, 1), np.uint8)
    mask = np.empty((total, height, width), bool)
    label = (np.arange(total) >= normal).astype(np.int32)
    for number in range(total):
        key = jax.random.fold_in(root, number)
        image[number], mask[number] = generate(
            key, jnp.bool_(label[number]), height=height, width=width
        )
    return Images(image, mask, label)
