"""The sweep: members, groups, execution, ranking, resuming."""

import json
import signal
import subprocess
import sys
import time
from types import SimpleNamespace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas
import pytest
from sklearn.metrics import roc_auc_score
from squares import images

import jaxad
from jaxad import cli, evaluate, metrics
from jaxad.config import (
    Axis,
    Baselines,
    Config,
    Deep,
    Draw,
    F1Max,
    FixedFpr,
    Grid,
    Score,
    Threshold,
    Train,
    linked,
    load_sweep,
    set_values,
    to_json,
)
from jaxad.config.load import grid_to_json
from jaxad.errors import ConfigError, JaxadError
from jaxad.evaluate import Labels, Pair
from jaxad.folder import read_json
from jaxad.grid import choose, chunks, ensemble, execute, members, probe, rank, store
from jaxad.grid.held_out import Case
from jaxad.search import as_grid, measuring, training
from jaxad.search.options import grid_options

RUN = measuring._run
BASE = Config(
    model=Deep(hidden=(12,), latent_dim=3, batch_norm=False),
    train=Train(epochs=3, batch_size=16),
    score=Score(names=("mse", "top")),
    threshold=Threshold(rules=(F1Max(), FixedFpr(rate=0.1))),
    baselines=Baselines(names=()),
)


@pytest.fixture(scope="module")
def data():
    return images()


@pytest.fixture(autouse=True)
def undrawn(done, monkeypatch):
    """Pictures and the run of the best take seconds; those of one sweep are enough."""
    monkeypatch.setattr("jaxad.run.draw", lambda path: [])
    monkeypatch.setattr(measuring, "_run", lambda *_: None)
    monkeypatch.setattr("jaxad.search.measuring.draw_sweep", lambda path: [])


def sweep(data, path, grid, **options):
    given = {"seeds": 2, "quiet": True, "execution": "map"} | options
    return jaxad.sweep(BASE, grid, data, out=path, **given)


