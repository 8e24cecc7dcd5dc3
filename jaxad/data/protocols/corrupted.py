"""The protocol whose anomalies are corrupted copies of normal images."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from jaxad.config.data import Data
from jaxad.config.protocols import Corrupted
from jaxad.corrupt import corrupt_examples
from jaxad.data.arrays import Source
from jaxad.data.images import to_float
from jaxad.data.protocols.normals import (
    everything,
    held_out,
    normal_rows,
    normals,
    shuffled,
)
from jaxad.data.splits import UNCHANGED, Split, Splits, join
from jaxad.errors import ConfigError
from jaxad.streams import stream

_BLOCK_VALUES = 2**19
"""Values corrupted at a time: bounds memory; one size for all splits compiles once."""


def split_corrupted(
    source: Source, data: Data, protocol: Corrupted, seed: int
) -> Splits:
    """Normal = clean images, anomalous = their corrupted copies.

    Normals are shuffled into training, validation and, where the source has no test
    split, test. Validation and test hold their clean images and then a copy of each in
    the same order. A share `contamination` of the training images is corrupted too.
    """
    rows = normal_rows(source, data, seed, everything)
    train = normals(source.train, rows.train, data)
    val = normals(source.train, rows.val, data)
    test = normals(held_out(source), rows.test, data)
    return Splits(
        _contaminated(train, data, protocol, seed),
        _with_copies(val, data, protocol, seed, "val"),
        _with_copies(test, data, protocol, seed, "test"),
    )


def corrupted_copies(
    clean: Split, data: Data, seed: int, level: float, part: str = "test"
) -> Split:
    """A corrupted copy of every clean image of a split, at any level.

    part: name of the split; with the level of the protocol the copies of that split
    come out again. Copies of bytes are rounded to bytes. A copy that is equal to its
    original is labelled 0 and called `unchanged`.

    Raises ConfigError for a protocol without a corruption.
    """
    if not isinstance(data.protocol, Corrupted):
        raise ConfigError(
            f"data.protocol: {data.protocol.kind} has no corruption to make copies by"
        )
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


def noisy(split: Split, kind: str, level: float, seed: int) -> np.ndarray:
    """All images of a split, normal and anomalous, with noise; of its type and shape.

    kind, level: as of `jaxad.corrupt`; the noise of an image depends on its place.
    """
    place = np.arange(len(split.image), dtype=np.int32)
    key = _protocol_key(seed, "robustness")
    return _corrupt(kind, level, key, place, np.asarray(split.image))


def _with_copies(
    clean: Split, data: Data, protocol: Corrupted, seed: int, part: str
) -> Split:
    level = protocol.corruption.level
    both = join(clean, corrupted_copies(clean, data, seed, level, part))
    return both._replace(origin=np.tile(np.arange(len(clean.id), dtype=np.int32), 2))


def _contaminated(train: Split, data: Data, protocol: Corrupted, seed: int) -> Split:
    """`train` with a share of its images corrupted, and still labelled normal."""
    count = round(protocol.contamination * len(train.id))
    if count == 0:
        return train
    order = shuffled(_protocol_key(seed, "chosen"), np.arange(len(train.id)))
    rows = np.sort(order[:count])
    part = Split(*(array[rows] for array in train[:5]))
    copies = corrupted_copies(part, data, seed, protocol.corruption.level, "train")
    merged = []
    for whole, changed in zip(train[:5], copies[:5], strict=True):
        array = whole.astype(np.promote_types(whole.dtype, changed.dtype))
        array[rows] = changed
        merged.append(array)
    return Split(*merged)._replace(label=train.label)


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
