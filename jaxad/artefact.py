"""Artefacts: the scores of a run as programs that JAX alone runs, and their contract.

A folder of four files:

    uint8.stablehlo     `jax.export` programs, images (N, H, W, C) -> scores, maps
    float32.stablehlo   the same of images in [0, 1]
    contract.json       what goes in and comes out, thresholds, tiles, versions
    SHA256SUMS          of the other three, as `sha256sum --check` reads it

Nothing in it is executed but the programs, and these by XLA alone: a program that asks
for anything else is refused.
"""

import hashlib
import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, get_args

import jax
import numpy as np
from jax import export

from jaxad.config.data import Fit
from jaxad.data import Reading
from jaxad.errors import ArtefactError
from jaxad.judge import Judge
from jaxad.methods import Method
from jaxad.scoring import Scorer
from jaxad.types import Scores

FORMAT, VERSION = "jaxad artefact", 1
CONTRACT, SUMS = "contract.json", "SHA256SUMS"
DTYPES = ("float32", "uint8")
PROGRAMS = {dtype: f"{dtype}.stablehlo" for dtype in DTYPES}
FILES = (*PROGRAMS.values(), CONTRACT)
"""Those with a digest, in the order of SHA256SUMS."""

# What jax.export keeps stable and XLA has of its own: never Python, nor a kernel that
# comes with the program.
_CALLS = re.compile(
    r"shape_assertion|cu_threefry2x32_ffi|(lapack|cusolver|cublas)_\w+|Eigh|Qr|"
    r"LuDecomposition|ProductOfElementaryHouseholderReflectors|ApproxTopK|"
    r"stablehlo\.dynamic_(reduce_window|rng_bit_generator|top_k|approx_top_k)"
)
_CALLED = re.compile(r'custom_call @("[^"]*"|[\w.$]+)|call_target_name = "([^"]*)"')


@dataclass(frozen=True)
class Artefact:
    """An artefact that was read: `jaxad.score(artefact, images)` takes it as a run.

    contract: as in its file. judge: what scores images by its float32 program.
    """

    path: Path
    contract: dict[str, Any]
    judge: Judge


