"""Reading the files of a run folder: JSON, CSV and plain arrays, nothing executed.

Whatever is missing or damaged raises `DataError`.
"""

import csv
import json
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from jaxad.errors import DataError
from jaxad.folder import GRID


def damaged(path: Path, reason: object) -> DataError:
    """An error of one line about a file of the folder of a run or a sweep."""
    short = " ".join(str(reason).split())
    again = "`jaxad train` again"
    if (path.parent / GRID).is_file():
        again = "`jaxad sweep` again with --resume"
    return DataError(f"{path}: {short}; run {again} to write it anew")


def load_with(path: Path, load: Callable[[Path], Any]) -> Any:
    """`load(path)`, with everything that a damaged file can raise as one DataError."""
    try:
        return load(path)
    except FileNotFoundError:
        raise damaged(path, "the folder lacks this file") from None
    except (OSError, ValueError, TypeError, KeyError, EOFError) as error:
        raise damaged(path, f"damaged: {error}") from error
    except (zipfile.BadZipFile, zlib.error, csv.Error, RecursionError) as error:
        raise damaged(path, f"damaged: {error}") from error


def read_json(path: Path, kind: type) -> Any:
    """A JSON file whose outermost value is of `kind`."""
    value = load_with(path, lambda p: json.loads(p.read_text(encoding="utf-8")))
    if not isinstance(value, kind):
        raise damaged(path, f"damaged: a JSON {kind.__name__} is expected")
    return value


def read_table(path: Path, needed: tuple[str, ...]) -> dict[str, list[str]]:
    """The columns of a CSV file, as text."""

    def load(path: Path) -> list[list[str]]:
        text = path.read_bytes().decode()
        if text and not text.endswith("\n"):
            raise ValueError("the last line is cut off")
        return list(csv.reader(text.splitlines(keepends=True), strict=True))

    rows = load_with(path, load)
    if len(rows) < 2:
        raise damaged(path, "damaged: no rows")
    header = rows[0]
    lacking = [name for name in needed if name not in header]
    if lacking:
        raise damaged(path, f"damaged: no column {', '.join(lacking)}")
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(header):
            raise damaged(
                path, f"damaged: line {number} has {len(row)} of {len(header)} cells"
            )
    return dict(zip(header, map(list, zip(*rows[1:], strict=True)), strict=True))


def to_numbers(path: Path, name: str, cells: list[str]) -> np.ndarray:
    """The column `name` as (N,) float64, NaN where a cell is empty."""
    try:
        return np.array([cell or "nan" for cell in cells], dtype=np.float64)
    except ValueError as error:
        raise damaged(path, f"damaged: column {name}: {error}") from error
