"""Many devices, many processes: the same numbers, one decision, no hang."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jaxad import parallel
from jaxad.checkpoint import steps
from jaxad.cli import main
from jaxad.errors import ConfigError, ProcessError
from jaxad.parallel import joining

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
LOCAL = [sys.executable, str(ROOT / "launch" / "local.py")]
RUN = "--model.kind linear --train.batch-size 64 --train.epochs 60 --baselines.names"
RUN += " --train.segment-seconds 0.2 --score.names mse"


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """What eight devices of one process give, see `many_devices`."""
    flags = re.sub("device_count=2", "device_count=8", os.environ["XLA_FLAGS"])
    env = {k: v for k, v in os.environ.items() if k != "JAXAD_DEVICES"}
    done = subprocess.run(
        [
            sys.executable,
            ROOT / "tests/many_devices.py",
            tmp_path_factory.mktemp("many"),
        ],
        env=env | {"XLA_FLAGS": flags},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_gradients_are_those_of_one_device(many):
    assert many["gradients"].keys() == {"1", "2", "4", "8"}
    assert max(many["gradients"].values()) < 1e-5


def test_scores_of_a_model_are_the_same_bit_for_bit_on_any_number_of_devices(many):
    assert many["runs"]["equal"] == dict.fromkeys("1248", True)
    assert many["runs"]["table"]


def test_trainings_agree_and_resume_on_the_same_and_on_other_devices(many):
    assert many["runs"]["far"] < 1e-3
    assert many["resumed"]["same"]
    assert many["resumed"]["far"] < 1e-3


def test_images_in_files_are_shared_among_devices(many):
    assert many["streamed"]


def test_members_on_devices_of_their_own_never_talk(many):
    one, eight, two = many["sweeps"]["collectives"]
    assert one == eight == []
    assert two == ["all-reduce"], "two members: four devices share their batches"
    assert max(many["sweeps"]["apart"]) < 1e-3


def start(number, out, *words, of=2, port, **env):
    """A process of several, by the command's own flags."""
    flags = ["--coordinator", f"127.0.0.1:{port}", "--processes", str(of)]
    command = [BIN / "jaxad", "train", *RUN.split(), "--out", out, *flags]
    return subprocess.Popen(
        [*command, "--process", str(number), *words],
        env=os.environ | env,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )


def begun(path, process, saved=()):
    """Waits until a run has saved something, beside what was there."""
    until = time.monotonic() + 120
    while {*steps(path / "checkpoints")} <= {*saved}:
        assert process.poll() is None, "it ended before"
        assert time.monotonic() < until, "it does not begin"
        time.sleep(0.05)


def files(path):
    """What has to be equal byte for byte."""
    names = ("history.csv", "scores.csv", "thresholds.json", "metrics.json")
    return {name: (path / name).read_bytes() for name in names}


def of_run(out, pid=False):
    """The process numbers of the jaxad processes of a run."""
    found = {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            words = (place / "cmdline").read_bytes().split(b"\0")
            env = dict(
                word.split(b"=", 1)
                for word in (place / "environ").read_bytes().split(b"\0")
                if b"=" in word
            )
        except OSError:
            continue
        own = b"local.py" not in b" ".join(words)
        if own and str(out).encode() in words and b"JAX_PROCESS_ID" in env:
            found[int(env[b"JAX_PROCESS_ID"])] = int(place.name)
    return found


def local(out, *words):
    command = [*LOCAL, "-n", "2", "--devices", "2", "--", BIN / "jaxad", "train"]
    command += [*RUN.split(), "--out", out, *words]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, stdout=-3)


def test_two_processes_stop_as_one_and_repeat_the_uninterrupted_run(tmp_path):
    with local(tmp_path / "a") as whole:
        assert whole.wait(200) == 0, whole.stderr.read()
    often = ["--train.checkpoint-seconds", "0"]
    with local(tmp_path / "b", *often) as cut:
        begun(tmp_path / "b", cut)
        os.kill(of_run(tmp_path / "b")[1], signal.SIGTERM)
        assert cut.wait(60) == 75
        told = cut.stderr.read()
    assert len(re.findall(r"saved; go on with --resume", told)) == 1
    saved = steps(tmp_path / "b" / "checkpoints")
    with local(tmp_path / "b", "--resume", *often) as again:
        begun(tmp_path / "b", again, saved)
        since = time.monotonic()
        os.kill(of_run(tmp_path / "b")[1], signal.SIGKILL)
        assert again.wait(60) not in (0, 75)
        assert time.monotonic() - since < 30
    with local(tmp_path / "b", "--resume") as last:
        assert last.wait(200) == 0, last.stderr.read()
    assert files(tmp_path / "a") == files(tmp_path / "b")
