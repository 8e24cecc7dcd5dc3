"""Files of a run folder: written whole or not at all.

A file is written under a temporary name beside its place, synced and renamed, so a
process killed at any moment leaves the old file or the new one. Numbers are written so
that they read back exactly.
"""

import csv
import io
import json
import math
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from jaxad.errors import CheckpointError, DataError

CONFIG = "config.json"
GRID = "grid.json"
METRICS = "metrics.json"
"""Marks a run as finished."""
CHECKPOINTS = ("checkpoints", "checkpoints_denoiser")
"""Of each stage of a run."""
MODEL = "model"


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
        sync_folder(path.parent)
    except OSError as error:
        raise CheckpointError(
            f"{path}: cannot be written ({error.strerror}); what was there before is "
            "unchanged: make room or choose another --out"
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def sync_folder(path: Path) -> None:
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
