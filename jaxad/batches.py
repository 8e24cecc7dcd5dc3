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
    rows, val_rows: (n,) int32 indices of the training and validation examples; -1 pads.
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
    """(steps, batch) int32: the epoch's examples, one global order; -1 pads the end."""
    rows_now = jax.random.permutation(jax.random.fold_in(key, epoch), rows)
    padding = steps * train.batch_size - rows.shape[0]
    rows_now = jnp.concatenate([rows_now, jnp.full(padding, -1, jnp.int32)])
    return rows_now.reshape(steps, train.batch_size)


def take(image: jax.Array, label: jax.Array, rows: jax.Array) -> Batch:
    """The batch of rows (B,) int32 of image and label; a row of -1 is padding."""
    at = jnp.maximum(rows, 0)
    return Batch(to_float(image[at]), label[at], rows >= 0)
