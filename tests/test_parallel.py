"""Many devices, many processes: the same numbers, one decision, no hang."""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import yaml

from jaxad import parallel
from jaxad.checkpoint import steps
from jaxad.cli import main
from jaxad.cli.arguments import split_train
from jaxad.errors import ConfigError
from jaxad.folder import read_json
from jaxad.parallel import joining

ROOT = Path(__file__).parent.parent
ONE = ROOT / "tests" / "one_of_several.py"
SHELLCHECK = shutil.which("shellcheck", path=Path(sys.executable).parent)
RUN = "--model.kind linear --train.batch-size 256 --train.epochs 30 --baselines.names"
RUN += " --train.segment-seconds 0.2 --score.names mse"


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """The folder that `many` and `two` work in."""
    return tmp_path_factory.mktemp("many")


@pytest.fixture(scope="module")
def many(work):
    """What eight devices of one process give, see `many_devices`."""
    flags = re.sub("device_count=2", "device_count=8", os.environ["XLA_FLAGS"])
    env = {k: v for k, v in os.environ.items() if k != "JAXAD_DEVICES"}
    done = subprocess.run(
        [sys.executable, ROOT / "tests/many_devices.py", work],
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


def test_two_processes_give_what_one_does(many, work):
    """See `two_processes`."""
    env = {k: v for k, v in os.environ.items() if k != "JAXAD_DEVICES"}
    env["XLA_FLAGS"] = re.sub(r"\S*device_count=2", "", env["XLA_FLAGS"])
    launcher = [sys.executable, ROOT / "launch/local.py", "-n", "2", "--devices", "2"]
    command = [sys.executable, ROOT / "tests/two_processes.py", work]
    done = subprocess.run(
        [*launcher, "--", *command], env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["differing"] == [
        f"{what} of process 1 differs from that of process 0; give all processes the "
        f"same {what}"
        for what in ("data", "code")
    ]
    assert told["sweep"] < 1e-3
    assert told["streamed"] < 1e-3
    assert told["few"] == 4, "fewer images than devices"
    assert told["same"], "each process knows all results"


def jaxad(*words, **env):
    """A process of `jaxad`; `JAX_...` variables and flags make it one of several."""
    return subprocess.Popen(
        [sys.executable, ONE, *map(str, words)],
        env=os.environ | env,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )


def begun(path, process):
    """Waits until a run has saved something."""
    until = time.monotonic() + 120
    while not steps(path / "checkpoints"):
        assert process.poll() is None, "it ended before"
        assert time.monotonic() < until, "it does not begin"
        time.sleep(0.05)


def port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_processes_that_disagree_or_do_not_come_say_so_and_end(tmp_path):
    address = f"127.0.0.1:{port()}"
    flags = ["--coordinator", address, "--processes", "2", "--process"]
    run = ["train", *RUN.split(), "--out", tmp_path / "run"]
    two = [jaxad(*run, *flags, 0), jaxad(*run, "--optim.lr", "1e-4", *flags, 1)]
    told = [
        (process.communicate(timeout=100)[1], process.returncode) for process in two
    ]
    for number, (text, code) in enumerate(told):
        assert code == 7
        line = f"jaxad: process {number}: error: config of process 1 differs from that"
        assert next(x for x in text.splitlines() if "jaxad:" in x).startswith(line)
    assert not (tmp_path / "run").exists()
    alone = jaxad(*run, *flags, 1, JAXAD_JOIN_SECONDS="1")
    text = alone.communicate(timeout=60)[1]
    assert alone.returncode == 7
    assert text.startswith(
        f"jaxad: error: not all processes came within 1 s ({address}"
    )
    assert text.count("\n") == 1


SRUN = """#!/bin/bash
# As SLURM's: two tasks, each told its number.
shift
for number in 0 1; do
    SLURM_PROCID=$number SLURM_LOCALID=$number "$@" &
done
wait -n && wait -n
"""


def test_under_slurm_a_signal_to_one_task_queues_the_job_again_which_goes_on(tmp_path):
    bin = tmp_path / ".venv" / "bin"
    bin.mkdir(parents=True)
    for name, text in {
        "srun": SRUN,
        "jaxad": f'#!/bin/bash\nexec {sys.executable} {ONE} "$@"\n',
        "scontrol": f'#!/bin/bash\necho "$@" > {tmp_path}/queued\n',
    }.items():
        (bin / name).write_text(text)
        (bin / name).chmod(0o755)
    env = {
        "SLURM_JOB_ID": str(port()),
        "SLURM_STEP_NODELIST": "127.0.0.1",
        "SLURM_NTASKS": "2",
        "SLURM_STEP_NUM_NODES": "1",
        "SLURM_SUBMIT_DIR": str(tmp_path),
    }
    command = ["bash", ROOT / "launch/slurm.sh", "train", *RUN.split(), "--out", "run"]
    often = ["--train.checkpoint-seconds", "0"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen([*command, *often], env=os.environ | env, **pipes) as job:
        begun(tmp_path / "run", job)
        for place in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                found = (place / "environ").read_bytes()
                if bytes(tmp_path) in found and b"SLURM_PROCID=1" in found:
                    os.kill(int(place.name), signal.SIGTERM)
        told = job.communicate(timeout=60)[0]
    assert job.returncode == 75, told
    assert told.count("saved; go on with --resume") == 1, "both stop, and one says so"
    assert (tmp_path / "queued").read_text() == f"requeue {env['SLURM_JOB_ID']}\n"
    again = subprocess.run(command, env=os.environ | env, timeout=200, **pipes)
    assert again.returncode == 0, again.stdout
    assert "going on from step" in again.stdout
    written = read_json(tmp_path / "run" / "env.json")["devices"]
    assert (written["processes"], written["count"]) == (2, 4)
    with jaxad("train", *RUN.split(), "--out", tmp_path / "alone") as alone:
        told = alone.communicate(timeout=100)[1]
    assert alone.returncode == 0, told
    here, there = (read(tmp_path / name / "history.csv") for name in ("alone", "run"))
    np.testing.assert_allclose(there, here, rtol=1e-3)


def read(file):
    return np.loadtxt(file, delimiter=",", skiprows=1)


def test_who_a_process_is(monkeypatch, capsys):
    for name in ("SLURM_PROCID", "SLURM_NTASKS", "TPU_WORKER_HOSTNAMES"):
        monkeypatch.delenv(name, raising=False)
    assert joining._cluster() is None
    monkeypatch.setenv("SLURM_PROCID", "3")
    monkeypatch.setenv("SLURM_NTASKS", "1")
    assert joining._cluster() is None, "one task alone"
    monkeypatch.setenv("SLURM_NTASKS", "4")
    assert joining._cluster() == "SLURM task 3 of 4"
    monkeypatch.setenv("SLURM_STEP_NUM_NODES", "4")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert joining._devices() == {"local_device_ids": range(2)}, "one a node has all"
    monkeypatch.delenv("SLURM_PROCID")
    monkeypatch.setenv("TPU_WORKER_HOSTNAMES", "a,b")
    assert joining._cluster() == "Cloud TPU"
    monkeypatch.delenv("TPU_WORKER_HOSTNAMES")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("JOB_COMPLETION_INDEX", "3")
    monkeypatch.setattr(joining, "find_spec", lambda name: name == "kubernetes" or None)
    assert joining._cluster() == "Kubernetes, index 3"
    monkeypatch.setattr(joining, "find_spec", lambda name: None)
    assert joining._cluster() is None
    assert "index 3: works alone; to join" in capsys.readouterr().err


WRONG = {
    "--processes 2": "there is no coordinator and no process",
    "--coordinator here --processes 2 --process 0": "here: is not HOST:PORT",
    "--coordinator a:1 --processes 2 --process 2": "numbered from 0 to 1",
    "--coordinator a:1 --processes x --process 2": "--processes takes their number",
    "--process": "takes the number of this one",
    "--parallel.devices 9": "parallel.devices 9: there are 1 here",
    "--parallel.devices 0": "0 is not at least 1",
}


@pytest.mark.parametrize("words", WRONG)
def test_wrong_words_about_processes_are_one_line(words, tmp_path, capsys):
    assert main(["train", *words.split(), "--out", str(tmp_path / "run")]) == 2
    told = capsys.readouterr().err
    assert WRONG[words] in told
    assert told.count("\n") == 1


def test_a_batch_divides_over_devices_or_some_stay_idle(monkeypatch):
    monkeypatch.setenv("JAXAD_DEVICES", "2")
    assert parallel.over_all(None, 128).size == 2
    assert parallel.over_all(None, 33) is parallel.ONE
    with pytest.raises(
        ConfigError, match="33 does not divide by 2 devices; take 32 or"
    ):
        parallel.over_all(2, 33)
    monkeypatch.setenv("JAXAD_DEVICES", "two")
    with pytest.raises(ConfigError, match="JAXAD_DEVICES is 'two'"):
        parallel.local()


def test_the_launchers_are_sound():
    scripts = sorted((ROOT / "launch").glob("*.sh"))
    subprocess.run([SHELLCHECK, "-x", "-P", ROOT / "launch", *scripts], check=True)
    jobset = yaml.safe_load((ROOT / "launch" / "jobset.yaml").read_text())
    (hosts,) = jobset["spec"]["replicatedJobs"]
    job = hosts["template"]["spec"]
    assert job["completions"] == job["parallelism"]
    assert job["completionMode"] == "Indexed"
    (container,) = job["template"]["spec"]["containers"]
    words = [*container["command"], *container["args"]]
    start, rest = split_train(words[2:])
    assert start.resume
    assert (ROOT / rest[0]).is_file()
    usage = subprocess.run(
        ["bash", ROOT / "launch/tpu_pod.sh", "a"], capture_output=True
    )
    assert usage.returncode == 2


def test_a_pods_command_reaches_its_workers_word_by_word(tmp_path):
    (tmp_path / "gcloud").write_text('#!/bin/bash\nprintf "%s\\n" "$@"\n')
    (tmp_path / "gcloud").chmod(0o755)
    words = ["pod", "zone", "my folder", "train", "a b.py", "--out", "/shared/x"]
    told = subprocess.run(
        ["bash", ROOT / "launch/tpu_pod.sh", *words],
        env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert told[5:7] == ["--zone=zone", "--worker=all"]
    command = told[7].removeprefix("--command=")
    assert shlex.split(command) == [
        *("cd", "my folder", "&&", ".venv/bin/jaxad", "train", "a b.py"),
        *("--out", "/shared/x", "--resume"),
    ]
