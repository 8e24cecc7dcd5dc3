"""The notebooks as they are committed; launch/notebooks.sh executes them."""

import importlib.util
import shutil
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parent.parent
SPEC = importlib.util.spec_from_file_location("nb", ROOT / "launch" / "notebooks.py")
notebooks = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(notebooks)
PATHS = notebooks.paths()


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_notebook_can_be_read_where_it_lies(path):
    assert notebooks.problems(path) == []
    outputs = [o for c in notebooks.code(notebooks.read(path)) for o in c.outputs]
    kinds = {kind for output in outputs for kind in output.get("data", {})}
    assert {"image/png", "text/html"} <= kinds


def test_they_are_numbered_and_small():
    assert [path.name[:2] for path in PATHS] == [f"{i:02d}" for i in range(1, 7)]
    assert sum(path.stat().st_size for path in PATHS) < 2_500_000


def broken(change):
    notebook = notebooks.read(PATHS[0])
    change(notebook)
    return notebook


def code(source):
    return lambda notebook: notebooks.code(notebook)[1].update(source=source)


def said(**output):
    made = nbformat.v4.new_output(**output)
    return lambda notebook: notebooks.code(notebook)[1].outputs.append(made)


def more(notebook):
    notebook.cells += [nbformat.v4.new_markdown_cell("more") for _ in range(20)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (code("import torch"), "torch is not a library"),
        (code("from jaxad.saved import Run"), "jaxad.saved is not public"),
        (code("from jaxad.config import Hidden"), "jaxad.config.Hidden is not public"),
        (code("import jaxad\njaxad.run.train"), "jaxad.run is not public"),
        (code("run._plot"), "_plot is private"),
        (code("open('/home/me/x')"), "a path of a machine"),
        (said(output_type="error", ename="KeyError"), "it failed: KeyError"),
        (said(output_type="stream", name="stderr", text="Warn"), "it warns: Warn"),
        (said(output_type="stream", text="<a at 0x7f00aa11>"), "an address"),
        (lambda nb: notebooks.code(nb)[0].update(execution_count=7), "in its turn"),
        (lambda nb: nb.cells[2].update(source="AUROC is .4321"), "prose says .4321"),
        (lambda nb: nb.metadata.update(author="me"), "metadata of a run"),
        (lambda nb: nb.cells[0].update(source="no title"), "no title"),
        (more, "cells are more than 20"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, change, words):
    path = tmp_path / "broken.ipynb"
    nbformat.write(broken(change), path)
    assert any(words in line for line in notebooks.problems(path))


def test_a_failing_notebook_fails_the_launch(tmp_path, capsys):
    path = tmp_path / PATHS[0].name
    shutil.copy(PATHS[0], path)
    nbformat.write(broken(code("import jaxad._secret")), path)
    assert notebooks.run(path, write=False, cold=False) == [
        "jaxad._secret is not public"
    ]
