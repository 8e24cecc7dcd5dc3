"""Random keys by name and step. No key is carried in any state.

The loop passes `fold_in(root, step)`; whoever draws folds the name of its stream in.
A new stream therefore moves no other, and a resumed run draws what the uninterrupted
one would have drawn.
"""

import zlib

import jax


def root(seed: int, stage: int = 0) -> jax.Array:
    """The key that all others of a stage of a run come from."""
    key = jax.random.key(seed)
    return key if stage == 0 else jax.random.fold_in(key, stage)


def stream(key: jax.Array, name: str) -> jax.Array:
    """The key of the stream `name` below `key` (crc32, the same on every machine)."""
    return jax.random.fold_in(key, zlib.crc32(name.encode()))
