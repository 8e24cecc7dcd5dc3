"""What a config and the shape of its images determine: methods, keys, forms."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from jaxad import methods
from jaxad.batches import TrainData, finalized, share, steps_of
from jaxad.config import Config, stages
from jaxad.config.traced import blank, traced
from jaxad.environment import COMPILE_FAST
from jaxad.methods import Hparams, Method
from jaxad.parallel import ONE, Layout
from jaxad.scoring import Scorer
from jaxad.streams import root, stream
from jaxad.types import Batch


@dataclass(frozen=True)
class Parts:
    """What a config and the shape of an image determine.

    config: of the run. static: of the last stage, as from `blank`; method, hparams and
        key: of that stage. before: parts of the run without it; None in a first stage.
    layout: of the devices that the run works on.
    """

    config: Config
    static: Config
    method: Method
    hparams: Hparams
    key: jax.Array
    before: "Parts | None" = None
    layout: Layout = ONE

    @property
    def stages(self) -> "list[Parts]":
        """The parts of each stage, in the order of the trainings."""
        return [self] if self.before is None else [*self.before.stages, self]

    @property
    def scorer(self) -> Scorer:
        own = self.config.score, self.layout
        return Scorer(self.method, self.key, self.hparams, *own)

    def fresh(self, shape: tuple[int, ...]) -> Any:
        """The untrained model of this stage for images of `shape` (H, W, C)."""
        init = jax.jit(self._init(shape), compiler_options=COMPILE_FAST)
        return init(stream(self.key, "init"), self.hparams)

    def untrained(self, data: TrainData) -> Any:
        """The untrained model of all stages as scoring reads it."""
        before = None if self.before is None else self.before.untrained(data)
        finalize = self.finalizer(data._replace(before=before))
        return finalize(self.fresh(data.image.shape[1:]))

    def form(self, shape: tuple[int, ...]) -> Any:
        """The shapes and dtypes of the model's leaves; nothing is computed."""
        return jax.eval_shape(self._init(shape), self.key, self.hparams)

    def finalizer(self, data: TrainData) -> Callable[[Any], Any]:
        """From a trained model to the one that scoring reads; compiled once."""
        if self.method.finalize is None:
            return lambda model: model
        run = jax.jit(self._finalized, compiler_options=COMPILE_FAST)
        return lambda model: run(self.key, self.hparams, model, data)

    def final_form(self, shape: tuple[int, ...], examples: int, normals: int) -> Any:
        """As `form`, of the model after `finalize` on so many training examples and
        validation normals."""

        def empty() -> TrainData:
            rows, held = (jnp.zeros(n, jnp.int32) for n in (examples, normals))
            image = jnp.zeros((1, *shape), jnp.float32)
            return TrainData(image, rows, rows, image, held, held)

        data = jax.eval_shape(empty)
        if self.before is not None:
            before = self.before.final_form(shape, examples, normals)
            data = data._replace(before=before)
        arguments = (self.key, self.hparams, self.form(shape), data)
        return jax.eval_shape(self._finalized, *arguments)

    def _finalized(self, key, hparams: Hparams, model: Any, data: TrainData) -> Any:
        block = self.config.score.together(data.image.shape[1:3])
        return finalized(self.method, key, hparams, model, data, block)

    def _init(self, shape: tuple[int, ...]) -> Callable[..., Any]:
        image = jnp.zeros((1, *shape), jnp.float32)
        label = jnp.zeros(1, jnp.int32)
        batch = Batch(image, label, label == 0)
        return lambda key, hparams: self.method.init(key, hparams, batch).model


def make_parts(
    config: Config,
    examples: int,
    module: Any,
    label: Any = None,
    layout: Layout = ONE,
) -> Parts:
    """The parts of a run on so many training examples.

    label: of these (examples,) int32; a method that learns from labels needs them
        where it trains. layout: of the devices to work on.
    """
    own, first = stages.last(config), stages.before(config)
    static = blank(own)
    steps = steps_of(own.train, examples) * own.train.epochs
    hparams = {name: jnp.float32(value) for name, value in traced(own).items()}
    method = methods.build(static, steps, module)
    if method.labelled and label is not None:
        hparams |= share(label)
    return Parts(
        config,
        static,
        method,
        layout.replicate(hparams),
        layout.replicate(root(config.seed, stages.number(config))),
        None if first is None else make_parts(first, examples, module, None, layout),
        layout,
    )