@pytest.fixture(scope="module")
def done(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("sweep") / "map"
    grid = {"optim.lr": [1e-2, 1e30, 3e-3], "train.epochs": [2, 3]}
    return sweep(data, path, grid)


def test_members_are_every_row_of_every_axis():
    grid = Grid(
        axes=(
            linked(
                ("model.hidden", "model.activation"),
                {"small": [(8,), "relu"], "large": [(9, 8), "tanh"]},
            ),
            Axis.of("optim.lr", 1e-2, 1e-3),
        ),
        draws=(
            Draw(name="corrupt.level", low=0.01, high=0.3, log=True),
            Draw(name="model.latent_dim", low=2, high=9),
            Draw(name="data.size", low=8, high=12),  # None as it is
        ),
        samples=3,
        seeds=2,
        folds=3,
    )
    found = members.expand(BASE, grid)
    assert len(found) == 2 * 2 * 3 * 2 * 3
    assert [m.number for m in found] == list(range(72))
    assert len({m.setting for m in found}) == 12
    assert found[0].values.keys() == {
        "model",
        "optim.lr",
        "corrupt.level",
        "model.latent_dim",
        "data.size",
    }
    whole = {m.config.data.size for m in found} | {
        m.config.model.latent_dim for m in found
    }
    assert all(isinstance(x, int) and 2 <= x <= 12 for x in whole)
    assert found[-1].values["model"] == "large"
    rows = {"a": [(8,), 0.1]}
    mixed = linked(("model.hidden", "optim.lr"), rows)
    one = members.expand(BASE, Grid(axes=(mixed,)))[0]
    assert one.values == {"model.hidden + optim.lr": "a"}
    mixed = linked(("model.hidden", "optim.lr"), rows, title="mix")
    assert members.expand(BASE, Grid(axes=(mixed,)))[0].values == {"mix": "a"}
    assert found[-1].config.model.hidden == (9, 8)
    assert (found[-1].config.data.fold, found[-1].config.data.folds) == (2, 3)
    assert {m.config.seed for m in found} == {0, 1}
    drawn = {m.values["corrupt.level"] for m in found}
    assert len(drawn) == 3
    assert all(0.01 <= x <= 0.3 for x in drawn)
    assert all(isinstance(m.config.model.latent_dim, int) for m in found)


@pytest.mark.parametrize(
    ("axes", "complaint"),
    [
        ({"optim.lrr": [1]}, "unknown field optim.lrr; did you mean optim.lr"),
        ({"optim.lr": ["fast"]}, "optim.lr: fast is not a number"),
        ({"optim.lr": [-1.0]}, "optim.lr: -1.0 is not greater than 0"),
        ({"optim.lr": []}, "axis optim.lr is empty"),
        ({"optim.lr": [0.1, 0.1]}, "axis optim.lr has a value twice"),
        ({"model.kind": ["rnn"]}, "rnn is not one of"),
        ({"data.fold": [0, 1]}, "fold"),
    ],
)
def test_a_wrong_axis_is_one_line(data, tmp_path, axes, complaint):
    with pytest.raises(ConfigError, match=complaint) as error:
        jaxad.sweep(BASE, axes, data, out=tmp_path / "x", quiet=True)
    assert "\n" not in str(error.value)


def test_options_of_the_command_line():
    given = {
        "axes": ["optim.lr=1e-2,3e-3", "model.hidden=8:4,16", "model.kind=deep,linear"],
        "draws": ["corrupt.level=1e-3:0.5:log"],
        "seeds": ["4"],
        "rank": ["difference"],
    }
    grid = as_grid(Grid(samples=5), **grid_options(given, BASE))
    assert grid.axes[0].values == ((0.01,), (0.003,))
    assert grid.axes[1].values == (((8, 4),), ((16,),))
    assert (grid.seeds, grid.samples, grid.rank) == (4, 5, "difference")
    assert grid.draws == (Draw(name="corrupt.level", low=1e-3, high=0.5, log=True),)
    own = Grid(axes=(Axis.of("optim.lr", 1, 2), Axis.of("seed", 0, 1)), each="optim.lr")
    other = {"axes": (Axis.of("seed", 2, 3),)}
    assert as_grid(own, **other).each is None
    assert as_grid(own, **other, each="seed").each == "seed"
    assert as_grid(own, axes=own.axes[:1]).each == as_grid(own).each == "optim.lr"
    # Categories come beside the axes of the file, and take the place of its own.
    for tasks in (("a", "b"), ("c",)):
        own = as_grid(
            own, **grid_options({"axes": ["data.category=" + ",".join(tasks)]}, BASE)
        )
        assert [len(axis.values) for axis in own.axes] == [len(tasks), 2, 2]
        assert own.each == "data.category"
    for wrong in ("optim.lr", "optim.lr=", "=1", "optim.lr=1,,2"):
        with pytest.raises(ConfigError, match="--grid takes NAME=VALUE"):
            grid_options({"axes": [wrong]}, BASE)
    for wrong in ("optim.lr=1", "optim.lr=2:1", "optim.lr=0:1:log", "optim.lr=1:2:x"):
        with pytest.raises(ConfigError, match="--draw takes NAME=LOW:HIGH"):
            grid_options({"draws": [wrong]}, BASE)
    with pytest.raises(ConfigError, match="seeds"):
        as_grid(None, seeds="many")


def test_a_grid_reads_back_exactly(tmp_path):
    grid = Grid(axes=(Axis.of("model.hidden", (8, 4), (3,)), Axis.of("seed", 0, 1)))
    file = tmp_path / "grid.json"
    both = {"config": json.loads(to_json(BASE)), "grid": json.loads(grid_to_json(grid))}
    file.write_text(json.dumps(both))
    assert load_sweep(file) == (BASE, grid)


def test_lanes_share_epochs_and_groups_share_shapes():
    grid = as_grid(
        {
            "train.epochs": [2, 5],
            "optim.lr": [1e-2, 1e-3],
            "model.latent_dim": [2, 3],
            "corrupt.level": [0.0, 0.1, 0.2],
        },
        seeds=2,
    )
    found = members.lanes(members.expand(BASE, grid))
    assert len(found) == 24
    assert all([m.config.train.epochs for m in x.members] == [2, 5] for x in found)
    grouped = members.groups(found, [None] * len(found))
    # Noise that is off is another program than noise of any level.
    assert sorted(len(group.lanes) for group in grouped) == [4, 4, 8, 8]
    cosine = set_values(BASE, {"optim.schedule": "cosine"})
    assert len(members.lanes(members.expand(cosine, grid))) == 48


def test_a_member_is_the_run_of_its_config_bit_for_bit(done, data, tmp_path):
    """Under `map`, at both ends of the shared training; the best run is a third."""
    rows = rank.rows(done.members.to_dict("list"))
    row = next(r for r in rows if r["optim.lr"] == 3e-3 and r["train.epochs"] == 2)
    config = set_values(
        BASE, {"optim.lr": 3e-3, "train.epochs": 2, "seed": row["seed"]}
    )
    run = jaxad.train(config, data, out=tmp_path / "run", quiet=True)
    split = np.asarray(run.scores["split"])
    for part in ("val", "test"):
        own = np.asarray(run.scores["score_mse"], np.float32)[split == part]
        np.testing.assert_allclose(own, done.arrays[part][row["member"]], rtol=1e-6)
    assert row["val_loss"] == run.history["val_loss"].min()
    best = rows[int(done.leaderboard.setting[0]) * 2]
    assert best["val_loss"] == done.best.history["val_loss"].min()
    assert best["auroc"] == pytest.approx(
        roc_auc_score(*_validation(done.best)), abs=1e-6
    )


def _validation(run):
    val = np.asarray(run.scores["split"]) == "val"
    label = np.asarray(run.scores["label"])[val]
    return label, np.asarray(run.scores["score_mse"])[val]


def test_modes_agree_and_a_diverged_member_changes_no_bit(done, data, tmp_path):
    grid = {"optim.lr": [1e-2, 1e30, 3e-3], "train.epochs": [2, 3]}
    tame = {"optim.lr": [1e-2, 1e-3, 3e-3], "train.epochs": [2, 3]}
    wild = sweep(data, tmp_path / "wild", grid, execution="vmap")
    calm = sweep(data, tmp_path / "calm", tame, execution="vmap")
    failed = done.members["optim.lr"] == 1e30
    assert (done.members.status[failed] == "diverged at step 1").all()
    assert (done.members.status[~failed] == "ok").all()
    for part in ("val", "test"):
        np.testing.assert_array_equal(
            wild.arrays[part][~failed], calm.arrays[part][~failed]
        )
        np.testing.assert_allclose(
            wild.arrays[part][~failed], done.arrays[part][~failed], rtol=1e-3
        )
    np.testing.assert_allclose(
        wild.members.auroc[~failed], done.members.auroc[~failed], atol=0.01
    )
    assert done.leaderboard["rank"].isna().sum() == 2
    assert done.leaderboard.reason.iloc[-1] == "diverged at step 1"


def test_members_side_by_side_in_threads_are_the_same_bit_for_bit(
    done, data, tmp_path, monkeypatch
):
    def two(fit, seconds, lanes, alone):
        compiled = fit("loop", None, 2)
        assert (compiled.lanes, seconds(compiled) > 0) == (2, True)
        return probe.Tried("loop x 2", compiled, None, {"loop x 2": 1.0})

    monkeypatch.setattr(probe, "fastest", two)
    grid = {"optim.lr": [1e-2, 1e30, 3e-3], "train.epochs": [2, 3]}
    found = sweep(data, tmp_path / "a", grid, execution="auto")
    for part in ("val", "test"):
        np.testing.assert_array_equal(found.arrays[part], done.arrays[part])
    kept = read_json(found.path / "grid.json")["choices"]
    assert [one["threads"] for one in kept.values()] == [2]


def test_the_fastest_way_is_chosen(monkeypatch):
    monkeypatch.setattr(probe, "cores", lambda: 4)

    class Way(NamedTuple):
        mode: str
        size: int
        threads: int

    def fastest(cost):
        def fit(mode, most, threads):
            return Way(mode, 1 if mode == "loop" else most or 40, threads)

        found = probe.fastest(fit, lambda way: cost[way], 40)
        return found.name, found.most

    cost = dict.fromkeys([Way("map", 40, 1), Way("vmap", 8, 1)], 2.0)
    cost |= {Way("vmap", 40, 1): 2.5, Way("loop", 1, 1): 3.0, Way("vmap", 8, 4): 1.0}
    cost[Way("loop", 1, 4)] = 1.5
    assert fastest(cost) == ("vmap of 8 x 4", 8)
    # Programs of several lanes are not tried where `vmap` is far behind.
    assert fastest(cost | {Way("vmap", 40, 1): 9.0}) == ("loop x 4", None)


def test_a_stopped_sweep_does_only_the_rest(done, data, tmp_path, monkeypatch):
    grid = {"optim.lr": [1e-2, 1e30, 3e-3], "train.epochs": [2, 3]}
    path = tmp_path / "killed"
    write, count = store.write, []

    def dying(*arguments):
        write(*arguments)
        count.append(arguments)
        if len(count) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(store, "write", dying)
    with pytest.raises(KeyboardInterrupt):
        sweep(data, path, grid, members=1)
    kept = sorted((path / "chunks").iterdir())
    assert len(kept) == 2
    before = [file.read_bytes() for file in kept]
    again = sweep(data, path, grid, members=1, resume=True)
    assert len(count) == 6
    assert [file.read_bytes() for file in kept] == before
    for part in ("val", "test"):
        np.testing.assert_array_equal(again.arrays[part], done.arrays[part])
    with pytest.raises(ConfigError, match=r"another sweep is there \(grid\.rank"):
        sweep(data, path, grid, rank="val_loss", resume=True)
    with pytest.raises(ConfigError, match="--resume"):
        sweep(data, path, grid)
    with pytest.raises(ConfigError, match="a run is there, not a sweep"):
        sweep(data, done.best.path, grid, resume=True)


def test_one_training_program_a_group_whatever_the_chunks(data, tmp_path, monkeypatch):
    compiled = []
    original = execute.compile_chunk

    def counted(*arguments):
        compiled.append(original(*arguments))
        return compiled[-1]

    monkeypatch.setattr(execute, "compile_chunk", counted)
    grid = {"optim.lr": [1e-2, 3e-3, 1e-3], "model.latent_dim": [2, 3]}
    sweep(data, tmp_path / "a", grid, seeds=1, members=2, execution="vmap")
    assert [one.size for one in compiled] == [2, 2]
    limit = (compiled[1].total + 100) / 1e9
    grid.pop("model.latent_dim")
    found = sweep(
        data, tmp_path / "b", grid, seeds=1, execution="vmap", memory_gb=limit
    )
    assert len(found.members) == 3
    assert (compiled[-1].size, compiled[-1].bytes) == (2, compiled[1].bytes)
    with pytest.raises(ConfigError, match=r"one member needs .* GB"):
        sweep(data, tmp_path / "c", grid, memory_gb=1e-6)


def test_out_of_memory_halves_the_chunk(data, tmp_path, monkeypatch):
    original, calls = chunks.train, []

    def failing(compiled, *arguments):
        calls.append(compiled.size)
        if compiled.size > 1:
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: out of memory")
        return original(compiled, *arguments)

    monkeypatch.setattr(chunks, "train", failing)
    grid = {"optim.lr": [1e-2, 3e-3, 1e-3, 3e-4]}
    found = sweep(data, tmp_path / "a", grid, seeds=1, execution="vmap")
    assert calls == [4, 2, 1, 1, 1, 1]
    assert (found.members.status == "ok").all()


def test_halving_trains_the_best_further(data, tmp_path):
    rates = {"optim.lr": [1e-2, 3e-3, 1e-3, 1e-4]}
    found = sweep(data, tmp_path / "a", rates, seeds=1, halve=2, halve_from=1)
    assert sorted(found.members.epochs) == [1, 1, 3, 3]
    assert found.members.auroc.notna().all()
    assert found.leaderboard.failed.sum() == 0
    culled = found.members.status.str.startswith("culled after epoch")
    assert culled.sum() == 2
    whole = sweep(data, tmp_path / "b", rates, seeds=1)
    best = int(found.leaderboard.setting[0])
    assert found.members.val_loss[best] == whole.members.val_loss[best]


def test_settings_with_other_images_are_not_joined(data, tmp_path, monkeypatch):
    """Training sets of 12 and 90 images: two programs, and no ensemble."""
    monkeypatch.setattr(measuring, "_run", RUN)
    grid = {"data.validation": [0.2, 0.9]}
    found = sweep(data, tmp_path / "s", grid, seeds=1)
    assert (found.members.status == "ok").all()
    assert "best: untrained" in set(found.held_out.row)
    assert not found.held_out.row.str.contains("ensemble").any()
    small = found.members["data.validation"] == 0.9
    config = set_values(BASE, {"data.validation": 0.9})
    run = jaxad.train(config, data, out=tmp_path / "run", quiet=True)
    own = run.history["val_loss"].min()
    assert (found.members.val_loss[small] == own).all()


def test_settings_are_ranked_by_means_over_members_that_did_not_fail():
    table = {
        "member": [0, 1, 2, 3, 4],
        "setting": [0, 0, 1, 1, 2],
        "lr": [1, 1, 2, 2, 3],
        "auroc": [0.5, 0.9, 0.8, 0.1, 0.99],
        "average_precision": [0.5] * 5,
        "f1_max": [0.5] * 5,
        "difference": [0.1, 0.3, 0.0, 9.0, 0.1],
        "val_loss": [0.3, 0.1, 0.05, 0.0, 0.5],
        "train_loss": [0.1] * 5,
        "mse_normal": [0.1] * 5,
        "mse_anomalous": [0.2] * 5,
        "status": ["ok", "ok", "ok", "diverged at step 3", "collapsed at step 0"],
        "flag": ["", "mean image", "", "", ""],
    }
    board = rank.leaderboard(table, "auroc", ["lr"])
    assert board["setting"] == [1, 0, 2]
    assert board["rank"] == [1, 2, None]
    assert board["failed"] == [1, 0, 1]
    assert board["auroc"][:2] == [0.8, pytest.approx(0.7)]
    assert board["flag"] == ["", "mean image", ""]
    assert board["reason"][2] == "collapsed at step 0"
    assert rank.leaderboard(table, "difference", ["lr"])["setting"] == [0, 1, 2]
    assert rank.leaderboard(table, "val_loss", ["lr"])["setting"] == [1, 0, 2]


def test_the_history_of_a_member_ends_with_its_own_epochs():
    loss = np.array([3.0, 2.0, 1.0, np.nan])
    history = {5: {"train_loss": loss, "val_loss": loss + 1}}
    at = SimpleNamespace(work=SimpleNamespace(history=history))
    for epochs, length in ((2, 2), (4, 3)):
        found = training.history(at, {5: epochs})
        assert found["member"] == [5] * length
        assert found["val_loss"] == [4.0, 3.0, 2.0][:length]


def test_a_model_to_start_from_is_looked_for_before_the_training(data, tmp_path):
    config = set_values(BASE, {"train.init_from": str(tmp_path / "none")})
    with pytest.raises(JaxadError, match="none"):
        jaxad.sweep(config, {"optim.lr": [1e-2]}, data, out=tmp_path / "x", quiet=True)
    assert not (tmp_path / "x" / "chunks").exists()


def test_a_resample_is_a_weighted_auroc():
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 200)
    score = np.round(rng.normal(label * 0.8), 1).astype(np.float32)
    both = jnp.asarray(np.stack([score, -score]))
    drawn = np.asarray(metrics.bootstrap_auroc(jax.random.key(0), both, label, 400))
    np.testing.assert_allclose(drawn.sum(1), 1, atol=1e-5)
    golden = roc_auc_score(label, score)
    low, high = np.quantile(drawn[:, 0], [0.025, 0.975])
    own = metrics.auroc_interval(jnp.asarray(score), jnp.asarray(label))
    np.testing.assert_allclose([low, high], own, atol=0.02)
    assert abs(drawn[:, 0].mean() - golden) < 0.01
    same = np.asarray(metrics.bootstrap_auroc(jax.random.key(0), both, label, 400))
    np.testing.assert_array_equal(same, drawn)


