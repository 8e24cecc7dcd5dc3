"""Export a run as an artefact, which JAX alone runs, and check it against the run.

    import json
    import numpy as np
    from jax import export

    with open("runs/first/export/uint8.stablehlo", "rb") as file:
        score = export.deserialize(bytearray(file.read())).call
    contract = json.load(open("runs/first/export/contract.json"))

    images = np.zeros((5, *contract["input"]["shape"][1:]), np.uint8)
    scores, maps = score(images)
    name, rule = contract["primary"].values()
    limits = contract["thresholds"][name][rule]
    print(scores[name] >= limits["upper"])

A limit of null is infinite. `jaxad.artefact` says which files an artefact has.
"""

import os
import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax import export

from jaxad import folder
from jaxad.artefact import (
    CONTRACT,
    DTYPES,
    FILES,
    PROGRAMS,
    SUMS,
    Artefact,
    is_artefact,
    load,
    sums,
)
from jaxad.errors import ArtefactError, JaxadError
from jaxad.export.compare import LIMIT, compared
from jaxad.export.contract import PLATFORMS, contract
from jaxad.saved import Run

# What tracing raises where code asks a batch of any size for its size.
_NOT_SYMBOLIC = (
    jax.errors.InconclusiveDimensionOperation,
    NotImplementedError,
    TypeError,
    ValueError,
)


def write(run: Run, out: str | Path | None = None) -> Artefact:
    """Export a run: its scores and maps of images, thresholds and tiles.

    out: the folder; by default `export` in the run's. An artefact there is replaced
        once the new one is whole, read back and compared.
    The programs take images (N, H, W, C), N 1 or more, uint8 or float32 in [0, 1], on
    CPU, CUDA and TPU; all the preprocessing that the config asks for is in them, but
    for reading and resizing files and cutting tiles, which the contract describes. The
    comparison, on this machine's platform, is in `contract["difference"]`.

    Raises ArtefactError where the artefact differs from the run by more than
    `jaxad.export.compare` allows, where the model cannot take a batch of any size, and
    where `out` holds something else.
    """
    target = run.path / "export" if out is None else Path(out)
    if target.name in ("", ".."):  # the folder has a name, but it is not in the path
        target = target.resolve()
    _refuse_foreign(target)
    programs = {dtype: bytes(_exported(run, dtype).serialize()) for dtype in DTYPES}
    new = target.with_name(f".{target.name}.{os.getpid()}.new")
    try:
        for dtype, data in programs.items():
            folder.write_bytes(new / PROGRAMS[dtype], data)
        told = contract(run, compared(run, new))
        folder.write_json(new / CONTRACT, told)
        files = {name: (new / name).read_bytes() for name in FILES}
        folder.write_bytes(new / SUMS, sums(files))
        read = load(new)
        _put(new, target)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return replace(read, path=target, judge=replace(read.judge, path=target))


def _exported(run: Run, dtype: str) -> export.Exported:
    """The program of images of a type; the batch is the symbol `batch`."""
    score = run.scorer.alone(run.state.model)

    def program(image: jax.Array) -> tuple[dict[str, Any], dict[str, Any]]:
        found = score(image)
        return found.values, found.maps

    (batch,) = export.symbolic_shape("batch")
    image = jax.ShapeDtypeStruct((batch, *run.image_shape), np.dtype(dtype))
    try:
        return export.export(jax.jit(program), platforms=PLATFORMS)(image)
    except JaxadError:
        raise
    except _NOT_SYMBOLIC as error:
        reason = " ".join(str(error).split())[:200]
        raise ArtefactError(
            f"{run.path}: cannot be exported for batches of any size ({reason})"
        ) from error


def _refuse_foreign(path: Path) -> None:
    """Only an artefact, and nothing beside it, is ever replaced."""
    if not path.exists():
        return
    if not path.is_dir():
        raise ArtefactError(f"{path}: is a file; choose another --out")
    strange = sorted({file.name for file in path.iterdir()} - {*FILES, SUMS})
    if strange:
        raise ArtefactError(
            f"{path}: holds {strange[0]}, which is of no artefact; choose another --out"
        )
    if any(path.iterdir()) and not is_artefact(path):
        raise ArtefactError(f"{path}: is not an artefact; choose another --out")


def _put(new: Path, target: Path) -> None:
    """Put a folder in the place of another, which comes back where that fails."""
    old = new.with_suffix(".old")
    try:
        with suppress(FileNotFoundError):
            target.rename(old)
        try:
            new.rename(target)
        except OSError:
            if old.is_dir():
                old.rename(target)
            raise
    except OSError as error:
        raise ArtefactError(
            f"{target}: cannot be written ({error.strerror}); choose another --out"
        ) from error
    shutil.rmtree(old, ignore_errors=True)


__all__ = ["LIMIT", "PLATFORMS", "Artefact", "load", "write"]
