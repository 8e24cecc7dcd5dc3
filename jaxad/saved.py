"""A finished run, read back from its folder, and what it says of new images.

Nothing in a run folder is executed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxad import folder, methods, report
from jaxad.batches import TrainData, finalized, share, steps_of
from jaxad.checkpoint import Checkpointer, restore
from jaxad.config import Config, stages
from jaxad.config.load import load_config
from jaxad.config.traced import blank, traced
from jaxad.environment import COMPILE_FAST
from jaxad.errors import ConfigError, DataError
from jaxad.methods import Hparams, Method
from jaxad.parallel import ONE, Layout, local
from jaxad.scoring import Scorer
from jaxad.streams import root, stream
from jaxad.types import Batch, State


@dataclass(frozen=True, repr=False)
class Run(report.Shown):
    """A finished run, with the tables and pictures of `jaxad.report.Shown`.

    image_shape: (H, W, C) of the images it was trained on.
    state: its `model` is the fitted model, all that scoring reads; `rest` is None.
    history: column -> (epochs,).
    scores: the columns of scores.csv. thresholds, metrics: as in their files.
    left: all that is in the folder.
    """

    config: Config
    path: Path
    image_shape: tuple[int, ...]
    state: State
    scorer: Scorer
    left: report.RunFolder

    def read(self) -> report.RunFolder:
        return self.left

    @property
    def history(self) -> dict[str, np.ndarray]:
        return self.left.history

    @property
    def scores(self) -> dict[str, Any]:
        return self.left.scores

    @property
    def thresholds(self) -> dict[str, Any]:
        return self.left.thresholds

    @property
    def metrics(self) -> dict[str, Any]:
        return self.left.metrics


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


def load_run(path: str | Path, module: Any = None) -> Run:
    """A finished run from its folder. Nothing in it is executed.

    module: the Flax module it was trained with, if it was one's own.
    Raises DataError when the run is not finished or damaged, CheckpointError when no
    checkpoint can be trusted.
    """
    read = report.read(path)
    config = load_config(Path(path) / folder.CONFIG)
    check_module(path, read.env, module)
    parts = make_parts(config, 1, module, layout=local())
    shape = tuple(read.env["image_shape"])
    if parts.method.finalize is None:
        model = saved_model(Path(path), parts, shape)
    else:
        model = _final_model(Path(path), parts, shape, read.env)
    state = State(model, None)
    return Run(config, Path(path), shape, state, parts.scorer, read)


def check_module(path: str | Path, env: dict[str, Any], module: Any) -> None:
    """Refuse another module of one's own than the one a run was trained with."""
    before, now = env.get("module"), describe_module(module)
    if before != now:
        raise ConfigError(
            f"{path}: trained with {before or 'the model of its config'}, not with "
            f"{now or 'the model of its config'}; give that as module="
        )


def describe_module(module: Any) -> str | None:
    """A module of one's own in one line, None for none: what runs compare."""
    return None if module is None else " ".join(repr(module).split())


def save_final(path: Path, model: Any, identity: Any) -> None:
    """Keep the model after `finalize`: it cannot be made again without the data."""
    with Checkpointer(path / folder.MODEL, config=identity, keep=1) as checkpointer:
        checkpointer.save(0, model, {})


def _final_model(path: Path, parts: Parts, shape: tuple[int, ...], env) -> Any:
    sizes = env.get("examples"), env.get("normals")
    if not all(isinstance(size, int) for size in sizes):
        raise DataError(
            f"{path}/env.json: no number of training examples; train it with --resume"
        )
    form = parts.final_form(shape, *sizes)
    found = restore(path / folder.MODEL, form, say=lambda text: None)
    if found is None:
        raise DataError(f"{path}: no {folder.MODEL}/; train it with --resume")
    return found.tree


def saved_model(path: Path, parts: Parts, shape: tuple[int, ...]) -> Any:
    """The model that the first stage of the run in `path` ended with, not finalised.

    parts: of a first stage.
    """
    model = parts.form(shape)
    config = load_config(path / folder.CONFIG)
    averaged = "train.ema" in traced(config)
    template = {"best": model, "best_epoch": jax.ShapeDtypeStruct((), jnp.int32)}
    template |= {"average": model} if averaged else {"state": {"model": model}}
    found = restore(
        path / folder.CHECKPOINTS[0], template, say=lambda text: None, subset=True
    )
    if found is None:
        raise DataError(f"{path}: no checkpoint; train it with --resume")
    last = found.tree["average"] if averaged else found.tree["state"]["model"]
    last_only = config.train.select == "last" or int(found.tree["best_epoch"]) < 0
    return last if last_only else found.tree["best"]
