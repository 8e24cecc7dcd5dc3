"""The training data on the device, and the batches that are taken from it."""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxad.config import Train
from jaxad.data import Cuts, Splits, Stored, joined, picked, to_float
from jaxad.errors import ConfigError
from jaxad.methods import ANOMALOUS, Blocks, Hparams, Method, Taught
from jaxad.parallel import ONE, Layout
from jaxad.streams import stream
from jaxad.types import Batch


class Fed(NamedTuple):
    """Images of some steps of an epoch, in place of all of a training.

    image: (K, B, H, W, C), a batch a step. first: () int32, the step that the first
        batch is of.
    """

    image: Any
    first: Any

    @property
    def shape(self) -> tuple[int, ...]:
        return self.image.shape[0] * self.image.shape[1], *self.image.shape[2:]


class TrainData(NamedTuple):
    """Examples on the device, shared by all members of a grid.

    image: (N, H, W, C) uint8 or float32 in [0, 1], or `Places`; `Stored` images are fed
        to segments as `Fed`. label: (N,) int32, or None: all are normal.
    rows, val_rows: (n,) int32 indices of the training and validation examples; those
        below 0 are padding.
    before: the fitted model of the stage before; None in a first stage.
    """

    image: Any
    label: jax.Array | None
    rows: jax.Array
    val_image: Any
    val_label: jax.Array | None
    val_rows: jax.Array
    before: Any = None


class Seen(NamedTuple):
    """Images (N, H, W, C) as of a `Split`, `Stored` ones unread, and labels (N,)."""

    image: Any
    label: np.ndarray


def trained_on(splits: Splits, labelled: Taught | None = None) -> Seen:
    """The training images; with the labelled ones at the end, or the anomalous ones of
    these alone, for a method that learns from labels. Raises ConfigError where it finds
    none."""
    if labelled is None:
        return Seen(splits.train.image, splits.train.label)
    parts = (splits.train, needed(splits.labelled))
    if labelled == "anomalous":
        own = parts[1].label == 1
        return Seen(parts[1].image[own], parts[1].label[own])
    return Seen(
        joined([part.image for part in parts]),
        np.concatenate([part.label for part in parts]),
    )


def validated_on(splits: Splits, labelled: Taught | None = None) -> Seen:
    """The validation images of each epoch: normals, or for a method that learns from
    labels all."""
    own = np.flatnonzero((splits.val.label == 0) | bool(labelled)).astype(np.int32)
    return Seen(picked(splits.val.image, own), splits.val.label[own])


def needed(labelled: Any) -> Any:
    """The labelled images, whatever stands for them, that a method learns from.

    Raises ConfigError where there are None.
    """
    if labelled is None:
        raise ConfigError(
            "data.protocol.train: this model learns from labels, and no anomalous "
            "image is for training; set data.protocol.kind defects, and train to a "
            "share of them above 0"
        )
    return labelled


def share(label: Any) -> dict[str, jax.Array]:
    """What hparams have more for a method that learns from labels (N,) int32."""
    return {ANOMALOUS: jnp.float32(np.mean(np.asarray(label) == 1))}


def on_device(
    splits: Splits,
    labelled: Taught | None = None,
    validate: int | None = None,
    layout: Layout = ONE,
) -> TrainData:
    """The training and validation examples that a method sees, on the device.

    labelled: what it learns from labels; if nothing, validation is of normals alone.
    layout: of the devices; each has all of them.
    Of `Stored` images those to train on stay in their files; on the device are those
    that epochs validate on, `validate` of them at most, evenly spaced.
    Raises ConfigError as `trained_on` does.
    """
    (given, known), val = trained_on(splits, labelled), validated_on(splits, labelled)
    image, rows = given, np.arange(len(given), dtype=np.int32)
    label: np.ndarray | None = np.asarray(known, np.int32)
    if isinstance(given, Cuts):  # the device cuts them out of the whole images
        image, rows, label = given.places, given.rows, None
    if isinstance(given, Stored):
        some = evenly(len(val.label), validate)
        val = Seen(val.image[some], val.label[some])
    else:
        image = layout.replicate(image)
    placed = layout.replicate(
        {
            "label": label,
            "rows": rows,
            "val_image": val.image,
            "val_label": np.asarray(val.label, np.int32) if labelled else None,
            "val_rows": np.arange(len(val.label), dtype=np.int32),
        }
    )
    return TrainData(image, **placed)


