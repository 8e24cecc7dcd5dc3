"""Data sets by name: prepared once with tfds, then memory-mapped.

A new data set is one file with a builder and one entry in `SETS`. A folder holds

    <root>/<name>/<version>/       what tfds wrote (array_record)
    <root>/<name>/decoded-<key>/   the same as .npy files, keyed by its digest
"""

import difflib
import hashlib
import importlib
import logging
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxad.config.data import Data
from jaxad.config.protocols import OtherDataset
from jaxad.data import store
from jaxad.data.arrays import Examples, Source, from_arrays
from jaxad.data.folder_source import load_folder
from jaxad.errors import DataError

_log = logging.getLogger(__name__)


class Entry(NamedTuple):
    """Where a builder is; `bundled`: it needs neither a folder nor a network.

    classes: names of the classes by number; none: their numbers name them.
    """

    module: str
    builder: str
    version: str = "1.0.0"
    bundled: bool = False
    classes: tuple[str, ...] = ()


_CLOTHES = (
    *("t-shirt", "trouser", "pullover", "dress", "coat"),
    *("sandal", "shirt", "sneaker", "bag", "ankle_boot"),
)
_DIGITS = tuple("0123456789")
SETS = {
    "digits": Entry("jaxad.data.digits", "Digits", bundled=True, classes=_DIGITS),
    "elpv": Entry(
        "jaxad.data.elpv", "Elpv", bundled=True, classes=("intact", "defective")
    ),
    "fashion_mnist": Entry("jaxad.data.mnist", "FashionMnist", classes=_CLOTHES),
    "mnist": Entry("jaxad.data.mnist", "Mnist", classes=_DIGITS),
    "nanofibres": Entry(
        "jaxad.data.nanofibre_set",
        "Nanofibres",
        bundled=True,
        classes=("normal", "anomalous"),
    ),
}


def names() -> dict[str, bool]:
    """Every data set, and whether it is prepared."""
    return {name: _folder(name).is_dir() for name in SETS}


def prepare(name: str, source: str | Path | None = None) -> Path:
    """Prepares a data set from a local folder, or by downloading it.

    source: the folder with the published files; None downloads, unless the set is
    there already. It is written whole or not at all, while other processes wait.
    Returns its folder. Raises DataError.
    """
    folder = _folder(name)
    if source is not None:
        source = Path(source).expanduser().resolve()
        if not source.is_dir():
            raise DataError(f"there is no folder {source} to prepare {name} from")
    with store.workspace(folder.parent) as work:
        if source is not None or store.problems(folder):
            # tfds takes a second to import, which a start with prepared data saves.
            from jaxad.data import builders

            cls = getattr(
                importlib.import_module(SETS[name].module), SETS[name].builder
            )
            written = builders.write(cls, source, work)
            store.save_arrays(work / "decoded", builders.read(written))
            store.install(written, folder, work)
            _install_decoded(name, work)
    return folder


def load(name: str) -> Source:
    """A prepared data set; a bundled one is prepared on first use.

    Raises DataError, with the command to run, where it is not prepared or damaged.
    """
    folder = _folder(name)
    if not folder.is_dir():
        if not SETS[name].bundled:
            raise DataError(f"{name} is not prepared; run: {_command(name)}")
        prepare(name)
    if found := store.problems(folder):
        raise DataError(f"{found[0]}; run: {_command(name)}")
    decoded = _decoded(name)
    if store.problems(decoded):
        _decode_again(name)
    splits = {
        split: Examples(
            arrays["image"],
            np.array(arrays["label"]),
            np.array(arrays["id"]),
            arrays.get("mask"),
        )
        for split, arrays in store.load_arrays(decoded).items()
    }
    return Source(
        splits["train"],
        splits.get("test"),
        store.fingerprint(decoded),
        classes=SETS[name].classes,
    )


def load_for(data: Data, given: Any = None) -> Source:
    """All that a config's `data` needs: its data set, and that of its anomalies.

    given: images, or images and labels, or these and masks, in place of the data set.
    Raises DataError as `load` and `from_arrays` do.
    """
    if given is None and data.root is not None:
        source = load_folder(data)
    elif given is None:
        source = load(data.name)
    else:
        source = from_arrays(*(given if isinstance(given, tuple) else (given,)))
    if not isinstance(data.protocol, OtherDataset):
        return source
    other = load(data.protocol.name)
    both = f"{source.fingerprint} {other.fingerprint}".encode()
    digest = hashlib.sha256(both).hexdigest()
    return source._replace(other=other, fingerprint=digest)


def verify(name: str) -> list[str]:
    """What is wrong with a prepared data set, one a line; reads all of it."""
    folder = _folder(name)
    if not folder.is_dir():
        return [f"{name} is not prepared; run: {_command(name)}"]
    if found := store.problems(folder):
        return [f"{line}; run: {_command(name)}" for line in found]
    decoded = _decoded(name)
    if not decoded.is_dir():
        return []
    if found := store.problems(decoded):
        return [f"{line}; it is decoded again when it is used next" for line in found]
    from jaxad.data import builders

    kept = store.load_arrays(decoded)
    return [
        f"{decoded}: {split} {part} is not what {folder} holds; remove that folder"
        for split, arrays in builders.read(folder).items()
        for part, array in arrays.items()
        if not np.array_equal(array, kept[split][part])
    ]


def _folder(name: str) -> Path:
    if name not in SETS:
        near = difflib.get_close_matches(name, SETS, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(SETS)}"
        raise DataError(f"no data set is called {name}; {hint}")
    return store.root() / name / SETS[name].version


def _decoded(name: str) -> Path:
    folder = _folder(name)
    return folder.parent / f"decoded-{store.fingerprint(folder)[:16]}"


def _decode_again(name: str) -> None:
    folder, decoded = _folder(name), _decoded(name)
    with store.workspace(folder.parent) as work:
        found = store.problems(decoded)
        if not found:  # another process was faster
            return
        if decoded.is_dir():
            _log.warning("%s; decoding %s again", found[0], name)
        from jaxad.data import builders

        store.save_arrays(work / "decoded", builders.read(folder))
        _install_decoded(name, work)


def _install_decoded(name: str, work: Path) -> None:
    """Moves the decoded copy to its place and removes those of older sources."""
    decoded = _decoded(name)
    store.install(work / "decoded", decoded, work)
    for old in decoded.parent.glob("decoded-*"):
        if old != decoded:
            shutil.rmtree(old, ignore_errors=True)


def _command(name: str) -> str:
    source = "" if SETS[name].bundled else " --source DIR"
    return f"jaxad data prepare {name}{source}"