def load(path: str | Path) -> Artefact:
    """Read an artefact and check its digests.

    Raises ArtefactError, one line, where it is not whole, was changed, is of a later
    version of jaxad, or holds a program that would do more than compute.
    """
    path = Path(path)
    files = _read(path)
    contract = _contract(path, files[CONTRACT])
    both = {x: read_program(path / n, files[n]) for x, n in PROGRAMS.items()}
    try:
        for dtype, program in both.items():
            _check(contract, program, dtype)
        judge = _judge(path, contract, both["float32"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ArtefactError(
            f"{path / CONTRACT}: not a contract ({type(error).__name__}: {error}); "
            "export the run again"
        ) from error
    return Artefact(path, contract, judge)


def is_artefact(path: Path) -> bool:
    """Whether a folder is an artefact by its files, whole or not."""
    try:
        contract = json.loads((path / CONTRACT).read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(contract, dict) and contract.get("format") == FORMAT


def read_program(path: Path, data: bytes) -> export.Exported:
    """A program from its bytes. Raises ArtefactError for one that is none, or that asks
    for more than XLA."""
    try:
        program = export.deserialize(bytearray(data))
    except Exception as error:  # flatbuffers and MLIR have errors of many types
        raise ArtefactError(
            f"{path}: not a program that jax {jax.__version__} reads "
            f"({type(error).__name__}); export the run again, or take a newer jax"
        ) from error
    strange = foreign_calls(program)
    if strange:
        raise ArtefactError(f"{path}: calls {strange[0]}, which is not of XLA")
    return program


def foreign_calls(program: export.Exported) -> list[str]:
    """What a program calls that XLA does not have of its own, sorted."""
    found = _CALLED.findall(program.mlir_module())
    names = {(a or b).strip('"') for a, b in found}
    return sorted(name for name in names if not _CALLS.fullmatch(name))


def sums(files: dict[str, bytes]) -> bytes:
    """The content of SHA256SUMS."""
    lines = (f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in FILES)
    return "".join(lines).encode()


def _read(path: Path) -> dict[str, bytes]:
    """The files with a digest, each as it was written."""
    files: dict[str, bytes] = {}
    for name in (*FILES, SUMS):
        try:
            files[name] = (path / name).read_bytes()
        except OSError as error:
            raise ArtefactError(
                f"{path / name}: cannot be read ({error.strerror}); an artefact has "
                f"{', '.join((*FILES, SUMS))}: export the run again"
            ) from error
    given, own = (text.splitlines() for text in (files[SUMS], sums(files)))
    for name, line in zip(FILES, own, strict=True):
        if line not in given:
            raise ArtefactError(
                f"{path / name}: is not what was exported (its sha256 is not the one "
                f"in {SUMS}); copy the artefact or export the run again"
            )
    if files[SUMS] != sums(files):
        raise ArtefactError(f"{path / SUMS}: was changed; export the run again")
    return files


def _contract(path: Path, data: bytes) -> dict[str, Any]:
    try:
        contract = json.loads(data)
        known = contract["format"] == FORMAT
        version = contract["format_version"]
    except (ValueError, TypeError, KeyError) as error:
        raise ArtefactError(f"{path / CONTRACT}: not a contract of jaxad") from error
    if not known:
        raise ArtefactError(f"{path / CONTRACT}: not a contract of jaxad")
    if version != VERSION:
        raise ArtefactError(
            f"{path / CONTRACT}: of format {version}, this jaxad reads {VERSION}; take "
            "the jaxad that wrote it, or export the run again"
        )
    return contract


class _Order(NamedTuple):
    """The scores of a program, as a scorer asks for them."""

    names: tuple[str, ...]
    block: int

    def together(self, shape: Any) -> int:
        return self.block


def _check(contract: dict[str, Any], program: export.Exported, dtype: str) -> None:
    """Raises ValueError, or what a value of another type raises, where a contract and a
    program do not fit."""
    shape = tuple(contract["input"]["shape"][1:])
    (form,) = program.in_avals
    if form.shape[1:] != shape or form.dtype != np.dtype(dtype):
        raise ValueError(f"its {dtype} program takes {form}")
    names, given = contract["outputs"]["scores"], list(range(len(program.out_avals)))
    scores, maps = jax.tree.unflatten(program.out_tree, given)
    if not names or sorted(names) != sorted(scores):
        raise ValueError(f"its {dtype} program gives {sorted(scores)}")
    if sorted(contract["outputs"]["maps"]) != sorted(maps):
        raise ValueError(f"its {dtype} program maps {sorted(maps)}")
    reading, tiles = Reading(**contract["reading"]), contract["tiles"]
    if reading.fit not in get_args(Fit):
        raise ValueError(f"reading.fit {reading.fit!r}")
    if tiles is not None:
        if not 1 <= tiles["stride"] <= tiles["size"] == shape[0] == shape[1]:
            raise ValueError(f"tiles {tiles}")
    elif reading.size is not None and shape[:2] != (reading.size, reading.size):
        raise ValueError(f"reading.size {reading.size}")


def _judge(path: Path, contract: dict[str, Any], program: export.Exported) -> Judge:
    order = _Order(tuple(contract["outputs"]["scores"]), int(contract["block"]))
    if order.block < 1:
        raise ValueError(f"block {order.block}")
    shape = tuple(int(side) for side in contract["input"]["shape"][1:])
    tiles = contract["tiles"]
    return Judge(
        path,
        shape,
        Scorer(_method(program), jax.random.key(0), {}, order),
        (),
        Reading(**contract["reading"]),
        None if tiles is None else (int(tiles["size"]), int(tiles["stride"])),
        {name: _limits(contract["thresholds"][name]) for name in order.names},
    )


def _method(program: export.Exported) -> Method:
    """A method that scores and does nothing else."""

    def score(key, hparams, model, image: jax.Array) -> Scores:
        return Scores(*program.call(image))

    never: Any = None  # it cannot be trained
    return Method(never, never, None, score)


def _limits(rules: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        rule: {
            **limit,
            "status": str(limit["status"]),
            "lower": -math.inf if limit["lower"] is None else float(limit["lower"]),
            "upper": math.inf if limit["upper"] is None else float(limit["upper"]),
        }
        for rule, limit in rules.items()
    }
