"""Long tests, run by launch/soak.sh alone: many kills, and full experiments."""

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

import jaxad

pytestmark = pytest.mark.soak
ROOT = Path(jaxad.__file__).parent.parent
SOURCE = os.environ.get("JAXAD_DATA_SOURCE")
SAME = ("history.csv", "scores.csv", "thresholds.json", "metrics.json")
NOISY = ("--data.protocol.corruption.level", "0.2", "--corrupt.level", "0.2")
NOISY += ("--train.epochs", "60", "--train.checkpoint-seconds", "0")
# In turn: members of other chunks are then the same to the last bit.
GRID = ("--grid", "optim.lr=1e-2,3e-3,1e-3", "--grid", "model.latent_dim=4,8")
GRID += ("--seeds", "3", "--execution", "map", "--members", "2")
BEHIND = ("--denoiser.kind", "remez", "--denoiser.depth", "3", "--denoiser.width", "6")
BEHIND += ("--denoiser.train.epochs", "20", "--denoiser.train.checkpoint-seconds", "0")
BEHIND += ("--score.names", "mse", "smooth", "mask")
TABLES = ("members.csv", "leaderboard.csv", "held_out.csv", "history.csv")


def start(*options, launcher=()):
    command = [*launcher, sys.executable, "-m", "jaxad", *map(str, options)]
    # A group of its own, so that none of several processes outlives a kill.
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen(command, start_new_session=True, **pipes)


def finish(*options, launcher=()):
    process = start(*options, launcher=launcher)
    text = process.communicate()[0].decode()
    assert process.returncode == 0, text
    return text


EXPERIMENTS = {
    "deep": (("train", "--model.kind", "deep", *NOISY), SAME),
    "conv": (("train", "--model.kind", "conv", *NOISY), SAME),
    "denoiser": (("train", "--model.kind", "deep", *NOISY, *BEHIND), SAME),
    "sweep": (("sweep", "--model.kind", "deep", *NOISY, *GRID), TABLES),
}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_what_is_killed_again_and_again_ends_with_the_same_bytes(tmp_path, name):
    options, files = EXPERIMENTS[name]
    finish(*options, "--out", tmp_path / "calm")
    killed = ("--out", tmp_path / "killed", "--resume")
    draw = random.Random(0)
    codes = []
    for _ in range(20):
        process = start(*options, *killed)
        time.sleep(draw.uniform(1, 25))
        process.send_signal(draw.choice([signal.SIGKILL, signal.SIGTERM]))
        process.communicate()
        codes.append(process.returncode)
    assert set(codes) <= {0, 75, -signal.SIGKILL, -signal.SIGTERM}, codes
    assert any(codes)
    finish(*options, *killed)
    for file in files:
        calm, other = (tmp_path / run / file for run in ("calm", "killed"))
        assert calm.read_bytes() == other.read_bytes(), (file, codes)


# With as many members as devices: one on several would wait for a network each step.
SPREAD = [{"2": "4", "60": "20"}.get(word, word) for word in EXPERIMENTS["sweep"][0]]
TWO = {"deep": EXPERIMENTS["deep"], "sweep": (SPREAD, TABLES)}
LOCAL = [
    sys.executable,
    ROOT / "launch" / "local.py",
    "-n",
    "2",
    "--devices",
    "2",
    "--",
]


@pytest.mark.parametrize("name", TWO)
def test_kills_of_one_of_two_processes_end_both_and_change_no_byte(tmp_path, name):
    options, files = TWO[name]
    finish(*options, "--out", tmp_path / "calm", launcher=LOCAL)
    draw, codes, seconds = random.Random(1), [], []
    for _ in range(20):
        out = tmp_path / "killed"
        process = start(*options, "--out", out, "--resume", launcher=LOCAL)
        time.sleep(draw.uniform(3, 20))
        running = workers(out)
        if running:
            os.kill(draw.choice(running), draw.choice([signal.SIGKILL, signal.SIGTERM]))
        since = time.monotonic()
        process.communicate()
        codes.append(process.returncode)
        if process.returncode:  # it may have been at its end
            seconds.append(time.monotonic() - since)
        assert not workers(out)
    assert max(seconds) < 30, seconds
    assert {75} < {*codes}, codes
    finish(*options, "--out", out, "--resume", launcher=LOCAL)
    for file in files:
        calm, other = (tmp_path / run / file for run in ("calm", "killed"))
        assert calm.read_bytes() == other.read_bytes(), (file, codes)


def workers(out):
    """The process numbers of those that work on a run, without their launcher."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (place / "cmdline").read_bytes().split(b"\0")
            if bytes(out) in words and b"--devices" not in words:
                found.append(int(place.name))
    return found


@pytest.fixture(scope="module")
def mnist():
    if SOURCE is None:
        pytest.skip("JAXAD_DATA_SOURCE names no folder with mnist/")
    finish("data", "prepare", "mnist", "--source", Path(SOURCE) / "mnist")


def test_the_convolutional_autoencoder_finds_severe_noise(mnist, tmp_path):
    file = ROOT / "configs" / "mnist_salt_pepper" / "cae.py"
    finish("train", file, "--out", tmp_path / "cae")
    entry = json.loads((tmp_path / "cae" / "metrics.json").read_text())["image"]["mse"]
    assert entry["auroc"] >= 0.9999
    at = entry["at"]["max_margin"]
    assert at["status"] == "deployable"
    assert at["f1"] >= 0.999
    assert at["tp"] + at["fn"] == at["fp"] + at["tn"] == 10_000
    kilobytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert kilobytes < 2 * 2**20


def test_at_one_percent_an_autoencoder_beats_every_baseline(mnist, tmp_path):
    file = ROOT / "configs" / "mnist_salt_pepper" / "cae.py"
    hard = ("--data.protocol.corruption.level", "0.01", "--corrupt.level", "0.01")
    finish("train", file, "--out", tmp_path / "hard", *hard)
    image = json.loads((tmp_path / "hard" / "metrics.json").read_text())["image"]
    best = {"model": 0.0, "baseline": 0.0}
    for entry in image.values():
        best[entry["detector"]] = max(best[entry["detector"]], entry["auroc"])
    assert best["model"] > best["baseline"]


def test_every_experiment_shows_what_the_source_found(mnist, tmp_path):
    metrics = {}
    for file in sorted((ROOT / "configs" / "mnist_salt_pepper").glob("*.py")):
        run = tmp_path / file.stem
        finish("train", file, "--out", run, "--baselines.names")
        metrics[file.stem] = json.loads((run / "metrics.json").read_text())
        assert metrics[file.stem]["image"]["mse"]["auroc"] >= 0.999, file.stem
    assert len(metrics) == 6
    recon = {name: found["reconstruction"] for name, found in metrics.items()}
    clean, contaminated = recon["linear"], recon["linear_contaminated"]
    assert contaminated["anomalous_vs_input"] < clean["anomalous_vs_input"]
    assert contaminated["anomalous_vs_clean"] > clean["anomalous_vs_clean"]
    assert recon["cae"]["anomalous_vs_clean"] < recon["cae_clean"]["anomalous_vs_clean"]
