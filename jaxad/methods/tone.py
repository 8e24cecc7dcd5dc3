"""Any method, on the logarithm of the intensity.

That is what counts where light is a product: the logarithm of a solar cell's
electroluminescence is, up to a constant, the voltage over it (T. Potthoff et al.,
"Determination of the interconnection resistance between solar cells using
electroluminescence images", 2010). A dark place in a dim image is then as far from its
surroundings as one in a bright image.
"""

import math

import jax
import jax.numpy as jnp

from jaxad.methods.base import Blocks, Method
from jaxad.types import Batch, Output, Scores, State

DARK = 0.02
"""Intensity below which the logarithm is almost a line, so that noise stays small."""
_SPAN = math.log1p(1 / DARK)


def log(image: jax.Array) -> jax.Array:
    """log(1 + x / DARK), as a share of that of white: [0, 1] to [0, 1], any shape."""
    return jnp.log1p(image / DARK) / _SPAN


def exp(image: jax.Array) -> jax.Array:
    """The inverse of `log`."""
    return jnp.expm1(image * _SPAN) * DARK


def toned(method: Method) -> Method:
    """The method with `log` in front of it.

    Scores and maps are of the logarithms. Reconstructions, and images that it draws,
    are intensities again.
    """
    one = _Toned(method)
    return method._replace(
        init=one.init,
        step=one.step,
        validate=method.validate and one.validate,
        score=one.score,
        output=method.output and one.output,
        finalize=method.finalize and one.finalize,
        behind=method.behind and one.behind,
        sample=method.sample and one.sample,
    )


class _Toned:
    """The functions of a method, each with its images' logarithms."""

    def __init__(self, method: Method):
        self.method = method

    def init(self, key, hparams, batch: Batch) -> State:
        return self.method.init(key, hparams, _of(batch))

    def step(self, key, hparams, state, batch: Batch, axis_name=None):
        return self.method.step(key, hparams, state, _of(batch), axis_name)

    def validate(self, key, hparams, model, batch: Batch) -> jax.Array:
        assert self.method.validate is not None
        return self.method.validate(key, hparams, model, _of(batch))

    def score(self, key, hparams, model, image: jax.Array) -> Scores:
        return self.method.score(key, hparams, model, log(image))

    def output(self, key, hparams, model, image: jax.Array) -> Output:
        assert self.method.output is not None
        found = self.method.output(key, hparams, model, log(image))
        return found._replace(recon=exp(found.recon))

    def finalize(self, key, hparams, model, train: Blocks, val: Blocks):
        assert self.method.finalize is not None
        given = _blocks(train), _blocks(val)
        return self.method.finalize(key, hparams, model, *given)

    def behind(self, model) -> Method:
        assert self.method.behind is not None
        return toned(self.method.behind(model))

    def sample(self, key, hparams, model, count: int) -> jax.Array:
        assert self.method.sample is not None
        return exp(self.method.sample(key, hparams, model, count))


def _of(batch: Batch) -> Batch:
    return batch._replace(image=log(batch.image))


def _blocks(blocks: Blocks) -> Blocks:
    return Blocks(blocks.count, lambda index: _of(blocks.take(index)))
