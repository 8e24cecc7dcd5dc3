"""Folders of prepared data: where they are, who may write, whether they are whole.

A *sealed* folder holds `digests.json` with the sha256 of each of its files, written
last. `JAXAD_DATA_DIR` says where data sets live.
"""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from jaxad.errors import DataError

_SEAL = "digests.json"


def root() -> Path:
    """`JAXAD_DATA_DIR`, or `jaxad/data` in the user's cache folder."""
    if given := os.environ.get("JAXAD_DATA_DIR"):
        return Path(given).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "jaxad" / "data"


@contextmanager
def workspace(folder: Path) -> Iterator[Path]:
    """An empty folder inside `folder` for the one process that may write there.

    Others wait. What was not moved away is removed at the end, also after an error,
    and what a killed process left is removed at the start.
    Raises DataError where `folder` cannot be written or the disk is full.
    """
    work = folder / ".incomplete"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / ".lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir()
            try:
                yield work
            finally:
                shutil.rmtree(work, ignore_errors=True)
    except OSError as error:
        raise DataError(
            f"cannot write to {folder} ({error.strerror or error}); make room there, "
            "or name another folder in JAXAD_DATA_DIR"
        ) from error


def install(new: Path, final: Path, work: Path) -> Path:
    """Seals `new` and moves it to `final`, in the place of what was there."""
    names = sorted(p.relative_to(new).as_posix() for p in new.rglob("*") if p.is_file())
    (new / _SEAL).write_text(json.dumps(_digests(new, names), indent=1))
    final.parent.mkdir(parents=True, exist_ok=True)
    if final.exists():
        final.rename(work / f"replaced-{final.name}")
    new.rename(final)
    return final


def problems(folder: Path) -> list[str]:
    """What is wrong with a sealed folder: missing or changed files, one a line."""
    if not (folder / _SEAL).is_file():
        return [f"{folder / _SEAL} is missing"]
    try:
        sealed = json.loads((folder / _SEAL).read_text())
        missing = [name for name in sealed if not (folder / name).is_file()]
    except (OSError, ValueError, TypeError) as error:
        return [f"{folder / _SEAL} cannot be read ({error})"]
    present = [name for name in sealed if name not in missing]
    now = _digests(folder, present)
    changed = [name for name in present if now[name] != sealed[name]]
    return [f"{folder / name} is missing" for name in missing] + [
        f"{folder / name} is damaged (its digest changed)" for name in changed
    ]


def fingerprint(folder: Path) -> str:
    """A digest of all files of a sealed folder."""
    return hashlib.sha256((folder / _SEAL).read_bytes()).hexdigest()


def save_arrays(folder: Path, splits: dict[str, dict[str, np.ndarray]]) -> None:
    """Writes `<split>-<name>.npy` files."""
    folder.mkdir()
    for split, arrays in splits.items():
        for name, array in arrays.items():
            np.save(folder / f"{split}-{name}.npy", array, allow_pickle=False)


def load_arrays(folder: Path) -> dict[str, dict[str, np.ndarray]]:
    """Memory-maps what `save_arrays` wrote."""
    splits: dict[str, dict[str, np.ndarray]] = {}
    for path in sorted(folder.glob("*.npy")):
        split, _, name = path.stem.partition("-")
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        splits.setdefault(split, {})[name] = array
    return splits


def _digests(folder: Path, names: list[str]) -> dict[str, str]:
    with ThreadPoolExecutor() as pool:
        return dict(
            zip(names, pool.map(lambda name: sha256(folder / name), names), strict=True)
        )


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
