"""Any method, with scores that are means over an image and its mirror images.

Where a part may lie either way round, all of its views are as normal as it is; what a
network has learned of one of them alone comes to less in the mean (test-time
augmentation).
"""

from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from jaxad.errors import ConfigError
from jaxad.methods.base import Method
from jaxad.types import Scores

Kind = Literal["flips", "square"]
_VIEWS = np.array(list(np.ndindex(2, 2, 2)), bool)
"""(8, 3): transposed, turned upside down, mirrored left to right; flips come first."""
_COUNT: dict[Kind, int] = {"flips": 4, "square": 8}


def viewed(method: Method, kind: Kind) -> Method:
    """The method whose scores and maps are means over views of an image.

    kind: `flips`, an image and its three mirror images; `square`, all eight symmetries
        of a square. Maps are turned back first.
    Raises ConfigError, when it scores, for `square` and images that are not.
    """
    views = jnp.asarray(_VIEWS[: _COUNT[kind]])

    def score(key, hparams, model, image: jax.Array) -> Scores:
        check(kind, image.shape[1:3])

        def add(total: Scores, view: jax.Array) -> tuple[Scores, None]:
            found = method.score(key, hparams, model, _seen(image, view))
            maps = {name: _back(of, view) for name, of in found.maps.items()}
            found = Scores(found.values, maps)
            return jax.tree.map(jnp.add, total, found), None

        shape = jax.eval_shape(method.score, key, hparams, model, image)
        start = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shape)
        total, _ = jax.lax.scan(add, start, views)
        return jax.tree.map(lambda x: x / jnp.float32(len(views)), total)

    behind = method.behind
    return method._replace(
        score=score,
        behind=behind and (lambda model: viewed(behind(model), kind)),
    )


def check(kind: str, shape: tuple[int, ...]) -> None:
    """Raises ConfigError where images of `shape` (H, W) have no such views."""
    if kind == "square" and shape[0] != shape[1]:
        raise ConfigError(
            f"score.views square: images of {shape[0]}x{shape[1]} are not square; "
            "take flips, or set data.size"
        )


def _seen(image: jax.Array, view: jax.Array) -> jax.Array:
    """(B, H, W, ...) as a view; view: () or (3,) bool, a row of the table above."""
    if image.shape[1] == image.shape[2]:
        image = jnp.where(view[0], image.swapaxes(1, 2), image)
    image = jnp.where(view[1], jnp.flip(image, 1), image)
    return jnp.where(view[2], jnp.flip(image, 2), image)


def _back(image: jax.Array, view: jax.Array) -> jax.Array:
    """What `_seen` makes of an image, as it was."""
    image = jnp.where(view[2], jnp.flip(image, 2), image)
    image = jnp.where(view[1], jnp.flip(image, 1), image)
    if image.shape[1] == image.shape[2]:
        image = jnp.where(view[0], image.swapaxes(1, 2), image)
    return image
