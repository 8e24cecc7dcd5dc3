"""Run the notebooks headless, and say what is wrong with them.

python launch/notebooks.py [--write] [--cold] [NOTEBOOK ...]

Each has to run from top to bottom in a minute, in twenty cells, with public functions
alone, and to be committed with the outputs of what it is now: small ones, without
errors, warnings, or traces of a machine. What its prose quotes has to be in them.
"""

import argparse
import ast
import base64
import io
import os
import re
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import numpy as np
from matplotlib import colormaps
from nbformat import NotebookNode
from PIL import Image

import jaxad

FOLDER = Path(__file__).parent.parent / "notebooks"
CELLS, SECONDS, BYTES = 20, 60, 600_000
LIBRARIES = {"jax", "matplotlib", "numpy", "optax", "pandas"}
_MACHINE = re.compile(r"(?<![\w.])/(home|root|tmp|usr|work|var|Users|opt)/|\b[A-Z]:\\")
_ADDRESS = re.compile(r"\b0x[0-9a-f]{6,}")
_NUMBER = re.compile(r"\d*\.\d+|\d+(?= ?%)")
_METADATA = {
    "kernelspec": {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}


def paths() -> list[Path]:
    return sorted(FOLDER.glob("*.ipynb"))


def read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def problems(path: Path) -> list[str]:
    """What is wrong with a notebook as it is committed; nothing is executed."""
    notebook = read(path)
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        return [f"not a notebook: {error.message}"]
    found = list(_shape(notebook))
    if path.stat().st_size > BYTES:
        found.append(f"{path.stat().st_size:,} bytes are more than {BYTES:,}")
    for number, cell in enumerate(code(notebook), 1):
        found += [f"code cell {number}: {words}" for words in private(cell.source)]
        found += [f"code cell {number}: {words}" for words in _outputs(cell, number)]
    return found + list(_quoted(notebook))


def code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _shape(notebook: NotebookNode) -> Iterator[str]:
    if len(notebook.cells) > CELLS:
        yield f"{len(notebook.cells)} cells are more than {CELLS}"
    first = notebook.cells[0]
    if first.cell_type != "markdown" or not first.source.startswith("# "):
        yield "the first cell is no title"
    if notebook.metadata != _METADATA or any(cell.metadata for cell in notebook.cells):
        yield "metadata of a run; write it with --write"
    if [cell.id for cell in notebook.cells] != _ids(len(notebook.cells)):
        yield "cell ids; write it with --write"


def _outputs(cell: NotebookNode, number: int) -> Iterator[str]:
    if cell.execution_count != number:
        yield "it was not executed in its turn"
    for output in cell.outputs:
        if output.output_type == "error":
            yield f"it failed: {output.ename}"
        if output.get("name") == "stderr":
            yield f"it warns: {output.text.strip()[:80]}"
    words = cell.source + "\n" + said(cell)
    for pattern, what in ((_MACHINE, "a path"), (_ADDRESS, "an address")):
        if match := pattern.search(words):
            yield f"{what} of a machine: {words[match.start() : match.start() + 40]!r}"


def said(cell: NotebookNode) -> str:
    """The text of the outputs of a cell."""
    found = [output.get("text", "") for output in cell.outputs]
    for output in cell.outputs:
        data = output.get("data", {})
        found += [text for kind, text in data.items() if kind.startswith("text/")]
    return "\n".join(found)


def _quoted(notebook: NotebookNode) -> Iterator[str]:
    """Numbers of the prose that neither the code nor its outputs have."""
    seen = "\n".join(cell.source + "\n" + said(cell) for cell in code(notebook))
    for cell in notebook.cells:
        for number in (
            _NUMBER.findall(cell.source) if cell not in code(notebook) else ()
        ):
            if number not in seen:
                yield f"its prose says {number}, which its outputs do not show"


def private(source: str) -> Iterator[str]:
    """Names in the code of a cell that are not public, and libraries not to be used."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from _imports([alias.name for alias in node.names])
        elif isinstance(node, ast.ImportFrom):
            names = [alias.name for alias in node.names]
            yield from _imports([str(node.module)])
            if str(node.module).startswith("jaxad"):
                yield from _named(node.module.split(".")[1:], names)
        elif isinstance(node, ast.Attribute):
            if node.attr.startswith("_"):
                yield f"{node.attr} is private"
            chain = _chain(node)
            if chain[:1] == ["jaxad"]:
                yield from _named(chain[1:-1], chain[-1:])


def _imports(modules: list[str]) -> Iterator[str]:
    for module in modules:
        first, *rest = module.split(".")
        if first not in {"jaxad", *LIBRARIES, *sys.stdlib_module_names}:
            yield f"{first} is not a library that notebooks use"
        if first == "jaxad" and rest:
            yield from _named(rest[:-1], rest[-1:])


def _named(inside: list[str], names: list[str]) -> Iterator[str]:
    """Whether `jaxad.<inside>` offers the names."""
    at, where = jaxad, "jaxad"
    for part in (*inside, None):
        offered = getattr(at, "__all__", None)
        wanted = names if part is None else [part]
        for name in wanted:
            if name.startswith("_") or (offered is not None and name not in offered):
                yield f"{where}.{name} is not public"
                return
        if part is not None:
            at, where = getattr(at, part), f"{where}.{part}"
            if not isinstance(at, type(jaxad)):
                return


def _chain(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Attribute):
        return [*_chain(node.value), node.attr]
    return [node.id] if isinstance(node, ast.Name) else [""]


def execute(path: Path, cold: bool) -> tuple[NotebookNode, float, float]:
    """A notebook with the outputs that it has now, the seconds and the seconds of
    processors that it took."""
    from nbclient import NotebookClient

    notebook = read(path)
    with tempfile.TemporaryDirectory(prefix="jaxad-") as home:
        settings = Path(home) / "matplotlibrc"
        settings.write_text("figure.dpi: 64\n")
        env = os.environ | {"MATPLOTLIBRC": str(settings), "TMPDIR": home}
        env.pop("MPLBACKEND", None)
        if cold:
            env["XDG_CACHE_HOME"] = home
            env.pop("JAX_COMPILATION_CACHE_DIR", None)
        began, before = time.monotonic(), _spent()
        client = NotebookClient(
            notebook,
            timeout=4 * SECONDS,
            kernel_name="python3",
            extra_arguments=["--log-level=ERROR"],
            resources={"metadata": {"path": str(FOLDER)}},
        )
        client.execute(env=env)
        return cleaned(notebook), time.monotonic() - began, _spent() - before


def _spent() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def cleaned(notebook: NotebookNode) -> NotebookNode:
    """Without what changes with every run."""
    notebook.metadata = nbformat.from_dict(_METADATA)
    for name, cell in zip(_ids(len(notebook.cells)), notebook.cells, strict=True):
        cell.id, cell.metadata = name, nbformat.from_dict({})
        for output in cell.get("outputs", ()):
            if "metadata" in output:
                output.metadata = nbformat.from_dict({})
            if "image/png" in output.get("data", ()):
                output.data["image/png"] = _small(output.data["image/png"])
    return notebook


def _small(png: str) -> str:
    """A picture of few colours, a third of the bytes."""
    picture = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    data = io.BytesIO()
    few = picture.quantize(palette=_palette(picture), dither=Image.Dither.NONE)
    few.save(data, "png", optimize=True)
    return base64.b64encode(data.getvalue()).decode()


def _palette(picture: Image.Image) -> Image.Image:
    """Greys, the colours of maps, and what else the picture has most of."""
    greys = [level for i in range(80) for level in 3 * [round(255 * i / 79)]]
    maps = (255 * colormaps["inferno"](np.linspace(0, 1, 96))[:, :3]).round()
    others = (picture.quantize(80).getpalette() or [])[: 3 * 80]
    palette = Image.new("P", (1, 1))
    palette.putpalette([*greys, *maps.astype(int).ravel().tolist(), *others])
    return palette


def _ids(count: int) -> list[str]:
    return [f"cell-{number:02d}" for number in range(1, count + 1)]


def kinds(notebook: NotebookNode) -> list[list[str]]:
    """What kinds of output each cell has: they change when the code does."""
    return [
        [",".join(sorted(o.get("data", {o.output_type: 0}))) for o in cell.outputs]
        for cell in code(notebook)
    ]


def run(path: Path, write: bool, cold: bool) -> list[str]:
    from nbclient.exceptions import CellExecutionError, CellTimeoutError

    if found := [words for cell in code(read(path)) for words in private(cell.source)]:
        return found
    try:
        made, seconds, spent = execute(path, cold)
    except (CellExecutionError, CellTimeoutError) as error:
        return [str(error)]
    took = f"{seconds:.0f} s, {spent:.0f} s of processors"
    print(f"{path.name}: {len(made.cells)} cells, {took}", flush=True)
    found = []
    if write:
        nbformat.write(made, path)
    elif kinds(made) != kinds(read(path)):
        found.append("other outputs than those committed; write them with --write")
    # On a busy machine a notebook waits, which is no fault of its own.
    if min(seconds, spent) > SECONDS:
        found.append(f"it took {took}, more than {SECONDS}")
    return [*found, *problems(path)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebooks", nargs="*", type=Path, metavar="NOTEBOOK")
    parser.add_argument("--write", action="store_true", help="keep the new outputs")
    cold = "with empty caches, as on a machine that sees jaxad for the first time"
    parser.add_argument("--cold", action="store_true", help=cold)
    given = parser.parse_args()
    failed = 0
    for path in given.notebooks or paths():
        for words in run(path, given.write, given.cold):
            failed += 1
            print(f"{path.name}: {words}", file=sys.stderr, flush=True)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
