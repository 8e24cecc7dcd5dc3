"""The training data on the device, and the batches that are taken from it."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxad.config import Train
from jaxad.data import to_float
from jaxad.types import Batch


class TrainData(NamedTuple):
    """Examples on the device, shared by all members of a grid.

    image: (N, H, W, C) uint8 or float32 in [0, 1]; label: (N,) int32.
    rows, val_rows: (n,) int32 indices of the training and validation examples; those
        below 0 are padding.
    """

    image: jax.Array
    label: jax.Array
    rows: jax.Array
    val_image: jax.Array
    val_label: jax.Array
    val_rows: jax.Array


def steps_of(train: Train, examples: int) -> int:
    """Steps of one epoch; the last batch is padded."""
    return math.ceil(examples / train.batch_size)


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


def take(image: jax.Array, label: jax.Array, rows: jax.Array) -> Batch:
    """The batch of rows (B,) int32 of image and label; -1 - row is row as padding."""
    at = jnp.where(rows < 0, -1 - rows, rows)
    return Batch(to_float(image[at]), label[at], rows >= 0)
