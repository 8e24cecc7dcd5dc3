"""Whole runs: the folder they leave, how they are stopped, and how they go on."""

import dataclasses
import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import jax
import numpy as np
import pytest
from PIL import Image
from sklearn import metrics as golden

import jaxad
from jaxad import cli, report
from jaxad.config import (
    Baselines,
    Config,
    Corrupt,
    Corrupted,
    Corruption,
    Data,
    Linear,
    Optim,
    Train,
    ZScore,
)
from jaxad.config.load import from_json, to_json
from jaxad.config.threshold import F1Max, MaxMargin, Threshold
from jaxad.errors import BusyError, CheckpointError, ConfigError, DataError
from jaxad.opening import lock

FILES = {"config.json", "env.json", "history.csv", "scores.csv", "thresholds.json"}
FILES |= {"metrics.json", "checkpoints", "examples", "plots", "report.html"}
SAME = ("history.csv", "scores.csv", "thresholds.json", "metrics.json")
CONFIG = Config(
    data=Data(
        limit=120,
        protocol=Corrupted(corruption=Corruption(level=0.1), curve=(0.1, 0.02)),
    ),
    model=Linear(latent_dim=4),
    corrupt=Corrupt(level=0.1, fraction=0.5),
    train=Train(epochs=150, batch_size=16, ema=0.9, checkpoint_seconds=0.0),
    threshold=Threshold(rules=(MaxMargin(), ZScore(k=2), ZScore(k=3), F1Max())),
    baselines=Baselines(names=("pca",), components=8),
)


@pytest.fixture(scope="module")
def slow(tmp_path_factory):
    """The config's file, and a run of it that nothing disturbed."""
    home = tmp_path_factory.mktemp("runs")
    (home / "config.json").write_text(to_json(CONFIG))
    train = dataclasses.replace(CONFIG.train, checkpoint_seconds=60.0)
    calm = dataclasses.replace(CONFIG, train=train)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jaxad.run.draw", report.draw)
        run = jaxad.train(calm, out=home / "calm", quiet=True, profile=True)
    return home, calm, run


def read(path):
    return json.loads(path.read_text())


def test_a_run_leaves_its_folder_and_can_be_loaded(slow):
    _, config, run = slow
    own = {file.name for file in run.path.iterdir()}
    assert own - {".lock"} == FILES | {"profile"}
    assert from_json((run.path / "config.json").read_text()) == config
    names = {path.name for path in (run.path / "plots").iterdir()}
    assert {"loss.png", "roc.png", "pr.png", "confusion.png", "curve.png"} <= names
    assert {"reconstructions.png", "scores_mse.png"} <= names
    assert len(run.history["epoch"]) == config.train.epochs
    again = jaxad.load_run(run.path)
    jax.tree.map(np.testing.assert_array_equal, again.state, run.state)


def test_a_profile_is_a_trace_of_the_training(slow):
    _, _, run = slow
    (trace,) = run.path.glob("profile/**/perfetto_trace.json.gz")
    (_,) = run.path.glob("profile/**/*.xplane.pb")
    events = json.loads(gzip.decompress(trace.read_bytes()))["traceEvents"]
    assert any("PjitFunction" in e["name"] or "Execut" in e["name"] for e in events)


def test_metrics_are_those_of_the_scores_and_thresholds_see_no_test_label(slow):
    _, _, run = slow
    table, limits = run.scores, run.thresholds["mse"]
    test = table["split"] == "test"
    label, score = table["label"][test], table["score_mse"][test]
    entry = run.metrics["image"]["mse"]
    assert entry["auroc"] == pytest.approx(golden.roc_auc_score(label, score), abs=1e-6)
    assert set(limits) == {
        "max_margin", "z_score(k=2)", "z_score(k=3)", "f1_max", "f1_max_test"
    }  # fmt: skip
    for rule, limit in limits.items():
        called = (score <= limit["lower"]) | (score >= limit["upper"])
        at = entry["at"][rule]
        assert at["f1"] == pytest.approx(golden.f1_score(label, called), abs=1e-6)
        assert at["fp"] == np.sum(called & (label == 0))
        assert limit["status"] == ("oracle" if rule == "f1_max_test" else "deployable")
    normal = table["score_mse"][~test & (table["label"] == 0)]
    upper = normal.mean() + 2 * normal.std()
    assert limits["z_score(k=2)"]["upper"] == pytest.approx(upper, rel=0.02)
    trivial = run.metrics["trivial"]
    share = label.mean()
    everything = trivial["all_anomalous"]["at"]["max_margin"]
    assert everything["f1"] == pytest.approx(2 * share / (1 + share), abs=1e-6)
    assert trivial["raw_brightness"]["status"] == "oracle"
    curve = run.metrics["curve"]
    assert curve["auroc"]["mse"][0] == pytest.approx(entry["auroc"], abs=0.01)
    assert curve["auroc"]["mse"][1] < curve["auroc"]["mse"][0]


