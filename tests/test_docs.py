"""Every command and every example of the documents works, shrunk."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from idx_source import write_source
from PIL import Image
from shrunk import short

import jaxad
from jaxad import run

ROOT = Path(jaxad.__file__).parent.parent
GUIDES = ("README.md", "notebooks/README.md")
STARTS = ("jaxad ", "bash ", "python ", "sbatch ", "kubectl ", "pip ")
GIVEN = {
    "DIR": "downloads",
    "PATH": "textures/brick",
    "CONFIG": "config.py",
    "IMAGES...": "images",
    "bottle": "brick",
    "toothbrush": "brick",
    "image.tif": "image.png",
    "configs/mnist_salt_pepper/NAME.py": "configs/mnist_salt_pepper/cae.py",
}
ELSEWHERE = {
    "bash launch/quickstart.sh": "makes an environment; what it trains is the default",
    "bash launch/test.sh": "this suite",
    "python launch/local.py": "test_parallel.py",
    "sbatch ": "test_parallel.py, by tasks that are started as SLURM's",
    "bash launch/tpu_pod.sh": "test_parallel.py, up to the pod",
    "kubectl ": "test_parallel.py reads the manifest",
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
    (guide, line)
    for guide in GUIDES
    for text in [(ROOT / guide).read_text()]
    for line in commands(text) + quoted(text)
]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with what the documents name. Runs are shrunk, and sweeps stop before
    they train: those of `test_grid.py` do."""
    path = tmp_path_factory.mktemp("home")
    real = run.train

    def train(config, *given, **options):
        return real(short(config), *given, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path)
        patch.setenv("JAXAD_DATA_DIR", str(path / "data"))
        patch.setattr(run, "train", train)
        yield path


@pytest.fixture(scope="module")
def stocked(home):
    """`home`, with files in it."""
    (home / "configs").symlink_to(ROOT / "configs")
    (home / "images").mkdir()
    for place in ("image.png", "images/a.png", "images/b.png"):
        Image.fromarray(np.zeros((28, 28), np.uint8)).save(home / place)
    shutil.copy(ROOT / "configs/mnist_salt_pepper/linear.py", home / "config.py")
    write_source(home / "downloads")
    return home
