"""Files of a run folder: written whole or not at all, by one process at a time.

A file is written under a temporary name beside its place, synced and renamed, so a
process killed at any moment leaves the old file or the new one. Numbers are written so
that they read back exactly.
"""

import csv
import io
import json
import math
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from jaxad.errors import BusyError, CheckpointError, ConfigError, DataError

CONFIG = "config.json"
GRID = "grid.json"
CHECKPOINTS = ("checkpoints", "checkpoints_denoiser")
"""Of each stage of a run."""
MODEL = "model"
_LOCK = ".lock"
_WRITTEN = ("examples", "plots", "scored")


def write_bytes(path: Path | str, data: bytes) -> None:
    """Write `data` to `path`, whole or not at all; parent folders are made.

    Raises CheckpointError, one line, when the file cannot be written (full disk,
    no permission); the old file is then still there.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        raise CheckpointError(
            f"{path}: cannot be written ({error.strerror}); what was there before is "
            "unchanged: make room or choose another --out"
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def _sync_folder(path: Path) -> None:
    """Make a rename in this folder last through a loss of power."""
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_text(path: Path | str, text: str) -> None:
    """Write `text` as UTF-8, as `write_bytes` does."""
    write_bytes(path, text.encode())


def write_json(path: Path | str, value: Any) -> None:
    """Write `value` as JSON; NumPy values become plain ones, NaN and infinities null.

    Raises TypeError for what JSON cannot hold, and as `write_bytes` does.
    """
    text = json.dumps(plain(value), indent=2, allow_nan=False, ensure_ascii=False)
    write_text(path, text + "\n")


def plain(value: Any) -> Any:
    """`value` in JSON's own types; not finite numbers become None."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def read_json(path: Path | str) -> Any:
    """The value in a JSON file. Raises DataError when it is missing or damaged."""
    path = Path(path)
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise DataError(f"{path}: not a JSON file ({error})") from error


def write_csv(path: Path | str, columns: Mapping[str, Any]) -> None:
    """Write columns of equal length, a name each; floats read back exactly.

    A float32 is written as the float64 that equals it. Raises ValueError for columns
    of different lengths, and as `write_bytes` does.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in zip(*map(_values, columns.values()), strict=True):
        writer.writerow(repr(x) if isinstance(x, float) else x for x in row)
    write_text(path, text.getvalue())


def _values(column: Sequence[Any]) -> list[Any]:
    if hasattr(column, "tolist"):
        return column.tolist()
    return [x.item() if isinstance(x, np.generic) else x for x in column]


def write_npz(path: Path | str, arrays: Mapping[str, Any]) -> None:
    """Write arrays to a compressed .npz file without pickle.

    Raises ValueError for arrays of objects, and as `write_bytes` does.
    """
    data = io.BytesIO()
    plain_arrays = {name: np.asarray(array) for name, array in arrays.items()}
    for name, array in plain_arrays.items():
        if array.dtype.hasobject:
            raise ValueError(f"{path}: {name} holds Python objects, not numbers")
    np.savez_compressed(data, allow_pickle=False, **plain_arrays)
    write_bytes(path, data.getvalue())


def fresh(name: str, parent: Path | str = "runs") -> Path:
    """A folder below `parent` that is not there yet: `name`, or `name-2`, `name-3`...

    Raises ConfigError when `name` is a path or no name at all.
    """
    if name in ("", "..") or Path(name).name != name:
        raise ConfigError(f"name {name!r}: must name a folder below {parent}/")
    path, number = Path(parent) / name, 1
    while path.exists():
        number += 1
        path = Path(parent) / f"{name}-{number}"
    return path


@contextmanager
def lock(path: Path | str) -> Iterator[None]:
    """Hold the folder `path` (made if missing) for this process alone.

    The kernel lets go of the lock when the process ends in any way. Raises BusyError,
    which names the holder, when another process (or this one) has the folder, and
    ConfigError for a folder with files in it that are no run.
    """
    import fcntl

    path = Path(path)
    _refuse_foreign(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        file = open(path / _LOCK, "a+b")  # noqa: SIM115
    except FileExistsError:
        raise ConfigError(f"{path}: is a file; choose another --out") from None
    except OSError as error:
        raise CheckpointError(
            f"{path}: cannot be written ({error.strerror}); choose another --out"
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError(
                f"{path}: in use by {_holder(path)}; wait for it to end or choose "
                "another --out"
            ) from None
        except OSError as error:
            raise CheckpointError(
                f"{path}: cannot be locked ({error.strerror}); choose an --out on a "
                "file system that knows flock"
            ) from error
        # On a full disk the holder stays unnamed, but the lock itself holds.
        with suppress(OSError):
            file.truncate(0)
            file.write(f"process {os.getpid()} on {socket.gethostname()}".encode())
            file.flush()
        yield


def _refuse_foreign(path: Path) -> None:
    """Nothing is written to, or removed from, a folder that is not a run's."""
    if not path.is_dir():
        return
    files = {file.name for file in path.iterdir() if not file.name.startswith(".")}
    if files and files.isdisjoint((CONFIG, GRID)):
        raise ConfigError(
            f"{path}: is not empty and not a run folder (no {CONFIG}); choose another "
            "--out"
        )


def _holder(path: Path) -> str:
    with suppress(OSError):
        return (path / _LOCK).read_text(errors="replace") or "another process"
    return "another process"


def open_run(path: Path | str, resume: bool, say: Callable[[str], None]) -> bool:
    """Whether there is a checkpoint in the run folder `path` to go on from.

    Call it with the lock held. Leftovers of a killed process are removed.

    resume: go on with a run that is there; `say` is told if nothing has been saved.
    Raises ConfigError when a run is there and `resume` is false.
    """
    path = Path(path)
    for place in (path, *(path / name for name in _WRITTEN)):
        for leftover in place.glob(".*.tmp"):
            leftover.unlink(missing_ok=True)
    files = {file.name for file in path.iterdir() if not file.name.startswith(".")}
    if files and not resume:
        raise ConfigError(
            f"{path}: a run is there already; pass --resume to go on with it, or "
            "choose another --out"
        )
    saved = path / CHECKPOINTS[0]
    found = saved.is_dir() and any(x.name.isdecimal() for x in saved.iterdir())
    if resume and not found:
        say(f"{path}: nothing saved yet, starting from the beginning")
    return found