def test_new_images_get_the_scores_of_the_run(slow, tmp_path):
    _, config, run = slow
    splits = jaxad.data.split(jaxad.data.load("digits"), config.data, config.seed)
    chosen = [3, 120, 7]
    scores = jaxad.score(run, splits.test.image[chosen])
    test = run.scores["split"] == "test"
    expected = run.scores["score_mse"][test][chosen].astype(np.float32)
    np.testing.assert_array_equal(scores.values["mse"], expected)
    assert scores.maps["mse"].shape == (3, 28, 28)
    for row in chosen:
        image = Image.fromarray(splits.test.image[row, :, :, 0])
        image.save(tmp_path / f"{row}.png")
    files = [str(tmp_path / f"{row}.png") for row in chosen]
    out = ["--out", str(tmp_path / "scored"), "--maps"]
    assert cli.main(["score", str(run.path), *files, *out]) == 0
    lines = (tmp_path / "scored" / "scores.csv").read_text().splitlines()
    found = [np.float32(line.split(",")[1]) for line in lines[1:]]
    np.testing.assert_array_equal(found, expected)
    Image.new("L", (9, 9)).save(tmp_path / "small.png")
    (tmp_path / "text.png").write_text("no image")
    for name in ("small.png", "text.png", "missing.png"):
        assert cli.main(["score", str(run.path), str(tmp_path / name)]) == 3


def test_a_folder_is_used_once_and_by_one(slow):
    home, config, run = slow
    with pytest.raises(ConfigError, match="--resume"):
        jaxad.train(config, out=run.path, quiet=True)
    other = dataclasses.replace(config, optim=Optim(lr=0.5))
    with pytest.raises(ConfigError, match=r"run.optim.lr 0.001 -> 0.5"):
        jaxad.train(other, out=run.path, resume=True, quiet=True)
    with lock(run.path), pytest.raises(BusyError, match=str(os.getpid())):
        jaxad.train(config, out=run.path, resume=True, quiet=True)
    images = np.zeros((60, 28, 28), np.uint8)
    with pytest.raises(ConfigError, match="another run is there"):
        jaxad.train(config, images, out=run.path, resume=True, quiet=True)
    before = (run.path / "metrics.json").read_bytes()
    again = jaxad.train(config, out=run.path, resume=True, quiet=True)
    assert (run.path / "metrics.json").read_bytes() == before
    assert again.metrics == run.metrics
    foreign = home / "foreign"
    (foreign / "sub").mkdir(parents=True)
    for name in ("notes.txt", ".work.tmp", "sub/.work.tmp"):
        (foreign / name).write_text("mine")
    with pytest.raises(ConfigError, match="not a run folder"):
        jaxad.train(config, out=foreign, quiet=True)
    assert len(list(foreign.rglob("*"))) == 4


def test_what_would_fail_after_the_training_fails_before_it(slow, tmp_path):
    _, config, run = slow
    images = np.random.default_rng(0).uniform(size=(40, 5, 5)).astype(np.float32)
    label = np.repeat([0, 1], [39, 1])
    pca = Baselines(names=("pca",), components=26)
    few = dataclasses.replace(config, baselines=pca)
    curve = dataclasses.replace(config, baselines=Baselines(names=()))
    plain = dataclasses.replace(curve, data=Data(name="arrays"))
    for wrong, data, text in [
        (few, images, "baselines.components"),
        (plain, (images, label), "anomal"),
        (curve, (images, np.repeat([0, 1], 20)), "contamination and curve"),
    ]:
        with pytest.raises((ConfigError, DataError), match=text):
            jaxad.train(wrong, data, out=tmp_path / "run", quiet=True)
        assert not (tmp_path / "run" / "config.json").exists()
    for shape in ((2, 9, 11), (28, 28, 1), (1, 28, 28, 3)):
        with pytest.raises(DataError, match="trained on 28x28x1"):
            jaxad.score(run, np.zeros(shape, np.uint8))