def test_copies_of_an_image_make_no_interval_narrower():
    """Whole groups are drawn: 25 copies of each example say no more than one."""
    rng = np.random.default_rng(0)
    label = (np.arange(60) % 3 == 0).astype(np.int32)
    score = (rng.normal(size=60) + label).astype(np.float32)
    own, group = np.arange(60, dtype=np.int32), np.arange(60, dtype=np.int32).repeat(25)
    many = score.repeat(25)[None], label.repeat(25)
    key = jax.random.key(0)

    def spread(*given):
        return np.asarray(metrics.bootstrap_auroc(key, *given))[:, 0].std()

    alone = spread(score[None], label, 600, own)
    # A resample is the AUROC with every example as often as its group was drawn.
    ties = np.round(score[None] * 3)
    few = own // 7
    found = np.asarray(metrics.bootstrap_auroc(key, ties, label, 5, few))[:, 0]
    for value, one in zip(found, jax.random.split(key, 5), strict=True):
        weight = np.bincount(jax.random.randint(one, (9,), 0, 9), minlength=9)[few]
        golden = roc_auc_score(label, ties[0], sample_weight=weight)
        assert value == pytest.approx(golden, abs=1e-6)
    assert spread(*many, 600, group) == pytest.approx(alone, rel=0.15)
    assert spread(*many, 600) == pytest.approx(alone / 5, rel=0.3)
    limits = {"rule": {"lower": -np.inf, "upper": 0.5, "status": "deployable"}}
    entry = evaluate.measure(limits, many[0][0], Labels(label, many[1], group))
    assert entry["auroc_interval"][1] - entry["auroc_interval"][0] > 3 * alone
    found = evaluate.measure(limits, many[0][0], Labels(label, many[1]))
    for name in ("recall_interval", "fpr_interval"):
        low, high = entry["at"]["rule"][name]
        narrow = found["at"]["rule"][name]
        assert high - low > 3 * (narrow[1] - narrow[0])


