"""Scores of what is usual at each place of an image, beside those of any method.

Where parts always lie in the same way, a pixel that is far darker than in normal images
needs no network to be found: a Gaussian for each pixel, of the image itself and not of
a residual. It is a floor for networks, and at times above them.
"""

from functools import partial

import jax
import jax.numpy as jnp

from jaxad.config import USUAL, Score
from jaxad.methods import positions, residual
from jaxad.methods.base import Method
from jaxad.methods.beside import beside
from jaxad.types import Scores


def beside_usual(method: Method, spec: Score) -> Method:
    """The method, with the scores of `USUAL` that `spec` names as well.

    Images (the mean of their channels) are smoothed by `spec.blur`; a map is of
    standard deviations from the mean of the training images there, a score the mean of
    the largest share `spec.top` of it. `zdark` counts what is darker, `zbright` what is
    brighter, `zimage` both.
    """
    names = [name for name in spec.names if name in USUAL]
    seen = partial(_seen, spec.blur)

    def fit(method, key, hparams, model, train, val) -> positions.Positions:
        return positions.fit(seen, train)

    def add(fitted: positions.Positions, image: jax.Array, found: Scores) -> Scores:
        z = positions.deviations(fitted, seen(image))
        sides = {
            "zdark": jnp.maximum(-z, 0.0),
            "zbright": jnp.maximum(z, 0.0),
            "zimage": jnp.abs(z),
        }
        maps = {name: sides[name] for name in names}
        return Scores(
            {name: residual.top_mean(one, spec.top) for name, one in maps.items()}, maps
        )

    return beside(method, "usual", spec, fit, add)


def _seen(blur: float, image: jax.Array) -> jax.Array:
    """(B, H, W, C) -> (B, H, W)."""
    return residual.smoothed(jnp.mean(image, -1), blur)