def test_a_finished_run_is_measured_again_with_other_rules(slow, tmp_path):
    _, config, run = slow
    copied = shutil.copytree(run.path, tmp_path / "copied")
    rules = Threshold(rules=(ZScore(k=1), MaxMargin()))
    other = dataclasses.replace(config, threshold=rules)
    again = jaxad.train(other, out=copied, resume=True, quiet=True)
    assert again.metrics["primary"]["rule"] == "z_score"
    jax.tree.map(np.testing.assert_array_equal, again.state, run.state)


def start(home, *options):
    """`jaxad train` of the slow config in a process of its own."""
    command = [sys.executable, "-m", "jaxad", "train", str(home / "config.json")]
    command += ["--out", str(home / "killed"), *options]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def wait_for_step(process, path, least):
    """Wait until a checkpoint of `least` steps is there."""
    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        steps = [int(x.name) for x in path.glob("checkpoints/*") if x.name.isdecimal()]
        if max(steps, default=0) >= least:
            return
        time.sleep(0.02)
    raise AssertionError(process.stderr.read())


def test_stopped_and_killed_runs_go_on_to_the_same_bytes(slow):
    home, calm, run = slow
    killed = home / "killed"
    process = start(home)
    wait_for_step(process, killed, 40)
    process.send_signal(signal.SIGTERM)
    _, text = process.communicate(timeout=120)
    assert process.returncode == 75, text
    assert "--resume" in text.splitlines()[-1]
    first = max(int(x.name) for x in (killed / "checkpoints").iterdir())
    process = start(home, "--resume")
    wait_for_step(process, killed, first + 100)
    process.kill()
    process.communicate(timeout=120)
    assert not (killed / "metrics.json").exists()
    newest = max((killed / "checkpoints").glob("[0-9]*"), key=lambda x: int(x.name))
    part = max(newest.rglob("*"), key=lambda x: x.stat().st_size if x.is_file() else 0)
    data = bytearray(part.read_bytes())
    data[len(data) // 2] ^= 1
    part.write_bytes(data)  # one byte of the newest is wrong: the one before is used
    again = jaxad.train(calm, out=killed, resume=True, quiet=True)
    for name in SAME:
        assert (killed / name).read_bytes() == (run.path / name).read_bytes(), name
    jax.tree.map(np.testing.assert_array_equal, again.state, run.state)
    for step in (killed / "checkpoints").glob("[0-9]*"):
        for file in step.rglob("*"):
            if file.is_file():
                file.write_bytes(b"\0" * file.stat().st_size)
    with pytest.raises(CheckpointError, match="damaged"):
        jaxad.load_run(killed)


def test_divergence_is_an_error_that_names_the_step(tmp_path, capsys):
    optim = Optim(kind="sgd", lr=1e30)
    config = dataclasses.replace(CONFIG, optim=optim)
    (tmp_path / "wild.json").write_text(to_json(config))
    out = ["--out", str(tmp_path / "run")]
    assert cli.main(["train", str(tmp_path / "wild.json"), *out]) == 5
    line = capsys.readouterr().err.splitlines()[-1]
    assert "diverged at step 1" in line
    assert (tmp_path / "run" / "history.csv").exists()


def test_arrays_labels_warm_start_and_fresh_folders(slow, tmp_path, monkeypatch):
    _, config, run = slow
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    normal = random.uniform(0.0, 0.4, (90, 28, 28)).astype(np.float32)
    strange = random.uniform(0.6, 1.0, (30, 28, 28)).astype(np.float32)
    images = np.concatenate([normal, strange])
    label = np.repeat([0, 1], [90, 30])
    short = dataclasses.replace(
        config,
        data=Data(name="arrays"),
        train=dataclasses.replace(config.train, epochs=2, init_from=str(run.path)),
    )
    found = jaxad.train(short, data=(images, label), quiet=True)
    assert found.path.name == "run"
    assert found.metrics["image"]["mse"]["auroc"] == 1
    cold = dataclasses.replace(short.train, init_from=None)
    cold = dataclasses.replace(short, train=cold, seed=1)
    other = jaxad.train(cold, data=(images, label), quiet=True)
    assert other.path.name == "run-2"
    kernel, warm, cold = (
        r.state.model["params"]["encoder"]["kernel"] for r in (run, found, other)
    )
    assert 4 * np.abs(warm - kernel).mean() < np.abs(cold - kernel).mean()
    nowhere = dataclasses.replace(short.train, init_from="nowhere")
    lost = dataclasses.replace(short, train=nowhere)
    with pytest.raises(DataError, match="not a run folder"):
        jaxad.train(lost, data=images, quiet=True)
