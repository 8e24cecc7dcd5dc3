"""One checkpoint on disk: written by Orbax, verified by digests, named by its step.

Orbax restores flipped bits without an error, so a sha256 of every leaf is kept beside
the arrays, and one of every file and of the record that holds them all.

The leaves are stored flat, by the dotted name of their place in the tree; leaves of
size zero, which Orbax refuses, are in the record alone.
"""

import hashlib
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxad.environment import cores
from jaxad.folder import plain, read_json, sync_folder, write_json

Arrays = dict[str, np.ndarray]
Record = dict[str, Any]

SAVING = "saving."
"""Prefix of a checkpoint that is not finished."""
_DROPPED, _REPLACED = "dropped.", "replaced."
_STATE = "state"
_RECORD = "record.json"


def steps(path: Path | str) -> list[int]:
    """Steps of the checkpoints in the folder `path`, oldest first; none if missing."""
    path = Path(path)
    if not path.is_dir():
        return []
    return sorted(int(x.name) for x in path.iterdir() if x.name.isdecimal())


def latest(path: Path | str) -> int | None:
    """Step of the newest checkpoint in the folder `path`, not verified, or None."""
    return max(steps(path), default=None)


def clean(path: Path) -> None:
    """Remove what a killed or failed save left in the folder of checkpoints."""
    for replaced in path.glob(f"{_REPLACED}*"):
        # What was to replace it never got its name.
        if not (own := path / replaced.name.removeprefix(_REPLACED)).exists():
            os.rename(replaced, own)
    for prefix in (SAVING, _DROPPED, _REPLACED):
        for leftover in path.glob(f"{prefix}*"):
            shutil.rmtree(leftover, ignore_errors=True)


def drop(path: Path, step: int) -> None:
    """Take a checkpoint away; renamed first, so that a half is never taken for one."""
    dropped = path / f"{_DROPPED}{step}"
    os.rename(path / str(step), dropped)
    shutil.rmtree(dropped, ignore_errors=True)


def name(path: Path, saving: Path, step: int) -> None:
    """Give a finished checkpoint its name; one that had it goes when this has it."""
    before = path / f"{_REPLACED}{step}"
    if (path / str(step)).exists():
        os.rename(path / str(step), before)
    os.rename(saving, path / str(step))
    sync_folder(path)
    shutil.rmtree(before, ignore_errors=True)


def machine(used: int | None = None) -> Record:
    """What the bytes of a run depend on beside the config. used: devices that it works
    on; None: all."""
    devices = jax.devices()
    return {
        "platform": devices[0].platform,
        "device": devices[0].device_kind,
        "devices": used or len(devices),
        "processes": jax.process_count(),
        "cores": cores(),
        "jax": jax.__version__,
    }


def write(folder: Path, arrays: Arrays, record: Record) -> None:
    """Write a checkpoint to the new `folder` and read it back.

    Raises whatever goes wrong, ValueError when it reads back differently.
    """
    from jaxad.checkpoint import orbax

    orbax.save(folder / _STATE, {name: x for name, x in arrays.items() if x.size})
    record = _with_leaves(record, arrays) | {"files": _file_digests(folder)}
    write_json(folder / _RECORD, record | {"digest": _digest(record)})
    read(folder)


def read(folder: Path) -> tuple[Record, Arrays]:
    """The record and the arrays of a checkpoint, verified.

    Raises whatever a damaged file can raise, and ValueError, with the reason, where a
    digest disagrees.
    """
    record = read_json(folder / _RECORD)
    if not isinstance(record, dict) or record.pop("digest", "") != _digest(record):
        raise ValueError(f"the digest of {_RECORD} disagrees")
    # Before Orbax sees them: on a damaged file it leaves reads behind that end in
    # tracebacks of an event loop already closed.
    found = _file_digests(folder)
    for name in sorted(record["files"] | found):
        if record["files"].get(name) != found.get(name):
            raise ValueError(f"the digest of {name} disagrees")
    from jaxad.checkpoint import orbax

    forms = {k: np.empty(x["shape"], x["dtype"]) for k, x in record["leaves"].items()}
    stored = {name: x for name, x in forms.items() if x.size}
    arrays = forms | orbax.restore(folder / _STATE, stored)
    for name, leaf in record["leaves"].items():
        if _describe(arrays[name]) != leaf:
            raise ValueError(f"the digest of {name} disagrees")
    return record, arrays


def holds(folder: Path, arrays: Arrays, record: Record) -> bool:
    """Whether `folder` is a sound checkpoint of just these arrays, step and config."""
    try:
        found, _ = read(folder)
    except Exception:  # missing or damaged: to be written again
        return False
    wanted = _with_leaves(record, arrays)
    return all(found[key] == wanted[key] for key in ("step", "config", "leaves"))


def reason(error: BaseException) -> str:
    """An error as one short line; of the system's errors their text alone."""
    text = str(error).strip() or type(error).__name__
    # TensorStore's form, whose paths and sizes are longer than what went wrong.
    code = re.search(r"os_error_code='(\d+)'", text)
    if code:
        return os.strerror(int(code[1]))
    line = getattr(error, "strerror", None) or text.splitlines()[0]
    return line if len(line) <= 160 else line[:157] + "..."


def _with_leaves(record: Record, arrays: Arrays) -> Record:
    leaves = {name: _describe(x) for name, x in arrays.items()}
    return plain(record | {"leaves": leaves})


def _describe(array: np.ndarray) -> Record:
    data = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    return {
        "shape": list(array.shape),
        "dtype": str(array.dtype),
        "sha256": hashlib.sha256(data.data).hexdigest(),
    }


def _digest(record: Record) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def _file_digests(folder: Path) -> dict[str, str]:
    """Digests of the files that Orbax wrote, by their names below `folder`."""
    digests = {}
    for path in (folder / _STATE).rglob("*"):
        if path.is_file():
            with open(path, "rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            digests[path.relative_to(folder).as_posix()] = digest
    return digests
