"""What a sweep keeps on disk of every finished chunk, as plain arrays."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxad import folder
from jaxad.errors import CheckpointError

CHUNKS = "chunks"
CARRY = "carry/"
"""Begins the names in `found` of what a stage's training ended with: several times the
size of its model, so it is on disk alone."""
_RESULTS, _CARRY = "digest/results", "digest/carry"


class Chunk(NamedTuple):
    """Results of some members.

    members, epochs: (n,) int32, which ones, measured after how many epochs.
    found: name -> (n, ...), what `measure` gave, nested dicts as names with `/`.
    trained: (L,) int32, one member of each lane; history: column -> (L, epochs).
    """

    members: np.ndarray
    epochs: np.ndarray
    found: dict[str, np.ndarray]
    trained: np.ndarray
    history: dict[str, np.ndarray]


def write(path: Path, chunk: Chunk) -> None:
    """Write a chunk as a new file of the sweep's folder `path`, whole or not at all."""
    parts = path / CHUNKS
    parts.mkdir(parents=True, exist_ok=True)
    number = 1 + max((int(file.stem) for file in parts.glob("*.npz")), default=-1)
    arrays = {"members": chunk.members, "epochs": chunk.epochs}
    arrays |= {f"found/{name}": values for name, values in chunk.found.items()}
    arrays["trained"] = chunk.trained
    arrays |= {f"history/{name}": values for name, values in chunk.history.items()}
    digests = {name: _digest(part) for name, part in _parts(arrays).items()}
    folder.write_npz(parts / f"{number:05d}.npz", arrays | digests)


def read(path: Path) -> list[Chunk]:
    """All chunks of the sweep in `path`, without carries. Raises CheckpointError for a
    damaged one."""
    return [_read(file) for file in sorted((path / CHUNKS).glob("*.npz"))]


def carry(path: Path, member: int) -> list[np.ndarray]:
    """The leaves of the carry that a member of the sweep in `path` ended with."""
    for file in sorted((path / CHUNKS).glob("*.npz")):
        rows = np.flatnonzero(_read(file).members == member)
        if len(rows) and (arrays := _verified(file, _CARRY)):
            return [arrays[name][rows[0]] for name in sorted(arrays)]
    raise CheckpointError(f"{path}: nothing of member {member} is there; start anew")


def without_carry(chunk: Chunk) -> Chunk:
    kept = {k: v for k, v in chunk.found.items() if not k.startswith(CARRY)}
    return chunk._replace(found=kept)


def _read(file: Path) -> Chunk:
    arrays = _verified(file, _RESULTS)
    return Chunk(
        arrays["members"],
        arrays["epochs"],
        _below(arrays, "found/"),
        arrays["trained"],
        _below(arrays, "history/"),
    )


def _verified(file: Path, part: str) -> dict[str, np.ndarray]:
    """Arrays of one of the two parts of a chunk's file, by their digest."""
    try:
        with open(file, "rb") as opened, np.load(opened, allow_pickle=False) as found:
            names = _parts(dict.fromkeys(found.files))[part]
            arrays = {name: found[name] for name in names}
            if not np.array_equal(found[part], _digest(arrays)):
                raise ValueError("its digest disagrees")
    except Exception as error:  # whatever a damaged archive can raise
        raise CheckpointError(
            f"{file}: damaged ({error}); delete it, and its members are trained again"
        ) from error
    return arrays


def _parts(arrays: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The results, and what the training ended with: each has a digest."""
    parts: dict[str, dict[str, Any]] = {_RESULTS: {}, _CARRY: {}}
    for name, value in arrays.items():
        if name not in parts:
            own = _CARRY if name.startswith(f"found/{CARRY}") else _RESULTS
            parts[own][name] = value
    return parts


def _digest(arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """sha256 of the arrays with their names, dtypes and shapes, (32,) uint8."""
    found = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        found.update(f"{name} {array.dtype} {array.shape} ".encode())
        found.update(array.tobytes())
    return np.frombuffer(found.digest(), np.uint8)


def _below(arrays: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {
        k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)
    }


def flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested dicts as one, names joined with `/`."""
    found: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{name}/")
        else:
            found[prefix + name] = value
    return found


def nested(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of `flat`."""
    tree: dict[str, Any] = {}
    for name, value in arrays.items():
        *path, last = name.split("/")
        node = tree
        for part in path:
            node = node.setdefault(part, {})
        node[last] = value
    return tree
