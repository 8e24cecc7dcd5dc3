"""What a way to detect anomalies is: pure functions, after blackjax and optax."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

import jax

from jaxad.types import Batch, Output, Scores, State

Hparams = Mapping[str, jax.Array]
"""Dotted config name -> () float32. A number that is off for the run is absent.

A method that learns from labels also has ANOMALOUS, which is the data's."""
ANOMALOUS = "data.anomalous"
"""The share of anomalous images among all that are trained on."""


Taught = Literal["all", "anomalous"]
"""Which labelled images a method trains on: all of them, beside the training normals,
or the anomalous ones alone, and no normals."""


class Init(Protocol):
    """A fresh state. Only the shapes and dtypes of `batch` matter."""

    def __call__(self, key: jax.Array, hparams: Hparams, batch: Batch) -> State: ...


class Step(Protocol):
    """One update from one batch, and scalars to log: at least `loss`, `grad_norm`.

    axis_name: the mapped axis that the batch is split over, if any. Loss and gradient
    are sums over valid examples divided by their number on all devices.
    """

    def __call__(
        self,
        key: jax.Array,
        hparams: Hparams,
        state: State,
        batch: Batch,
        axis_name: str | None = None,
    ) -> tuple[State, dict[str, jax.Array]]: ...


class Validate(Protocol):
    """(B,) float32 whose mean over valid examples early stopping looks at."""

    def __call__(
        self, key: jax.Array, hparams: Hparams, model: Any, batch: Batch
    ) -> jax.Array: ...


@dataclass(frozen=True)
class Blocks:
    """Examples in blocks of one shape, so that they need not be in memory together.

    count: number of blocks. take: () int32 in [0, count), may be traced -> Batch; the
        examples that pad the last block are not valid.
    """

    count: int
    take: Callable[[jax.Array], Batch]


class Finalize(Protocol):
    """The model with what is fitted to it once, after the training: densities.

    train: the training examples. val: the validation normals. Only the model is
    returned; no stage holds all images at once.
    """

    def __call__(
        self, key: jax.Array, hparams: Hparams, model: Any, train: Blocks, val: Blocks
    ) -> Any: ...


class Score(Protocol):
    """Scores of image (B, H, W, C); an example's ignores its batch."""

    def __call__(
        self, key: jax.Array, hparams: Hparams, model: Any, image: jax.Array
    ) -> Scores: ...


class Sample(Protocol):
    """New images (count, H, W, C) float32 in [0, 1], as the training's."""

    def __call__(
        self, key: jax.Array, hparams: Hparams, model: Any, count: int
    ) -> jax.Array: ...


class Method(NamedTuple):
    """A detector as pure functions; the loop does not know which one it runs.

    validate: None where nothing is to be validated (a GAN).
    output: (key, hparams, model, image) -> Output, for pictures and diagnostics; None
        where the method does not reconstruct.
    finalize: None where the trained model is all that scoring needs.
    behind: the fitted model of the stage before -> the method that can train behind it;
        None for a first stage. It is called inside the traced functions: the model is
        an argument of the program, neither a constant of it nor a part of the state.
    labelled: the labelled images, which no other method sees, that it trains on; None:
        it does not learn from labels. If it does, anomalous images are validated on
        as well.
    sample: None where the method draws no images.
    """

    init: Init
    step: Step
    validate: Validate | None
    score: Score
    output: Callable[[jax.Array, Hparams, Any, jax.Array], Output] | None = None
    finalize: Finalize | None = None
    behind: Callable[[Any], "Method"] | None = None
    labelled: Taught | None = None
    sample: Sample | None = None

    def after(self, model: Any) -> "Method":
        """The method behind a fitted model; itself where it is a first stage."""
        return self if self.behind is None else self.behind(model)