def test_an_ensemble_ignores_the_scale_of_its_parts():
    rng = np.random.default_rng(1)
    label = Labels(np.repeat([0, 1], 50), np.repeat([0, 1], 50))
    one = Pair(rng.normal(label.val), rng.normal(label.test))
    big = Pair(np.exp(3 * one.val), np.exp(3 * one.test))
    alone = choose.joined([Case(one, label)]).pair
    assert roc_auc_score(label.test, alone.test) == pytest.approx(
        roc_auc_score(label.test, one.test), abs=0.01
    )
    both = ensemble.join([one, big], label.val)
    assert (
        np.corrcoef(
            np.argsort(np.argsort(both.test)), np.argsort(np.argsort(one.test))
        )[0, 1]
        > 0.99
    )


def test_held_out_rows_have_intervals_and_are_compared_in_pairs(done):
    table = done.held_out
    best = table.iloc[0]
    assert best.row == "best"
    assert best.auroc_low <= best.auroc <= best.auroc_high
    assert {"best: ensemble of 4 settings", "best: mean image"} <= set(table.row)
    mean = table[table.row == "best: mean image"].iloc[0]
    assert mean.best_minus == pytest.approx(best.auroc - mean.auroc)
    assert mean.best_minus_low <= mean.best_minus <= mean.best_minus_high
    run = done.best.metrics["image"]["mse"]
    assert best.rule == next(iter(run["at"]))
    names = {"grid.json", "env.json", "members.csv", "leaderboard.csv", "history.csv"}
    assert names <= {file.name for file in done.path.iterdir()}


