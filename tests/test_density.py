"""Densities of latents: the goldens' values, in runs, vmapped, padded, degenerate."""

import dataclasses
import shutil

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from scipy.stats import gaussian_kde
from sklearn.covariance import LedoitWolf
from sklearn.metrics import roc_auc_score

import jaxad
from jaxad import cli, methods
from jaxad.batches import TrainData, blocks, finalized
from jaxad.checkpoint import files
from jaxad.config import Baselines, Config, Conv, Data, Linear, Score, Train
from jaxad.config.traced import blank, traced
from jaxad.errors import CheckpointError, ConfigError, DataError
from jaxad.methods import density, kernels
from jaxad.scoring import Scorer

BOTH = ("latent_kde", "latent_mahalanobis")
SPEC = Score(names=BOTH)


def cloud(count, seed=0, size=4):
    """(count, size) float32, correlated and off the origin."""
    random = np.random.default_rng(seed)
    mixed = random.normal(size=(count, size)) @ np.tri(size) + 3
    return mixed.astype(np.float32)


def as_blocks(rows, size=64):
    """Rows as blocks of images whose latent is the image itself."""
    image = jnp.asarray(rows).reshape(len(rows), 1, 1, -1)
    at = jnp.arange(len(rows), dtype=jnp.int32)
    return blocks(image, jnp.zeros(len(rows), jnp.int32), at, size)


def fitted(train, val=None, spec=SPEC, size=64):
    """The density of rows, jitted."""
    val = cloud(50, 9, train.shape[1]) if val is None else val

    def run(key, train, val):
        parts = as_blocks(train, size), as_blocks(val, size)
        return density.fit(key, spec, lambda image: image, *parts)

    return jax.jit(run)(jax.random.key(0), train, val)


def scored(model, rows, spec=SPEC):
    found = jax.jit(lambda m, x: density.scores(spec, m, x))(model, rows)
    return {name: np.asarray(values) for name, values in found.items()}


@pytest.mark.parametrize("factor", [0.1, 0.5, "scott", "silverman"])
def test_the_kernel_density_is_that_of_scipy(factor):
    points, at = cloud(1500), cloud(60, 1) * 1.5
    golden = gaussian_kde(points.T.astype(float), bw_method=factor)
    centre = points.mean(0)
    whiten = np.linalg.inv(np.linalg.cholesky(np.cov(points.T))).T
    points, at = ((x - centre) @ whiten for x in (points, at))
    width = factor
    if isinstance(factor, str):
        width = kernels.rule(factor, jnp.float32(1500), 4)
        assert width == pytest.approx(golden.factor, rel=1e-6)
    points, valid = (
        jnp.concatenate([jnp.float32(points), jnp.full((7, 4), 9e9)]),
        jnp.arange(1507) < 1500,
    )
    found = jax.jit(kernels.log_density)(
        points, valid, jnp.float32(at), jnp.float32([width])
    )
    expected = golden.logpdf((at @ np.linalg.inv(whiten) + centre).T)
    found = found[0] + np.linalg.slogdet(whiten)[1]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_the_distance_is_that_of_ledoit_and_wolf():
    rows, at = cloud(70, size=8), cloud(90, 1, size=8) * 1.3
    unit = (rows - rows.mean(0)) / rows.std(0)
    golden = LedoitWolf().fit(unit.astype(float))
    assert golden.shrinkage_ > density.RIDGE
    expected = golden.mahalanobis((at - rows.mean(0)) / rows.std(0)) / 8
    found = scored(fitted(rows), at)["latent_mahalanobis"]
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_padding_and_blocks_change_nothing():
    rows, at = cloud(200), cloud(30, 1)
    whole = scored(fitted(rows, size=200), at)
    for size in (64, 7):
        other = scored(fitted(rows, size=size), at)
        for name in BOTH:
            np.testing.assert_allclose(other[name], whole[name], rtol=1e-4, atol=1e-4)
    image = jnp.asarray(rows).reshape(200, 1, 1, 4)
    label, row = jnp.zeros(200, jnp.int32), jnp.arange(200, dtype=jnp.int32)
    some = blocks(image, label, jnp.where(row % 3 == 0, -1 - row, row), 64)
    val = as_blocks(cloud(50, 9))
    fit = jax.jit(lambda key: density.fit(key, SPEC, lambda x: x, some, val))
    model = fit(jax.random.key(0))
    alone = fitted(rows[row % 3 != 0])
    for name, values in scored(alone, at).items():
        found = scored(model, at)[name]
        np.testing.assert_allclose(found, values, rtol=1e-4, atol=1e-4)


