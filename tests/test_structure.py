"""The house rules that a machine can check."""

import ast
import re
import tomllib
from configparser import ConfigParser
from pathlib import Path

import pytest

import jaxad

ROOT = Path(jaxad.__file__).parent.parent
FILES = sorted(ROOT.glob("jaxad/**/*.py"))
SCRIPTS = [*ROOT.glob("launch/*.sh"), ROOT / ".ci" / "run"]

LEVELS = [
    {"errors"},
    {"display"},
    {"types", "streams"},
    {"config"},
    {"corrupt", "defects", "losses", "metrics", "models", "parallel"},
    {"folder", "signals", "progress", "environment"},
    {"data", "methods", "threshold", "checkpoint", "opening"},
    {"batches", "carry", "scoring", "baselines", "trivial", "evaluate"},
    {"whole", "feeding"},
    {"pixels", "examples", "judge", "latents"},
    {"artefact", "detectors"},
    {"levels"},
    {"program", "results"},
    {"loop", "report"},
    {"parts", "track"},
    {"saved", "grid"},
    {"fitting", "generated", "new_images"},
    {"prepared", "resuming"},
    {"run"},
    {"search"},
    {"dry"},
    {"export", "estimator", "benchmark"},
    {"cli"},
    {"__main__"},
]
LEVEL = {room: level for level, rooms in enumerate(LEVELS) for room in rooms}


def room(path):
    """The room of a file: the folder or the file below `jaxad/`."""
    return path.relative_to(ROOT / "jaxad").parts[0].removesuffix(".py")


def imported(path):
    """The rooms that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "jaxad":
            names = [f"jaxad.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [node.module or ""]
        else:
            continue
        for name in names:
            first, _, rest = name.partition(".")
            if first == "jaxad":
                yield rest.partition(".")[0]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_imports_only_from_lower_levels_or_its_own_room(path):
    own = room(path)
    if own == "__init__":  # imports for type checkers; the rest is lazy
        return
    assert own in LEVEL, f"{own}: give it a level here"
    for other in set(imported(path)) - {"", "__version__"}:
        assert other == own or LEVEL[other] < LEVEL[own], f"{own} imports {other}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_and_functions_are_short_and_flat(path):
    text = path.read_text()
    assert text.count("\n") < 250
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno < 50, node.name
            nested = sum(isinstance(n, ast.FunctionDef) for n in ast.walk(node)) - 1
            assert nested <= 2, node.name


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_read_can_be_executed(path):
    banned = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "joblib"}
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [getattr(node, "module", None), *(a.name for a in node.names)]
            assert banned.isdisjoint(str(n).partition(".")[0] for n in names)
            # Only a config file that the user names is run.
            assert "runpy" not in names or path.match("config/load.py")
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", None)
            assert name not in {"eval", "exec", "__import__"}
            for keyword in node.keywords:
                if keyword.arg == "allow_pickle":
                    assert keyword.value.value is False


def test_no_file_is_called_utils():
    assert not [path for path in FILES if path.stem in {"utils", "util", "helpers"}]


def test_heavy_libraries_are_not_loaded_with_the_command_line():
    heavy = {"jax", "flax", "optax", "orbax", "tensorflow_datasets", "matplotlib"}
    heavy |= {"sklearn", "dm_pix", "numpy", "tyro", "rich"}
    light = [*ROOT.glob("jaxad/config/*.py"), *ROOT.glob("jaxad/__*.py")]
    light += ROOT.glob("jaxad/cli/*.py")
    for path in [*light, ROOT / "jaxad" / "errors.py"]:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [getattr(node, "module", None), *(a.name for a in node.names)]
                assert heavy.isdisjoint(str(n).partition(".")[0] for n in names)


def test_versions_and_dependencies_agree():
    citation = (ROOT / "CITATION.cff").read_text()
    assert f"\nversion: {jaxad.__version__}\n" in citation
    assert f"\n## {jaxad.__version__} " in (ROOT / "CHANGELOG.md").read_text()
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    needed = setup["options"]["install_requires"]
    assert "tensorflow" not in re.findall(r"^[\w-]+", needed, flags=re.MULTILINE)
    stub = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert stub.keys() == {"build-system"}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: p.name)
def test_scripts_run_anywhere_and_name_no_host(path):
    text = path.read_text()
    assert text.startswith("#")
    assert "http" not in text
    assert "index-url" not in text
    assert "BASH_SOURCE" in text


def test_what_the_package_offers_is_listed_and_there():
    names = "load_config Config train score load_run metrics methods models data"
    names += " threshold report baselines config __version__"
    assert set(names.split()) <= set(dir(jaxad))
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        jaxad.trian  # noqa: B018
