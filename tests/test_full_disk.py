"""A disk that is full fails a run in one line, and the run goes on once it is not."""

import errno
import os
import resource
import subprocess
import sys
import time

import pytest

from jaxad import cli
from jaxad.checkpoint import files, steps
from jaxad.config import Baselines, Config, Data, Linear, Train
from jaxad.config.load import to_json

CONFIG = Config(
    data=Data(limit=120),
    model=Linear(latent_dim=4),
    train=Train(epochs=150, batch_size=16, ema=0.9, checkpoint_seconds=0.0),
    baselines=Baselines(names=()),
)
SELDOM = ("--train.checkpoint-seconds", "1e6")


@pytest.fixture(scope="module")
def train(tmp_path_factory):
    """The arguments that train the config into a folder of that name."""
    home = tmp_path_factory.mktemp("full")
    (home / "config.json").write_text(to_json(CONFIG))
    start = ["train", str(home / "config.json")]
    return lambda name: (home / name, [*start, "--out", str(home / name)])


def test_a_run_whose_end_cannot_be_saved_has_failed(train, monkeypatch, capfd):
    path, args = train("unsaved")

    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "write", fail)
    assert cli.main([*args, *SELDOM]) == 4
    line = capfd.readouterr().err.splitlines()[-1]
    assert "could not be saved (No space left on device), none is left" in line
    assert steps(path / "checkpoints") == []
    assert not (path / "scores.csv").exists()
    assert not (path / "metrics.json").exists()


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs Linux")
def test_a_disk_that_fills_is_one_line_and_loses_nothing(train, capfd):
    """A limit on the size of files, set on the way, stands in for the full disk."""
    path, args = train("filled")
    # What is compiled late must not be cut short in the cache that all tests share.
    env = os.environ | {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "1e6"}
    command = [sys.executable, "-m", "jaxad", *args]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=env, **pipes) as process:
        until = time.monotonic() + 120
        while not steps(path / "checkpoints") and process.poll() is None:
            assert time.monotonic() < until
            time.sleep(0.01)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (1000, -1))
        out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (4, ""), err
    *progress, line = err.splitlines()
    assert not any("error" in text for text in progress), err
    kept = steps(path / "checkpoints")
    assert line.startswith(f"jaxad: error: {path}/checkpoints: the checkpoint of step ")
    assert f"(File too large), step {kept[-1]} is kept; make room and start" in line

    assert cli.main([*args, "--resume", *SELDOM]) == 0
    assert f"step {kept[-1]}" in capfd.readouterr().err
    rows = (path / "history.csv").read_text().splitlines()
    assert len(rows) == 1 + CONFIG.train.epochs