def test_dead_dimensions_and_far_points_stay_finite_and_do_not_dominate():
    rows, at = cloud(200), cloud(30, 1)
    dead = np.concatenate([rows, np.full((200, 2), 7.3, np.float32)], 1)
    seen = np.concatenate([at, np.full((30, 2), 7.3, np.float32)], 1)
    model, plain = fitted(dead), scored(fitted(rows), at)["latent_mahalanobis"]
    same = scored(model, seen)["latent_mahalanobis"]
    np.testing.assert_allclose(same * 6, plain * 4, rtol=0.02)
    spread = rows.std()
    seen[:, 4] += spread  # counts as in an average dimension
    moved = scored(model, seen)["latent_mahalanobis"]
    assert 0.2 < np.median(6 * (moved - same)) < 5
    for constant in (np.zeros((200, 3)), np.full((200, 3), 5.0)):
        model = fitted(constant.astype(np.float32))
        for far in (0.0, 1.0, 1e6, 1e20, 3e38, -np.inf):
            values = scored(model, np.full((4, 3), far, np.float32))
            assert all(np.isfinite(x).all() for x in values.values())
    far = scored(fitted(rows), np.float32(3) + np.geomspace(1, 1e9, 30)[:, None])
    assert all((np.diff(x) > 0).all() for x in far.values())


def test_bandwidth_by_validation_is_the_likeliest_of_its_grid():
    rows, val = cloud(300), cloud(100, 2)
    model = fitted(rows, val)
    scott = fitted(rows, val, dataclasses.replace(SPEC, bandwidth="scott"))
    widths = scott["bandwidth"] * np.float32(kernels.FACTORS)
    mean = [
        -scored({**model, "bandwidth": width}, val)["latent_kde"].mean()
        for width in widths
    ]
    best = float(widths[np.argmax(mean)])
    assert float(model["bandwidth"]) == pytest.approx(best, rel=1e-6)
    assert 0 < np.argmax(mean) < len(widths) - 1


def test_fewer_points_are_drawn_by_the_key_and_never_padding():
    rows, few = cloud(100), dataclasses.replace(SPEC, kde_points=40)
    model = fitted(rows, spec=few)
    assert model["points"].shape == (40, 4)
    assert model["valid"].all()
    every = np.asarray(fitted(rows)["points"])
    distance = np.abs(np.asarray(model["points"])[:, None] - every[None]).max(-1)
    drawn = np.sort(distance.argmin(1))
    assert distance.min(1).max() < 1e-5
    assert len(set(drawn.tolist())) == 40
    assert drawn.max() > 40  # not the first ones


NAMES = (*BOTH, "mse")
CONFIG = Config(
    data=Data(limit=120),
    model=Linear(latent_dim=4),
    train=Train(epochs=20, batch_size=16),
    score=Score(names=NAMES, kde_points=100),
    baselines=Baselines(names=("knn", "mahalanobis")),
)


@pytest.mark.parametrize("model", [Linear(latent_dim=3), Conv(channels=(4, 2))])
def test_members_of_vmap_equal_a_loop(model):
    config = dataclasses.replace(CONFIG, model=model)
    hparams = {k: jnp.float32(v) for k, v in traced(config).items()}
    method = methods.build(blank(config), steps=1)
    image = jax.random.uniform(jax.random.key(0), (45, 12, 12, 1))
    rows, label = jnp.arange(45, dtype=jnp.int32), jnp.zeros(45, jnp.int32)
    data = TrainData(image, label, rows, image[:9], label[:9], rows[:9])

    def run(key, rows):
        batch = blocks(image, label, rows, 8).take(jnp.int32(0))
        state = method.init(key, hparams, batch)
        mine = data._replace(rows=rows)
        final = finalized(method, key, hparams, state.model, mine, 16)
        return final, method.score(key, hparams, final, image[:8]).values

    keys = jax.random.split(jax.random.key(1), 2)
    subsets = jnp.stack([rows, jnp.where(rows < 30, rows, -1 - rows)])
    together, alone = jax.jit(jax.vmap(run))(keys, subsets), jax.jit(run)
    for i in range(2):
        member = jax.tree.map(lambda leaf, i=i: leaf[i], together[1])
        single = alone(keys[i], subsets[i])
        assert set(member) == set(NAMES)
        for name in NAMES:
            np.testing.assert_allclose(member[name], single[1][name], 1e-3, 1e-3)
    scorer = Scorer(method, keys[0], hparams, Score(names=NAMES, block=8))
    values = scorer.values(single[0], np.asarray(image))
    order = np.random.default_rng(0).permutation(45)
    mixed = scorer.values(single[0], np.asarray(image[order]))
    for name in NAMES:
        np.testing.assert_array_equal(values[name][order], mixed[name])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "latent"
    return jaxad.train(CONFIG, out=path, quiet=True)


