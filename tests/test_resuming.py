"""What was damaged, lost or belongs to another is named, and costs nothing else."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

import jaxad
from jaxad import checkpoint, cli
from jaxad.config import (
    Baselines,
    Config,
    Corrupt,
    Data,
    Linear,
    Train,
    set_values,
)
from jaxad.config.grid import Axis, Grid
from jaxad.errors import CheckpointError, ConfigError, DataError, ProcessError
from jaxad.grid import store
from jaxad.parallel import joining

ROOT = Path(jaxad.__file__).parent.parent
CONFIG = Config(
    data=Data(limit=80),
    model=Linear(latent_dim=4),
    corrupt=Corrupt(level=0.1),
    train=Train(epochs=6, batch_size=16, segment_seconds=1e-4),
    baselines=Baselines(names=()),
)
SAME = ("history.csv", "scores.csv", "thresholds.json", "metrics.json", "config.json")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    path = tmp_path_factory.mktemp("finished") / "run"
    jaxad.train(CONFIG, out=path, quiet=True)
    return path


@pytest.fixture
def run(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "run")
    return tmp_path / "run"


def flip(file):
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def files_of(step):
    return [file for file in step.rglob("*") if file.is_file()]


def bytes_of(path):
    return {name: (path / name).read_bytes() for name in SAME}


def test_two_checkpoints_are_kept_of_a_short_run_too(finished):
    first, last = checkpoint.steps(finished / "checkpoints")
    env = json.loads((finished / "env.json").read_text())
    assert env["steps"] == [last] > [first]


@pytest.mark.parametrize("harm", ["flip", "remove"])
def test_only_the_last_checkpoint_is_the_models(run, finished, harm, capsys):
    """Not the one before it: that is another model. `--resume` makes it again."""
    last = run / "checkpoints" / str(checkpoint.latest(run / "checkpoints"))
    if harm == "flip":
        flip(max(files_of(last), key=lambda file: file.stat().st_size))
    else:
        shutil.rmtree(last)
    with pytest.raises(CheckpointError, match=f"step {last.name}, which the run ended"):
        jaxad.load_run(run)
    assert cli.main(["export", str(run), "--out", str(run.parent / "art")]) == 4
    capsys.readouterr()
    again = jaxad.train(CONFIG, out=run, resume=True)
    told = capsys.readouterr().err
    assert "the last of checkpoints is lost; training from the one before" in told
    assert bytes_of(run) == bytes_of(finished)
    state = jaxad.load_run(finished).state
    jax.tree.map(np.testing.assert_array_equal, again.state, state)


def test_what_cannot_be_resumed_keeps_its_results(run):
    before = bytes_of(run)
    shutil.copytree(run / "checkpoints", run.parent / "kept")
    for file in files_of(run / "checkpoints"):
        flip(file) if file.stat().st_size else None
    other = set_values(CONFIG, {"score.names": ["top"]})
    for config in (CONFIG, other):
        with pytest.raises(CheckpointError, match="every checkpoint is damaged"):
            jaxad.train(config, out=run, resume=True, quiet=True)
    shutil.rmtree(run / "checkpoints")
    fast = set_values(CONFIG, {"optim.lr": 0.5})
    for config in (CONFIG, fast):
        with pytest.raises(CheckpointError, match="but no checkpoint of it"):
            jaxad.train(config, out=run, resume=True, quiet=True)
    assert bytes_of(run) == before
    (run.parent / "kept").rename(run / "checkpoints")
    (run / "env.json").write_text("{}")
    with pytest.raises(DataError, match=r"env\.json: damaged"):
        jaxad.train(CONFIG, out=run, resume=True, quiet=True)
    for steps in ('{"steps": 3}', "[]"):
        (run / "env.json").write_text(steps)
        with pytest.raises(DataError, match=r"env\.json: "):
            jaxad.load_run(run)


def test_a_checkpoint_that_replaces_another_never_leaves_none(tmp_path, monkeypatch):
    def save(value):
        with checkpoint.Checkpointer(tmp_path) as checkpointer:
            checkpointer.save(
                3, {"x": np.full(2, value, np.float32)}, {"seconds": value}
            )

    real = os.rename

    def killed(source, target):
        if Path(target).name == "3":
            raise KeyboardInterrupt
        real(source, target)

    save(1.0)
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.files, "clean", lambda path: None)
        patch.setattr(os, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            save(2.0)
    assert checkpoint.steps(tmp_path) == []
    checkpoint.Checkpointer(tmp_path).close()
    found = checkpoint.restore(tmp_path, {"x": np.zeros(2, np.float32)}, say=print)
    assert found.tree["x"].tolist() == [1, 1]


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    path = tmp_path_factory.mktemp("sweeps") / "sweep"
    grid = Grid(axes=(Axis(names=("optim.lr",), values=((1e-2,), (1e-3,))),), seeds=1)
    config = set_values(CONFIG, {"train.epochs": 2, "parallel.devices": 1})
    jaxad.sweep(config, grid, out=path, quiet=True)
    return path


def test_a_run_does_not_go_on_in_the_folder_of_a_sweep(sweep):
    before = {file: file.read_bytes() for file in files_of(sweep)}
    with pytest.raises(ConfigError, match="a sweep is there, not a run"):
        jaxad.train(CONFIG, out=sweep, resume=True, quiet=True)
    assert {file: file.read_bytes() for file in files_of(sweep)} == before


def test_a_flipped_bit_of_a_chunk_is_named_or_harmless(sweep, tmp_path):
    (file,) = (sweep / store.CHUNKS).glob("*.npz")
    whole, (chunk,) = file.read_bytes(), store.read(sweep)
    parts = tmp_path / store.CHUNKS
    parts.mkdir()
    rng, named = np.random.default_rng(0), 0
    ends = rng.integers(len(whole) - 900, len(whole), 200)  # of the archive's directory
    for at in [*rng.integers(0, len(whole), 200), *ends]:
        data = bytearray(whole)
        data[at] ^= 1 << rng.integers(8)
        (parts / file.name).write_bytes(data)
        try:
            (found,) = store.read(tmp_path)
        except CheckpointError as error:
            named += str(parts / file.name) in str(error)
        else:
            jax.tree.map(np.testing.assert_array_equal, found, chunk)
    assert named > 200


def test_a_port_in_use_is_one_line():
    with joining.socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ProcessError, match=f"{address}: process 0 cannot listen"):
            joining.begin(address, 2, 0)


def local(*command, number=2):
    launcher = [sys.executable, ROOT / "launch" / "local.py", "-n", str(number), "--"]
    return subprocess.Popen([*launcher, *command], stderr=subprocess.PIPE, text=True)


def test_the_launcher_names_what_it_cannot_start_and_ends_with_its_processes(tmp_path):
    with local("no-such-command") as process:
        told = process.communicate()[1]
        assert (process.returncode, told.count("\n")) == (127, 1)
    script = (
        "import os, pathlib, signal, time\n"
        f"pathlib.Path({str(tmp_path)!r}, os.environ['JAX_PROCESS_ID']).touch()\n"
        "time.sleep(60)"
    )
    with local(sys.executable, "-c", script) as process:
        while len(list(tmp_path.iterdir())) < 2:
            assert process.poll() is None
        process.kill()
        # They hold its stderr open until they end, too.
        process.communicate(timeout=20)


def test_the_launcher_ends_all_where_any_fails(tmp_path):
    text = (ROOT / "launch" / "local.py").read_text()
    quick = tmp_path / "local.py"
    quick.write_text(
        text.replace(
            "GRACE_SECONDS, SAVING_SECONDS = 25, 600",
            "GRACE_SECONDS, SAVING_SECONDS = 0.5, 600",
        )
    )
    assert quick.read_text() != text
    command = 'if [ "$JAX_PROCESS_ID" = 1 ]; then exit 3; fi; exec sleep 60'
    words = [sys.executable, quick, "-n", "2", "--", "bash", "-c", command]
    assert subprocess.run(words, timeout=30, check=False).returncode == 3


def test_a_trace_that_is_not_made_is_said(tmp_path, capsys):
    config = set_values(
        CONFIG, {"train.epochs": 1, "train.batch_size": 64, "data.limit": 60}
    )
    jaxad.train(config, out=tmp_path / "run", profile=True)
    assert "--profile: no trace: 1 segments" in capsys.readouterr().err