def test_a_sweep_stops_on_sigterm_and_goes_on(tmp_path, capsys):
    words = "sweep --grid optim.lr=1e-2,1e-3,1e-4 --execution loop --train.epochs 60"
    words += " --model.hidden 8 --model.latent-dim 2 --baselines.names"
    command = [sys.executable, "-m", "jaxad", *words.split(), "--out", tmp_path / "s"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    chunks = tmp_path / "s" / "chunks"
    process = subprocess.Popen(command, **pipes)
    end = time.monotonic() + 120
    while not (chunks.is_dir() and list(chunks.glob("*.npz"))):
        assert time.monotonic() < end
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    errors = process.communicate(timeout=60)[1]
    assert process.returncode == 75, errors
    assert errors.splitlines()[-1] == (
        "jaxad: error: stopped; finished chunks are kept: go on with --resume"
    )
    kept = {file.name: file.read_bytes() for file in chunks.iterdir()}
    assert 0 < len(kept) < 3
    assert cli.main([str(word) for word in [*command[3:], "--resume"]]) == 0
    again = capsys.readouterr()
    assert f"going on: {len(kept)} results are there" in again.err
    assert all((chunks / name).read_bytes() == kept[name] for name in kept)
    assert len(list(chunks.iterdir())) == 3
    assert "Held-out test data" in again.out


def test_rows_for_every_setting_and_seeds_that_share_images(data, tmp_path):
    config = set_values(BASE, {"data.seed": 0})
    found = jaxad.sweep(
        config,
        {"optim.lr": [1e-2, 1e-3]},
        data,
        out=tmp_path / "s",
        quiet=True,
        execution="map",
        seeds=2,
        each="optim.lr",
        every=True,
    )
    rows = pandas.read_csv(tmp_path / "s" / "every.csv")
    assert rows.score.tolist() == ["mse", "top"] * 2
    rows = rows[rows.score == "mse"].reset_index()
    assert rows["optim.lr"].tolist() == [1e-2, 1e-3]
    assert (rows.detectors == 2).all()
    each = found.held_out.set_index("row").auroc
    assert each["optim.lr=0.01"] == pytest.approx(rows.auroc[0])
    assert "best: ensemble of 2 seeds" in each
    test = found.arrays["test"][found.members["setting"] == 0]
    assert test.shape[0] == 2
    assert not np.array_equal(test[0], test[1])