def test_a_run_is_scored_again_without_its_data(run, tmp_path):
    splits = jaxad.data.split(jaxad.data.load("digits"), CONFIG.data, CONFIG.seed)
    test = run.scores["split"] == "test"
    found = jaxad.score(jaxad.load_run(run.path), splits.test.image[:5])
    for number, image in enumerate(splits.test.image[:5, :, :, 0]):
        Image.fromarray(image).save(tmp_path / f"{number}.png")
    paths = [str(tmp_path / f"{number}.png") for number in range(5)]
    out = ["--out", str(tmp_path / "scored"), "--maps"]
    assert cli.main(["score", str(run.path), *paths, *out]) == 0
    lines = (tmp_path / "scored" / "scores.csv").read_text().splitlines()
    rows = [line.split(",")[1 : 1 + len(NAMES)] for line in lines[1:]]
    for column, name in enumerate(NAMES):
        expected = run.scores[f"score_{name}"][test][:5].astype(np.float32)
        np.testing.assert_array_equal(found.values[name], expected)
        np.testing.assert_array_equal(np.float32([r[column] for r in rows]), expected)
    entry = run.metrics["image"]
    assert set(entry) == {*NAMES, "knn", "mahalanobis"}
    label = run.scores["label"][test]
    auroc = roc_auc_score(label, run.scores["score_latent_kde"][test])
    assert entry["latent_kde"]["auroc"] == pytest.approx(auroc, abs=1e-6)
    assert "untrained" in run.metrics["trivial"]


def test_a_run_killed_while_it_is_finalised_goes_on(run, tmp_path, monkeypatch):
    copied = shutil.copytree(run.path, tmp_path / "copied")
    (copied / "metrics.json").unlink()
    real = files.write

    def cut_off(folder, arrays, record):
        real(folder, arrays, record)
        raise KeyboardInterrupt  # as a kill between writing and renaming

    monkeypatch.setattr(files, "write", cut_off)
    with pytest.raises(KeyboardInterrupt):
        jaxad.train(CONFIG, out=copied, resume=True, quiet=True)
    monkeypatch.undo()
    assert not list((copied / "model").glob("[0-9]*"))
    with pytest.raises(DataError):
        jaxad.load_run(copied)
    again = jaxad.train(CONFIG, out=copied, resume=True, quiet=True)
    for name in ("scores.csv", "metrics.json", "thresholds.json"):
        assert (copied / name).read_bytes() == (run.path / name).read_bytes()
    jax.tree.map(np.testing.assert_array_equal, again.state, run.state)


def test_other_scores_finalise_again_and_a_damaged_density_is_refused(run, tmp_path):
    copied = shutil.copytree(run.path, tmp_path / "copied")
    only = dataclasses.replace(CONFIG, score=Score(names=("latent_mahalanobis",)))
    again = jaxad.train(only, out=copied, resume=True, quiet=True)
    assert "points" not in again.state.model["density"]
    column = "score_latent_mahalanobis"
    np.testing.assert_array_equal(again.scores[column], run.scores[column])
    Image.new("L", (28, 28)).save(tmp_path / "0.png")
    assert cli.main(["score", str(copied), str(tmp_path / "0.png"), "--maps"]) == 3
    warm = dataclasses.replace(CONFIG.train, epochs=1, init_from=str(run.path))
    warm = dataclasses.replace(CONFIG, train=warm, score=Score(names=("mse",)))
    started = jaxad.train(warm, out=tmp_path / "warm", quiet=True)
    assert not (started.path / "model").exists()
    assert "density" not in started.state.model
    broken = shutil.copytree(run.path, tmp_path / "broken")
    for file in (broken / "model" / "0").rglob("*"):
        if file.is_file():
            file.write_bytes(b"\0" * file.stat().st_size)
    with pytest.raises(CheckpointError, match="damaged"):
        jaxad.load_run(broken)
    for gone in (False, True):  # and made again
        if gone:
            shutil.rmtree(broken / "model")
        again = jaxad.train(CONFIG, out=broken, resume=True, quiet=True)
        jax.tree.map(np.testing.assert_array_equal, again.state, run.state)


class Bare(nn.Module):
    """A module that gives no latent."""

    @nn.compact
    def __call__(self, image):
        return nn.Dense(image.shape[-1])(image)


def test_what_has_no_density_is_refused_before_the_training(tmp_path):
    images = np.zeros((90, 28, 28), np.uint8)
    images[:, 3:9] = np.arange(90)[:, None, None]
    with pytest.raises(ConfigError, match="no latent") as caught:
        jaxad.train(CONFIG, images, module=Bare(), out=tmp_path / "r", quiet=True)
    assert "\n" not in str(caught.value)