def steps_of(train: Train, examples: int) -> int:
    """Steps of one epoch; the last batch is padded."""
    return math.ceil(examples / train.batch_size)


def evenly(count: int, number: int | None) -> np.ndarray:
    """So many of `count` rows, evenly spaced; all if that is none or not fewer."""
    if number is None or number >= count:
        return np.arange(count, dtype=np.int32)
    return np.linspace(0, count - 1, number).round().astype(np.int32)


def example(train: Train, data: TrainData) -> Batch:
    """A batch of zeros with the shapes and dtypes of all others."""
    shape = (train.batch_size, *data.image.shape[1:])
    rows = jnp.zeros(shape[0], jnp.int32)
    return Batch(jnp.zeros(shape, jnp.float32), rows, rows == 0)


def order(key, epoch, rows, steps: int, train: Train) -> jax.Array:
    """(steps, batch) int32: the epoch's examples, in one global order.

    The end is padded with real examples, marked as padding: a module that knows no
    mask (`nn.BatchNorm` in a module of one's own) then sees nothing strange.
    """
    shuffled = jax.random.permutation(jax.random.fold_in(key, epoch), rows)
    size = steps * train.batch_size
    again = jnp.where(shuffled < 0, shuffled, -1 - shuffled)
    again = jnp.tile(again, math.ceil(size / rows.shape[0]))
    padded = jnp.concatenate([shuffled, again[: size - rows.shape[0]]])
    return padded.reshape(steps, train.batch_size)


def take(image: Any, label: jax.Array | None, rows: jax.Array) -> Batch:
    """The batch of rows (B,) int32 of image and label; -1 - row is row as padding."""
    return _batch(image[_at(rows)], label, rows)


def taken(data: TrainData, rows: jax.Array, step: jax.Array) -> Batch:
    """The batch of a step of an epoch, counted from 0; rows as in `take`."""
    if isinstance(data.image, Fed):
        image = data.image.image[step - data.image.first]
        return _batch(image, data.label, rows)
    return take(data.image, data.label, rows)


def _batch(image: jax.Array, label: jax.Array | None, rows: jax.Array) -> Batch:
    labels = jnp.zeros_like(rows) if label is None else label[_at(rows)]
    return Batch(to_float(image), labels, rows >= 0)


def _at(rows: jax.Array) -> jax.Array:
    return jnp.where(rows < 0, -1 - rows, rows)


def blocks(image: Any, label: jax.Array | None, rows: jax.Array, size: int) -> Blocks:
    """The examples of rows (n,) int32, as in `take`, in blocks of `size`.

    The last block is padded with the first example of all, marked as padding.
    """
    count = math.ceil(rows.shape[0] / size)
    padding = jnp.full(count * size - rows.shape[0], -1, jnp.int32)
    padded = jnp.concatenate([rows, padding]).reshape(count, size)
    return Blocks(count, lambda i: take(image, label, padded[i]))


def finalized(
    method: Method,
    key: jax.Array,
    hparams: Hparams,
    model: Any,
    data: TrainData,
    size: int,
) -> Any:
    """The model as scoring needs it: `method.finalize` on the data, if there is one.

    Pure and traceable: `vmap` it over members as the training. key: the run's root key.
    size: examples in a block.
    """
    if method.finalize is None:
        return model
    train = blocks(data.image, data.label, data.rows, size)
    val = blocks(data.val_image, data.val_label, data.val_rows, size)
    finalize = method.after(data.before).finalize
    assert finalize is not None
    return finalize(stream(key, "finalize"), hparams, model, train, val)
