"""Every command and every example of the documents works, shrunk."""

import ast
import re
import shlex
import shutil
import textwrap
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from idx_source import write_source
from PIL import Image
from shrunk import short

import jaxad
from jaxad import cli, data, run, search

ROOT = Path(jaxad.__file__).parent.parent
CONFIGS = [Path("configs/README.md")]
CONFIGS += sorted(path.relative_to(ROOT) for path in ROOT.glob("configs/**/*.py"))
GUIDES = ("README.md", "notebooks/README.md")
STARTS = ("jaxad ", "bash ", "python ", "sbatch ", "kubectl ", "pip ")
GIVEN = {
    "DIR": "downloads",
    "PATH": "textures/brick",
    "CONFIG": "config.py",
    "RUN": "runs/first",
    "IMAGES...": "images",
    "bottle": "brick",
    "toothbrush": "brick",
    "image.tif": "image.png",
    "configs/mnist_salt_pepper/NAME.py": "configs/mnist_salt_pepper/cae.py",
}
KEPT = ("first", "mine", "rules")
"""Runs that later lines name."""
UNDERSTOOD = re.compile(
    "jaxad sweep|configs/(mvtec|sem|elpv)|one_class|generated.run|parallel.devices"
)
"""Commands that are followed up to the training: what they train is tested elsewhere,
of configs by `test_configs.py`."""
ELSEWHERE = {
    "bash launch/quickstart.sh": "makes an environment; what it trains is the default",
    "bash launch/test.sh": "this suite",
    "python launch/local.py": "test_parallel.py",
    "sbatch ": "test_parallel.py, by tasks that are started as SLURM's",
    "bash launch/tpu_pod.sh": "test_parallel.py, up to the pod",
    "kubectl ": "test_parallel.py reads the manifest",
    "jaxad train --dry-run": "test_dry.py",
    "jaxad score runs/dae_denoiser": "test_patches.py",
}


def commands(text):
    """The commands of a document's indented lines."""
    text = re.sub(r" *\\\n +", " ", text)
    lines = [line[4:] for line in text.splitlines() if line.startswith("    ")]
    found = [re.sub(r"\s+#.*", "", line) for line in lines if line.startswith(STARTS)]
    return list(dict.fromkeys(found))


def quoted(text):
    """The commands between backticks of a table, all but patterns of commands."""
    rows = [line for line in text.splitlines() if line.startswith("|")]
    found = re.findall(r"`(jaxad [^`]+)`", "\n".join(rows))
    return [line for line in found if "jaxad train --help" not in line]


LINES = [
    line
    for guide in GUIDES
    for text in [(ROOT / guide).read_text()]
    for line in commands(text) + quoted(text)
]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with what the guides name. Runs are shrunk."""
    path = tmp_path_factory.mktemp("home")
    (path / "configs").symlink_to(ROOT / "configs")
    (path / "images").mkdir()
    for place in ("image.png", "images/a.png", "images/b.png"):
        Image.fromarray(np.zeros((28, 28), np.uint8)).save(path / place)
    (path / "config.py").write_text("import jaxad\n\nconfig = jaxad.Config()\n")
    write_source(path / "downloads")
    real = run.train

    def train(config, *given, **options):
        return real(short(config), *given, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path)
        patch.setenv("JAXAD_DATA_DIR", str(path / "data"))
        patch.setattr(run, "train", train)
        data.prepare("mnist", path / "downloads")
        data.prepare("fashion_mnist", path / "downloads")
        jaxad.train(jaxad.Config(), out="runs/first", quiet=True)
        assert cli.main(["data", "textures", "textures"]) == 0
        yield path


def elsewhere(line):
    return next((why for start, why in ELSEWHERE.items() if line.startswith(start)), "")


@pytest.mark.parametrize("line", LINES)
def test_a_command_of_the_guides_works(line, home, monkeypatch, capfd):
    if elsewhere(line):
        pytest.skip(elsewhere(line))
    name, *words = [GIVEN.get(word, word) for word in shlex.split(line)]
    assert name == "jaxad"
    if "--data.category" in words:  # a folder of folders
        words = ["textures" if w == GIVEN["PATH"] else w for w in words]
    for folder in {*home.glob("runs/*")} - {home / "runs" / name for name in KEPT}:
        shutil.rmtree(folder)
    if words[:2] == ["data", "textures"]:
        words[2] += "2"
    if UNDERSTOOD.search(line):
        monkeypatch.setattr(run, "train", stop)
        monkeypatch.setattr(search, "sweep", stop)
    expected = 130 if UNDERSTOOD.search(line) else 0
    assert cli.main(words) == expected, capfd.readouterr().err


def stop(*given, **options):
    """In place of a training."""
    raise KeyboardInterrupt


@pytest.mark.parametrize("path", CONFIGS, ids=str)
def test_the_commands_of_a_config_are_understood(path, home, monkeypatch, capfd):
    """`test_configs.py` takes a step of each."""
    monkeypatch.setattr(run, "train", stop)
    monkeypatch.setattr(search, "sweep", stop)
    text = (ROOT / path).read_text()
    text = text if path.suffix == ".md" else ast.get_docstring(ast.parse(text))
    lines = [
        line
        for line in commands(text)
        if line.startswith(("jaxad train", "jaxad sweep"))
    ]
    for line in lines:
        words = [GIVEN.get(word, word) for word in shlex.split(line)]
        assert cli.main(words[1:]) == 130, (line, capfd.readouterr().err)
    assert lines


def blocks(text):
    """The Python examples of a guide."""
    found = re.findall(r"(?:^    .*\n|^\n(?=    ))+", text, flags=re.MULTILINE)
    texts = [textwrap.dedent(block).strip() for block in found]
    return [t for t in texts if re.match("import |config = |sweep = |detector = ", t)]


PYTHON = [block for guide in GUIDES for block in blocks((ROOT / guide).read_text())]


@pytest.mark.parametrize("block", PYTHON, ids=lambda block: block.splitlines()[0])
def test_a_python_example_of_the_guides_works(block, home, monkeypatch):
    real = partial(search.sweep, execution="loop", quiet=True)
    monkeypatch.setattr(search, "sweep", real)
    shutil.rmtree(home / "runs" / "second", ignore_errors=True)
    if "runs/first/export" in block:
        jaxad.export.write(jaxad.load_run("runs/first"))
    elif "runs/first" in block:
        block = block.replace("runs/first", "runs/third")
    images = np.random.default_rng(0).integers(0, 256, (60, 28, 28), np.uint8)
    given = {"images": images, "others": images, "labels": np.arange(60) % 2}
    config = short(jaxad.Config())
    exec(compile(block, "example", "exec"), {"jaxad": jaxad, "config": config} | given)


def test_there_are_examples():
    assert len(PYTHON) >= 4
    assert sum(not elsewhere(line) for line in LINES) > 30
