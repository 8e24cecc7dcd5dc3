"""Scores of any number of images, in padded blocks of one fixed size.

One compiled program serves every call of a run, and an example's score is the same
alone, in any order and in any company.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from jaxad import losses
from jaxad.data import to_float
from jaxad.methods import Hparams, Method
from jaxad.parallel import ONE, Layout
from jaxad.progress import counted
from jaxad.streams import root, stream
from jaxad.types import Batch, Scores

BlockFunction = Callable[..., Any]
DRAWN = 64
"""Images that are drawn together."""


class Order(Protocol):
    """What a scorer asks of the config's `Score`, or of what stands for it."""

    @property
    def names(self) -> tuple[str, ...]: ...

    def together(self, shape: Sequence[int]) -> int: ...


class Scorer:
    """The scoring functions of a method, compiled once.

    key, hparams: as for the method. spec: its `names` are the order of all scores and
        maps; it says how many images are scored together. labelled: what the method
        learns from labels. layout: of devices, each of which computes whole blocks of
        its own.
    """

    def __init__(
        self,
        method: Method,
        key: jax.Array,
        hparams: Hparams,
        spec: Order,
        layout: Layout = ONE,
    ):
        self.spec, self.labelled, self.layout = spec, method.labelled, layout
        self._method = method
        self._arguments = layout.replicate((stream(key, "score"), hparams))
        self._score = self._blockwise(
            lambda key, hparams, model, image: method.score(
                key, hparams, model, to_float(image)
            )
        )
        pictures = method.output and partial(_pictures, method)
        self._pictures = pictures and self._blockwise(pictures)
        self._latent = method.output and self._blockwise(partial(_latent, method))
        self._recon = pictures and self._blockwise(lambda *x: pictures(*x)["recon"])
        criterion = partial(_criterion, method)
        self._validate = method.validate and self._blockwise(criterion, 2)
        self._sample = method.sample and layout.gather(method.sample, static_argnums=3)

    def of(self, key: jax.Array, hparams: Hparams) -> "Scorer":
        """The same compiled functions for another run of the same static config."""
        new = copy.copy(self)
        new._arguments = self.layout.replicate((stream(key, "score"), hparams))
        return new

    def block(self, image: Any) -> int:
        """How many of these images (N, H, W, C) are scored together."""
        return self.spec.together(image.shape[1:3])

    def values(self, model: Any, image: np.ndarray) -> dict[str, np.ndarray]:
        """Score name -> (N,) float32, for image (N, H, W, C) uint8 or float32."""
        blocks = [scores.values for scores in self._blocks(self._score, model, image)]
        return self._ordered(joined(blocks))

    def scores(self, model: Any, image: np.ndarray) -> Scores:
        """Scores with their maps, as NumPy arrays."""
        blocks = list(self._blocks(self._score, model, image))
        values, maps = ([b[part] for b in blocks] for part in (0, 1))
        return Scores(self._ordered(joined(values)), self._ordered(joined(maps)))

    def alone(self, model: Any) -> Callable[[jax.Array], Scores]:
        """Scores and maps as one pure function of image (B, H, W, C) uint8 or float32:
        all else that it reads, the model as well, is a constant of it."""
        key, hparams, model = jax.tree.map(_constant, (*self._arguments, model))

        def score(image: jax.Array) -> Scores:
            return self._method.score(key, hparams, model, to_float(image))

        return score

    def recon(self, model: Any, image: np.ndarray) -> np.ndarray | None:
        """(N, H, W, C) float32 reconstructions; None where the method makes none."""
        if self._recon is None:
            return None
        return np.concatenate(list(self._blocks(self._recon, model, image)))

    def pictures(self, model: Any, image: np.ndarray) -> dict[str, np.ndarray]:
        """All that the method makes of images, (N, H, W, C) float32 each: `recon`, and
        the outputs of networks behind it. Empty where it makes none."""
        if self._pictures is None:
            return {}
        return joined(list(self._blocks(self._pictures, model, image)))

    def latent(self, model: Any, image: np.ndarray) -> dict[str, np.ndarray]:
        """`latent` (N, ...) float32, the mean of a variational model, and that one's
        `kl` (N, D) in nats; empty where the method has none of its own."""
        if self._latent is None or not len(image):
            return {}
        return joined(list(self._blocks(self._latent, model, image)))

    def sample(self, model: Any, count: int, seed: int) -> np.ndarray | None:
        """(count, H, W, C) float32 new images, the first of any larger number of the
        same seed; None where the method draws none."""
        if self._sample is None:
            return None
        key, hparams = stream(root(seed), "sample"), self._arguments[1]
        keys = [jax.random.fold_in(key, i) for i in range(-(-count // DRAWN))]
        keys, model = self.layout.replicate((keys, model))
        blocks = [self._sample(key, hparams, model, DRAWN) for key in keys]
        return np.concatenate(blocks)[:count]

    def criterion(self, model: Any, image: np.ndarray, label: np.ndarray) -> float:
        """Mean over images of what early stopping looks at; NaN if nothing.

        label: (N,) 0 or 1, which methods that learn from labels look at.
        """
        if self._validate is None:
            return float("nan")
        values = list(self._blocks(self._validate, model, image, label))
        return float(np.concatenate(values).mean(dtype=np.float64))

    def _ordered(self, found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """What comes from the device is sorted by name."""
        return {name: found[name] for name in self.spec.names if name in found}

    def _blockwise(self, function: BlockFunction, arrays: int = 1) -> BlockFunction:
        """Compiled for a block on each device. arrays: of examples."""
        return self.layout.gather(self.layout.over_blocks(function, arrays))

    def _blocks(self, function, model, *arrays: np.ndarray) -> Iterator[Any]:
        size = self.block(arrays[0]) * self.layout.size
        model = self.layout.replicate(model)
        total = len(arrays[0])
        for first in counted(range(0, total, size), "images", total, size):
            parts = [array[first : first + size] for array in arrays]
            full = self.layout.by_block([_padded(part, size) for part in parts])
            result = function(*self._arguments, model, *full)
            count = len(parts[0])
            yield jax.tree.map(lambda leaf, n=count: np.asarray(leaf)[:n], result)


def _constant(leaf: Any) -> jax.Array:
    """An array on one device, wherever it has been."""
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return jax.random.wrap_key_data(_constant(jax.random.key_data(leaf)))
    return jnp.asarray(np.asarray(leaf))


def _padded(part: np.ndarray, size: int) -> np.ndarray:
    return np.pad(part, ((0, size - len(part)), *[(0, 0)] * (part.ndim - 1)))


def _criterion(method: Method, key, hparams: Hparams, model: Any, image, label):
    batch = Batch(to_float(image), label, jnp.ones(label.shape, bool))
    assert method.validate is not None
    return method.validate(key, hparams, model, batch)


def _pictures(method: Method, key, hparams: Hparams, model: Any, image: jax.Array):
    assert method.output is not None
    output = method.output(key, hparams, model, to_float(image))
    return {"recon": output.recon} | (output.pictures or {})


def _latent(method: Method, key, hparams: Hparams, model: Any, image: jax.Array):
    assert method.output is not None
    output = method.output(key, hparams, model, to_float(image))
    if output.latent is output.recon:  # of a module that gives no latent
        return {}
    if output.mean is None:
        return {"latent": output.latent}
    return {"latent": output.mean, "kl": losses.divergence(output)}


def joined(blocks: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Tables of the same columns, one after the other."""
    return {name: np.concatenate([b[name] for b in blocks]) for name in blocks[0]}
