"""Every file in `configs/` loads, round trips, and tells how it is run."""

import ast
from pathlib import Path

import pytest

import jaxad
from jaxad.config import from_json, load_config, to_json

ROOT = Path(jaxad.__file__).parent.parent
FILES = sorted(path.relative_to(ROOT) for path in ROOT.glob("configs/**/*.py"))


@pytest.mark.parametrize("path", FILES, ids=str)
def test_a_config_loads_and_its_json_gives_it_back(path):
    config = load_config(ROOT / path)
    assert from_json(to_json(config)) == config


@pytest.mark.parametrize("path", FILES, ids=str)
def test_a_config_opens_with_its_command(path):
    text = ast.get_docstring(ast.parse((ROOT / path).read_text()))
    assert text is not None
    commands = [line.strip() for line in text.splitlines() if "jaxad " in line]
    assert any(
        line.startswith(("jaxad train ", "jaxad sweep ")) and str(path) in line.split()
        for line in commands
    ), f"no line `jaxad train {path}`"
