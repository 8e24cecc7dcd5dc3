"""A dry run says what the run would do, leaves nothing, and fails as the run does."""

import dataclasses
import time
from types import SimpleNamespace

import numpy as np
import pytest

import jaxad
from jaxad.carry import RUNNING
from jaxad.config import (
    Baselines,
    Config,
    Conv,
    Corrupted,
    Data,
    Denoiser,
    Linear,
    Optim,
    Score,
    Train,
    ZScore,
    set_values,
)
from jaxad.config.threshold import MaxMargin, Threshold
from jaxad.dry import configs, lanes, scoring, training
from jaxad.dry import sweep as dry_sweep
from jaxad.dry import train as dry
from jaxad.dry.text import render
from jaxad.errors import ConfigError, DivergedError, JaxadError

TINY = Config(
    data=Data(limit=40),
    model=Linear(latent_dim=4),
    train=Train(epochs=6, batch_size=16),
    threshold=Threshold(rules=(ZScore(),)),
    baselines=Baselines(names=("pca",), components=4),
    score=Score(names=("mse",)),
)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The plan of a tiny run, and the empty folder that it was made in."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        return home, dry.plan(TINY, home / "runs" / "a", quiet=True, before=1.5)


def test_a_dry_run_says_what_the_run_is_and_writes_nothing(tiny):
    home, plan = tiny
    assert list(home.iterdir()) == []
    assert plan["folder"] == {"path": str(home / "runs" / "a"), "there": None}
    (stage,) = plan["stages"]
    weights = 784 * 4 + 4 + 4 * 784 + 784
    assert stage["parameters"] == weights
    assert sum(row["parameters"] for row in stage["layers"]) == weights
    assert stage["memory"]["parameters"] == 4 * weights
    assert stage["memory"]["optimizer"] >= 8 * weights  # Adam's moments
    assert stage["memory"]["program"] > stage["memory"]["parameters"]
    images = plan["images"]["train"]["normal"]
    assert stage["steps_per_epoch"] == -(-images // 16)
    assert plan["shapes"]["latent"] == [4]
    assert plan["shapes"]["recon"] == plan["shapes"]["image"] == [28, 28, 1]
    assert plan["shapes"]["maps"]["mse"] == [28, 28]
    seconds = dict(plan["seconds"])
    total = seconds.pop("total")
    assert total == pytest.approx(sum(seconds.values()))
    assert all(value >= 0 for value in seconds.values())
    assert seconds["start"] == 1.5


def test_text_marks_what_is_not_default_and_shows_all_on_demand(tiny):
    _, plan = tiny
    short, full = render(plan), render(plan, full=True)
    assert "  train.epochs: 6  (default 40)" in short
    assert "  model.kind: linear  (default deep)" in short
    assert "optim.lr" not in short
    assert "* train.epochs: 6" in full
    assert "  optim.lr: 0.001" in full
    assert f"Model linear: {plan['stages'][0]['parameters']:,} parameters" in short
    assert "image 28x28x1 -> latent 4 -> recon 28x28x1 -> scores mse" in short


def test_changes_compare_variants_with_their_own_defaults():
    config = Config(
        model=Conv(latent_dim=7),
        data=Data(protocol=Corrupted(curve=(0.1,))),
        threshold=Threshold(rules=(ZScore(k=2), MaxMargin())),
    )
    found = {n: (v, d) for n, v, d in configs.changes(config, Config())}
    assert found == {
        "data.protocol.curve": ((0.1,), Corrupted().curve),
        "model.kind": ("conv", "deep"),
        "model.latent_dim": (7, Conv().latent_dim),
        "threshold.rules": (
            ["z_score", "max_margin"],
            [rule.kind for rule in Threshold().rules],
        ),
        "threshold.rules.0.k": (2.0, ZScore().k),
    }
    assert not list(configs.changes(Config(), Config()))


def test_a_folder_that_is_in_the_way_is_named(tmp_path):
    assert configs.described(TINY, tmp_path)["folder"]["there"] is None
    (tmp_path / "notes.txt").touch()
    assert configs.described(TINY, tmp_path)["folder"]["there"] == "other files"
    (tmp_path / "config.json").touch()
    assert configs.described(TINY, tmp_path)["folder"]["there"] == "a run"


@pytest.mark.parametrize(
    "changes",
    [
        {"data.root": "nowhere"},
        {"baselines.components": 999},
        {"train.init_from": "nowhere"},
        {"data.protocol.kind": "one_class", "threshold.rules": ["max_margin"]},
        {"score.views": "square", "data.limit": 1},
    ],
)
def test_what_stops_a_run_stops_a_dry_run_with_the_same_words(changes, tmp_path):
    config = set_values(TINY, changes)
    found = []
    for call in (
        lambda: jaxad.train(config, out=tmp_path / "a", quiet=True),
        lambda: dry.plan(config, tmp_path / "b", quiet=True),
    ):
        with pytest.raises(JaxadError) as raised:
            call()
        found.append((type(raised.value), str(raised.value)))
    assert found[0] == found[1]
    assert not (tmp_path / "b").exists()


def test_a_training_that_diverges_at_once_stops_a_dry_run(tmp_path):
    config = dataclasses.replace(TINY, optim=Optim(kind="sgd", lr=1e30))
    with pytest.raises(DivergedError, match="diverged at step"):
        dry.plan(config, tmp_path / "a", quiet=True)


class Device:
    """A clock that runs as segments of known cost do."""

    def __init__(self, call, step, end, steps):
        self.cost, self.steps, self.now, self.cuts = (call, step, end), steps, 0.0, []

    def segment(self, carry, epoch, first, last):
        self.cuts.append((epoch, first, last))
        call, step, end = self.cost
        self.now += call + step * (last - first) + end * (last == self.steps)
        return carry


@pytest.mark.parametrize(
    ("cost", "steps", "epochs"),
    [
        ((0.002, 0.05, 1.5), 400, 5),
        ((0.01, 0.004, 0.03), 11, 40),
        ((0.001, 8.0, 3.0), 20, 2),
    ],
)
def test_the_time_of_a_training_follows_from_some_of_its_steps(
    cost, steps, epochs, monkeypatch
):
    device = Device(*cost, steps)
    monkeypatch.setattr(time, "monotonic", lambda: device.now)
    carry = SimpleNamespace(status=np.int32(RUNNING))
    feeder = SimpleNamespace(most=steps)
    begun = SimpleNamespace(carry=carry, segment=device.segment, feeder=feeder)
    train = Train(epochs=epochs)
    _, pace = training._paced(SimpleNamespace(steps=steps), begun, train)
    assert all(first < last <= steps for _, first, last in device.cuts)
    assert max(epoch for epoch, *_ in device.cuts) < epochs
    call, step, end = cost
    whole = epochs * (steps * step + end + call * max(1, round(steps * step / 10)))
    assert pace.training(steps, train) == pytest.approx(whole, rel=0.05)
    assert device.now < 0.35 * whole or device.now < 20


def test_costs_that_grow_by_a_power_are_continued():
    assert scoring._grown([(100, 1.0), (200, 4.0)], 800) == pytest.approx(64.0)
    assert scoring._grown([(100, 1.0), (800, 2.0)], 800) == 2.0
    assert scoring._grown([(100, 1.0), (200, 0.5)], 400) == 0.5  # never less


def test_stages_are_each_timed_behind_the_one_before(tmp_path, monkeypatch):
    monkeypatch.setattr(scoring, "seconds", lambda *given: {"model": 1.0})
    optim = Denoiser(depth=2, width=4, train=Train(epochs=3, batch_size=16))
    config = dataclasses.replace(TINY, denoiser=optim, score=Score(names=("smooth",)))
    plan = dry.plan(config, tmp_path / "a", quiet=True)
    first, second = plan["stages"]
    assert (first["model"], second["model"]) == ("linear", "denoiser")
    assert (first["epochs"], second["epochs"]) == (6, 3)
    assert {"train_1", "train_2", "model"} <= plan["seconds"].keys()
    assert "Model denoiser" in render(plan | {"seconds": Zeros(plan["seconds"])})


class Zeros(dict):
    def __missing__(self, key):
        return 0.0


def test_a_group_that_is_not_timed_goes_by_the_nearest_in_size():
    def own(parameters, trainings=6):
        config = SimpleNamespace(
            denoiser=None, model=Conv(), train=Train(batch_size=128)
        )
        group = SimpleNamespace(config=config, lanes=[None] * trainings, epochs=5)
        return SimpleNamespace(group=group, steps=10), parameters

    seconds = {"compile": 1.0, "step": 0.01, "epoch_end": 0.1, "measure": 0.2}
    base = lanes._known(*own(1000))
    timed = []
    for parameters in (1000, 100_000):
        known = base | {"parameters": parameters, "mode": "map", "at_a_time": 4}
        memory = {"member": 10 * parameters, "all": 80 * parameters, "images": 7}
        timed.append(known | {"memory": memory, "seconds": seconds})
    found = lanes._like(*own(2000), timed)
    assert found["chunks"] == 2
    assert found["memory"] == {"member": 20_000, "all": 160_000, "images": 7}
    each = 5 * (10 * 0.02 + 0.2) + 0.4
    assert found["seconds"]["total"] == pytest.approx(1.0 + 6 * each)
    assert not found["timed"]
    assert lanes._spread([5, 1, 9, 3, 7, 2]) == [1, 3, 0, 2]
    assert sorted(lanes._spread([3, 1])) == [0, 1]


def test_a_sweep_that_cannot_rank_fails_as_it_does_dry(tmp_path):
    grid = {"optim.lr": [0.1, 0.01]}
    chosen = jaxad.search.as_grid(grid, each="seed")
    with pytest.raises(ConfigError, match="is no axis"):
        dry_sweep.plan(TINY, chosen, tmp_path / "a", quiet=True)
    assert not (tmp_path / "a").exists()
