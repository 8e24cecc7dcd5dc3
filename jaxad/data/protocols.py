"""Protocols: what is normal, what is anomalous, and who sees which images.

Every choice is drawn from a named stream of the run's seed, so that the same config
splits alike on every machine.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from jaxad.config.data import Data
from jaxad.corrupt import corrupt_examples
from jaxad.data.arrays import Examples, Source
from jaxad.data.images import resize, to_float
from jaxad.data.splits import GOOD, UNCHANGED, Split, Splits, cut, join
from jaxad.streams import stream

_BLOCK_VALUES = 2**19
"""Values corrupted at a time: bounds memory; one size for all splits compiles once."""


def split(source: Source, data: Data, seed: int) -> Splits:
    """Splits a data set by the protocol of `data`.

    A source with labelled anomalies is split by `split_labelled`, any other one by
    `split_corrupted`. Raises DataError where there are too few images.
    """
    if source.labelled:
        return split_labelled(source, data, seed)
    return split_corrupted(source, data, seed)


def split_corrupted(source: Source, data: Data, seed: int) -> Splits:
    """Normal = clean images, anomalous = their corrupted copies.

    Normals are shuffled into training, validation and, where the source has no test
    split, test. Validation and test hold their clean images and then a copy of each in
    the same order. A share `contamination` of the training images is corrupted too.
    """
    key = stream(jax.random.key(seed), "split")
    rows = _shuffled(stream(key, "normal"), np.arange(len(source.train.image)))
    held_out = source.test
    if held_out is None:
        held_out = source.train
        rows, test_rows = cut(rows, data.test, "testing")
        rows = _shuffled(stream(key, "train"), rows)
    else:
        test_rows = np.arange(len(held_out.image))
    train_rows, val_rows = cut(rows, data.validation, "validation")
    train = _take(source.train, train_rows, data)
    val = _take(source.train, val_rows, data)
    test = _take(held_out, test_rows, data)
    return Splits(
        _contaminated(train, data, seed),
        _with_copies(val, data, seed, "val"),
        _with_copies(test, data, seed, "test"),
    )


def split_labelled(source: Source, data: Data, seed: int) -> Splits:
    """Normals are split into training, validation and test, anomalies into halves.

    The first half of the shuffled anomalies (the smaller one) is for validation, the
    other one for the test. The protocol's corruption is not used.
    """
    key = stream(jax.random.key(seed), "split")
    label = source.train.label
    normal = _shuffled(stream(key, "normal"), np.flatnonzero(label == 0))
    anomalous = _shuffled(stream(key, "anomalous"), np.flatnonzero(label == 1))
    rest, test_rows = cut(normal, data.test, "testing")
    rest = _shuffled(stream(key, "train"), rest)
    train_rows, val_rows = cut(rest, data.validation, "validation")
    half = len(anomalous) // 2
    held_out = (val_rows, anomalous[:half]), (test_rows, anomalous[half:])
    val, test = (
        join(
            _take(source.train, normals, data),
            _take(source.train, np.sort(others), data, label=1, defect="anomalous"),
        )
        for normals, others in held_out
    )
    return Splits(_take(source.train, train_rows, data), val, test)


def corrupted_copies(
    clean: Split, data: Data, seed: int, level: float, part: str = "test"
) -> Split:
    """A corrupted copy of every clean image of a split, at any level.

    part: name of the split; with the level of the protocol the copies of that split
    come out again. Copies of bytes are rounded to bytes. A copy that is equal to its
    original is labelled 0 and called `unchanged`.
    """
    corruption = data.protocol.corruption
    rows = np.flatnonzero(clean.clean)
    key = _protocol_key(seed, part)
    index, before = clean.row[rows], clean.image[rows]
    image = _corrupt(corruption.kind, level, key, index, before)
    changed = (image != before).reshape(len(rows), -1).any(1)
    return Split(
        image,
        changed.astype(np.int32),
        np.array([f"{name}+{corruption.kind}" for name in clean.id[rows]], str),
        np.where(changed, corruption.kind, UNCHANGED),
        index,
    )


def _with_copies(clean: Split, data: Data, seed: int, part: str) -> Split:
    level = data.protocol.corruption.level
    both = join(clean, corrupted_copies(clean, data, seed, level, part))
    return both._replace(origin=np.tile(np.arange(len(clean.id), dtype=np.int32), 2))


def _contaminated(train: Split, data: Data, seed: int) -> Split:
    """`train` with a share of its images corrupted, and still labelled normal."""
    count = round(data.protocol.contamination * len(train.id))
    if count == 0:
        return train
    corruption = data.protocol.corruption
    order = _shuffled(_protocol_key(seed, "chosen"), np.arange(len(train.id)))
    rows = np.sort(order[:count])
    part = Split(*(array[rows] for array in train[:5]))
    copies = corrupted_copies(part, data, seed, corruption.level, "train")
    merged = []
    for whole, changed in zip(train[:5], copies[:5], strict=True):
        array = whole.astype(np.promote_types(whole.dtype, changed.dtype))
        array[rows] = changed
        merged.append(array)
    return Split(*merged)._replace(label=train.label)


def _take(
    examples: Examples, rows: np.ndarray, data: Data, label: int = 0, defect: str = GOOD
) -> Split:
    """The first `data.limit` of some rows, resized to `data.size`."""
    rows = rows[: data.limit]
    image = examples.image[rows]
    if data.size is not None:
        image = resize(image, data.size)
    return Split(
        image,
        np.full(len(rows), label, np.int32),
        examples.id[rows],
        np.full(len(rows), defect),
        rows.astype(np.int32),
    )


def _corrupt(
    kind: str, level: float, key: jax.Array, index: np.ndarray, image: np.ndarray
) -> np.ndarray:
    """Corrupts in padded blocks of one size; the type of `image` is kept."""
    size = max(1, _BLOCK_VALUES // image[0].size)
    out = np.empty_like(image)
    for start in range(0, len(index), size):
        rows = np.arange(start, start + size) % len(index)
        noisy = _corrupt_block(kind, key, index[rows], image[rows], jnp.float32(level))
        stop = min(start + size, len(index))
        block = np.asarray(noisy)[: stop - start]
        out[start:stop] = np.rint(block * 255) if out.dtype == np.uint8 else block
    return out


@partial(jax.jit, static_argnums=0)
def _corrupt_block(kind, key, index, image, level):
    return corrupt_examples(kind, key, index, to_float(image), level)


def _protocol_key(seed: int, part: str) -> jax.Array:
    return stream(stream(jax.random.key(seed), "protocol"), part)


def _shuffled(key: jax.Array, rows: np.ndarray) -> np.ndarray:
    return rows[np.argsort(np.asarray(jax.random.bits(key, rows.shape)), stable=True)]
