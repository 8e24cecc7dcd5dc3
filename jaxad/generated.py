"""Images that a finished run draws, and their way into the training of another one."""

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxad import data as sources
from jaxad import folder, methods
from jaxad.batches import needed
from jaxad.config import Config
from jaxad.config.data import Data
from jaxad.data import Source, Split, Splits
from jaxad.data.splits import GENERATED, join
from jaxad.errors import ConfigError, DataError
from jaxad.saved import Run, load_run


def sample(run: Run, count: int, seed: int = 0) -> np.ndarray:
    """New images (count, H, W, C) float32 in [0, 1], as those the run was trained on.

    Fewer of the same seed are the first of more. Raises ConfigError where the run's
    model draws no images.
    """
    found = run.scorer.sample(run.state.model, count, seed)
    if found is None:
        kind = run.config.model.kind
        raise ConfigError(
            f"{run.path}: model.kind {kind} draws no images; give a run of model.kind "
            "dcgan"
        )
    return found


class Maker(NamedTuple):
    """A run that draws training images. beside: fingerprint of the data set alone."""

    run: Run
    beside: str


def load_for(data: Data, given: Any = None) -> tuple[Source, Maker | None]:
    """As `jaxad.data.load_for`, and the run that draws further training images; None:
    there is none. The source's fingerprint is that of both.

    Raises DataError where the run is not there, or itself trained on generated images:
    it would not be known which images they go back to.
    """
    source = sources.load_for(data, given)
    if data.generated.run is None:
        return source, None
    path = Path(data.generated.run)
    if not (path / folder.CONFIG).is_file():
        raise DataError(f"data.generated.run: {path} is not a run folder")
    run = load_run(path)
    if run.config.data.generated.run is not None:
        raise DataError(
            f"data.generated.run: {path} was trained on generated images itself; give "
            f"{run.config.data.generated.run}"
        )
    digest = hashlib.sha256(f"{source.fingerprint} {run.config.model!r}".encode())
    for leaf in jax.tree.leaves(run.state.model):
        digest.update(np.asarray(leaf).tobytes())
    maker = Maker(run, source.fingerprint)
    return source._replace(fingerprint=digest.hexdigest()), maker


def split(source: Source, maker: Maker | None, config: Config) -> Splits:
    """The splits of a config's data; a run's images join the training normals alone, or
    the labelled images, as anomalous ones, where the run draws such.

    They come last. Raises DataError as `jaxad.data.split`, and where the run's images
    are of another size, or may show what validates or tests here; ConfigError where
    they are anomalous, and the config's method learns from no such.
    """
    splits = sources.split(source, config.data, config.split_seed)
    if maker is None:
        return splits
    run, shape = maker.run, splits.train.image.shape[1:]
    if run.image_shape != shape:
        raise DataError(
            f"data.generated.run: {run.path} draws images of {_size(run.image_shape)}, "
            f"these data have {_size(shape)}"
        )
    anomalous = methods.labelled(run.config) == "anomalous"
    if anomalous and methods.labelled(config) is None:
        raise ConfigError(
            f"data.generated.run: {run.path} draws anomalous images, and model.kind "
            f"{config.model.kind} learns from normal ones alone; take model.kind cnn, "
            "or a run with model.of normal"
        )
    beside = needed(splits.labelled) if anomalous else splits.train
    _check_unseen(maker, splits)
    image = sample(run, config.data.generated.images, config.split_seed)
    joined = join(beside, _drawn(image, beside, int(anomalous)))
    return splits._replace(**{"labelled" if anomalous else "train": joined})


def _drawn(image: np.ndarray, beside: Split, label: int) -> Split:
    """Generated images as a split, of the type of the images beside them."""
    if beside.image.dtype == np.uint8:
        image = np.rint(image * 255).astype(np.uint8)
    return Split(
        image,
        np.full(len(image), label, np.int32),
        np.array([f"{GENERATED}:{number:06d}" for number in range(len(image))]),
        np.full(len(image), GENERATED),
        np.full(len(image), -1, np.int32),
    )


def _check_unseen(maker: Maker, splits: Splits) -> None:
    """Of the same data, the run has kept its training away from what is held out here.

    What it did not validate or test on, it may have learned by heart.
    """
    run = maker.run
    if folder.read_json(run.path / "env.json")["data"] != maker.beside:
        return
    held = {_original(name) for name in run.scores["id"]}
    for part in splits.val, splits.test:
        for name in part.id:
            if _original(name) not in held:
                raise DataError(
                    f"data.generated.run: {run.path} may have been trained on {name}, "
                    "which validates or tests here; train it with the same data "
                    "(shares as well) and seed"
                )


def _original(name: str) -> str:
    """What a corrupted copy was made from."""
    return str(name).partition("+")[0]


def _size(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
