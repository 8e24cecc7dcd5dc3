"""The command line: every mistake is one line on stderr and its exit code."""

import os
import subprocess
import sys
import time
import types
from pathlib import Path

import pytest

import jaxad
from jaxad import cli
from jaxad.cli import experiments
from jaxad.cli.arguments import run_name
from jaxad.config import Config, Conv, to_json
from jaxad.errors import BusyError, CheckpointError, DivergedError, Preempted

ROOT = Path(jaxad.__file__).parent.parent

MISTAKES = {
    "trian": (2, "unknown command trian; did you mean train?"),
    "zzz": (2, "unknown command zzz; there are train, sweep, score, report,"),
    "train --optim.lrr 1": (2, "unknown option --optim.lrr; did you mean --optim.lr?"),
    "train --resum": (2, "unknown option --resum; did you mean --resume?"),
    "train --model.dropout 2": (2, "--model.dropout: 2 is not less than 1"),
    "train --out": (2, "--out takes the folder of the run"),
    "train --out --resume": (2, "--out takes the folder of the run"),
    "train nope.py": (2, "no config file nope.py"),
    "train .": (2, ". is a folder; name a file, like ./config.json"),
    "train bad.py": (2, "bad.py, line 2: ValueError: no such thing"),
    "train --seed 1 good.py": (2, "--seed takes one value, 2 given"),
    "score": (2, "jaxad score: the following arguments are required: RUN, IMAGES"),
    "score nope a.png": (3, "nope is not a run folder: it has no config.json"),
    "score run b.png": (3, "no image b.png"),
    "score run a.png --mapz": (2, "unknown option --mapz; did you mean --maps?"),
    "score shipped a.png": (4, "shipped/float32.stablehlo: cannot be read"),
    "export": (2, "jaxad export: the following arguments are required: RUN"),
    "export nope": (3, "nope is not a run folder: it has no config.json"),
    "export run --to x": (2, "unknown option --to"),
    "report": (2, "jaxad report: the following arguments are required: RUN"),
    "report run run --out run/report.html": (
        2,
        "run is the folder of a run or a sweep",
    ),
    "report run nope": (3, "nope is not a run folder"),
    "data prepar mnist": (2, "invalid choice: 'prepar'"),
    "data prepare": (2, "jaxad data prepare takes the NAME of a data set"),
    "data list mnist": (2, "jaxad data list takes no name"),
    "data verify mnist --source x": (2, "jaxad data verify takes no --source"),
    "train --score.names foo": (2, "--score.names.0: foo is not one of mse"),
    "benchmark nope": (2, "invalid choice: 'nope'"),
    "benchmark train --jsn": (2, "unknown option --jsn; did you mean --json?"),
    "train --track tensorbord": (2, "tensorbord is not known; did you mean tensorbo"),
    "train --full-config": (2, "--full-config is of --dry-run"),
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with a good and a bad config and something like a run."""
    monkeypatch.chdir(tmp_path)
    Path("bad.py").write_text("a = 1\nraise ValueError('no such\\nthing')")
    Path("good.py").write_text("from jaxad.config import *\nconfig = Config(seed=5)")
    Path("run").mkdir()
    Path("run/config.json").write_text(to_json(Config(model=Conv())))
    Path("shipped").mkdir()
    Path("shipped/contract.json").write_text('{"format": "jaxad artefact"}')
    Path("a.png").touch()
    return tmp_path


@pytest.mark.parametrize("args", MISTAKES)
def test_a_mistake_is_one_line_and_an_exit_code(args, folder, capfd):
    code, line = MISTAKES[args]
    assert cli.main(args.split()) == code
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("jaxad: error: ")
    assert line in err
    assert err.count("\n") == 1
    assert cli.main([*args.split(), "--debug"]) == code
    assert "Traceback" in capfd.readouterr().err


@pytest.fixture
def calls(monkeypatch):
    """Stands in for `jaxad.run`: what `train` was called with, or what it raises."""
    seen = types.SimpleNamespace(error=None)

    def train(config, **options):
        seen.config, seen.options = config, options
        if seen.error:
            raise seen.error
        return types.SimpleNamespace(path=options["out"])

    fake = types.SimpleNamespace(train=train)
    monkeypatch.setitem(sys.modules, "jaxad.run", fake)
    monkeypatch.setattr(jaxad, "run", fake, raising=False)  # where it was imported
    monkeypatch.setattr(experiments, "finished", lambda path, seconds: None)
    return seen


def test_train_passes_on_the_config_and_where_to(folder, calls):
    assert cli.main(["train"]) == 0
    assert calls.config == Config()
    assert calls.options["out"] == Path("runs/default")
    assert calls.options["resume"] is False
    words = "train good.py --resume --model.kind conv --out=a --seed 7"
    assert cli.main(words.split()) == 0
    assert calls.config == Config(seed=7, model=Conv())
    command = f"jaxad {words}"
    given = {"out": Path("a"), "resume": True, "profile": False}
    given |= {"quiet": False, "track": ()}
    assert calls.options == given | {"command": command}
    assert cli.main(["train", "run/config.json", "--name", "b"]) == 0
    assert calls.config == Config(model=Conv(), name="b")
    assert calls.options["out"] == Path("runs/b")


@pytest.mark.parametrize("rule", ["max_margin", None])
def test_score_says_how_many_and_where(folder, monkeypatch, capfd, rule):
    Path("a,b.png").touch()
    header = "id,score_mse" + (f",anomalous_{rule},anomalous_mad" if rule else "")
    cells = ["0,1", "1,1", "1,0"] if rule else ["", "", ""]
    lines = [header, *(f'"a,b.png",0.5,{c}'.rstrip(",") for c in cells)]

    def score_files(run, images, out, maps, threshold):
        out.mkdir()
        (out / "scores.csv").write_text("\n".join(lines) + "\n")
        return out

    fake = types.SimpleNamespace(score_files=score_files)
    monkeypatch.setitem(sys.modules, "jaxad.new_images", fake)
    Path("--debug").touch()
    command = ["score", "run", "--out", "there", "--", "a,b.png", "--debug"]
    assert cli.main(command) == 0
    out, err = capfd.readouterr()
    first = f"2 of 3 images called anomalous by {rule}" if rule else "3 images scored;"
    assert out.startswith(first)
    assert out.endswith(f"scores: {folder / 'there'}\n")
    assert err == ""


def test_a_run_is_named_after_its_config_file():
    assert run_name(None) == "default"
    assert run_name(Path("configs/mnist/cae.py")) == "mnist_cae"
    assert run_name(Path("/cae.py")) == "cae"
    assert run_name(Path("runs/first/config.json")) == "first"


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (CheckpointError("disk full"), 4, "disk full"),
        (DivergedError("not finite\nat step 3"), 5, "not finite at step 3"),
        (BusyError("in use"), 6, "in use"),
        (Preempted("saved"), 75, "saved"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (ValueError("a\nb"), 1, "ValueError: a b (run again with --debug for"),
        (MemoryError("x" * 999), 1, "x... (run again"),
    ],
)
def test_every_error_of_a_run_has_its_code_and_its_line(
    error, code, line, calls, capfd
):
    calls.error = error
    assert cli.main(["train"]) == code
    err = capfd.readouterr().err
    assert err.startswith("jaxad: error: ")
    assert line in err
    assert err.count("\n") == 1
    assert len(err) < 400


def test_help_names_what_there_is(capfd):
    for args in ([], ["--help"], ["-h"], ["help"]):
        assert cli.main(args) == 0
        out = capfd.readouterr().out
        assert all(f"\n  {verb} " in out for verb in cli._VERBS)
    assert cli.main(["--version"]) == 0
    assert capfd.readouterr().out == f"jaxad {jaxad.__version__}\n"
    assert cli.main(["score", "--help"]) == 0
    assert "--maps" in capfd.readouterr().out
    assert cli.main(["train", "--help"]) == 0
    out = capfd.readouterr().out
    assert "--optim.lr FLOAT" in out
    assert "--resume" in out
    assert "linear, deep, conv" in out


def run(*args, **options):
    command = [sys.executable, "-m", "jaxad", *args]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, env=env, capture_output=True, text=True, check=False, **options
    )


def test_a_misspelt_option_does_not_wait_for_jax():
    code = "import sys, jaxad.cli as c; c.main(['train', '--lrr', '1']);"
    code += "c.main(['train', '--help']); sys.exit('jax' in sys.modules)"
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    began = time.monotonic()
    done = run("train", "--optim.lrr", "1")
    assert time.monotonic() - began < 5  # half a second where nothing else runs
    assert (done.returncode, done.stdout) == (2, "")
    line = "jaxad: error: unknown option --optim.lrr; did you mean --optim.lr?\n"
    assert done.stderr == line


def test_a_reader_that_goes_away_is_not_an_error():
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "jaxad", "train", "--help"]
    done = subprocess.run(
        command, stdout=writing, stderr=subprocess.PIPE, check=False, cwd=ROOT
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")
