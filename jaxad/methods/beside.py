"""Scores beside those of a method, fitted once after its training.

What is fitted stands in the final model under a key of its own, which the method never
sees: any method can have such scores.
"""

from collections.abc import Callable
from typing import Any

import jax

from jaxad.config import Score
from jaxad.errors import ConfigError
from jaxad.methods.base import Blocks, Hparams, Method
from jaxad.types import Batch, Output, Scores, State

Fit = Callable[[Method, jax.Array, Hparams, Any, Blocks, Blocks], Any]
"""(method, key, hparams, model, train, val) -> what the scores read, arrays only."""
Add = Callable[[Any, jax.Array, Scores], Scores]
"""(what was fitted, image, scores so far) -> further scores."""


def beside(method: Method, key: str, spec: Score, fit: Fit, add: Add) -> Method:
    """The method with the scores of `add` as well, all in the order of `spec`.

    key: under which the final model keeps what `fit` returns.
    """
    one = _Beside(method, key, spec, fit, add)
    behind = method.behind
    return Method(
        one.init,
        one.step,
        method.validate and one.validate,
        one.score,
        method.output and one.output,
        one.finalize,
        behind and (lambda model: beside(behind(model), key, spec, fit, add)),
        method.labelled,
        method.sample and one.sample,
    )


class _Beside:
    """The functions of a method, each given the model without what was added."""

    def __init__(self, method: Method, key: str, spec: Score, fit: Fit, add: Add):
        self.method, self.key, self.spec = method, key, spec
        self.fit, self.add = fit, add

    def init(self, key, hparams, batch: Batch) -> State:
        return self.method.init(key, hparams, batch)

    def step(self, key, hparams, state, batch: Batch, axis_name=None):
        return self.method.step(key, hparams, state, batch, axis_name)

    def validate(self, key, hparams, model, batch: Batch) -> jax.Array:
        assert self.method.validate is not None
        return self.method.validate(key, hparams, self._own(model), batch)

    def finalize(self, key, hparams, model, train: Blocks, val: Blocks) -> Any:
        if self.method.finalize is not None:
            model = self.method.finalize(key, hparams, model, train, val)
        fitted = self.fit(self.method, key, hparams, model, train, val)
        return {**model, self.key: fitted}

    def score(self, key, hparams, model, image: jax.Array) -> Scores:
        if self.key not in model:
            raise ConfigError("score.names: fitted scores need the finalised model")
        found = self.method.score(key, hparams, self._own(model), image)
        more = self.add(model[self.key], image, found)
        values, maps = found.values | more.values, found.maps | more.maps
        wanted = [name for name in self.spec.names if name in values]
        return Scores(
            {name: values[name] for name in wanted},
            {name: maps[name] for name in wanted if name in maps},
        )

    def output(self, key, hparams, model, image: jax.Array) -> Output:
        assert self.method.output is not None
        return self.method.output(key, hparams, self._own(model), image)

    def sample(self, key, hparams, model, count: int) -> jax.Array:
        assert self.method.sample is not None
        return self.method.sample(key, hparams, self._own(model), count)

    def _own(self, model: Any) -> Any:
        return {name: part for name, part in model.items() if name != self.key}
