"""Scores fitted after the training: ranks, z-scores by pixel, wide latents."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage
from sklearn.metrics import roc_auc_score

import jaxad
from jaxad import data as sources
from jaxad.batches import blocks
from jaxad.config import (
    Baselines,
    Config,
    Corruption,
    Data,
    Defects,
    Denoiser,
    FixedFpr,
    Grid,
    Linear,
    Optim,
    Score,
    Threshold,
    Train,
    load_config,
    set_values,
)
from jaxad.errors import ConfigError
from jaxad.methods import density, either, positions, residual

NAMES = ("either", "mse", "latent_kde", "zmap")
NOISE = (
    Corruption(kind="gaussian", level=0.5),
    Corruption(kind="gaussian", level=0.1),
    Corruption(kind="salt_and_pepper", level=0.3),
)
CONFIG = Config(
    data=Data(validation=0.3, protocol=Defects(tune=0.2, robustness=NOISE)),
    model=Linear(latent_dim=3),
    optim=Optim(lr=1e-2),
    train=Train(epochs=60, batch_size=32),
    score=Score(names=NAMES, either=("zmap", "latent_kde"), block=32),
    threshold=Threshold(rules=(FixedFpr(rate=0.1),)),
    baselines=Baselines(names=("pca",), components=4),
)


def test_the_rank_is_the_share_of_validation_normals_below_and_goes_on_beyond():
    rng = np.random.default_rng(0)
    val = {"a": rng.normal(size=101), "b": 1e6 * rng.gamma(2, size=101)}
    padded = {k: jnp.float32(np.append(v, [9e9] * 7)) for k, v in val.items()}
    known = jax.jit(either.fit)(padded, jnp.arange(108) < 101)
    at = {k: np.quantile(v, [0, 0.3, 0.77, 1.0]) for k, v in val.items()}
    for name, points in at.items():
        found = either.rank(known[name], jnp.float32(points))
        share = (val[name][None] <= points[:, None] * (1 + 1e-6)).mean(1)
        np.testing.assert_allclose(found, share, atol=0.011)
        wide = np.sort(np.append(np.linspace(-9, 9, 200) * np.ptp(val[name]), points))
        ranks = np.asarray(either.rank(known[name], jnp.float32(wide)))
        assert (np.diff(ranks) > 0).mean() > 0.99  # no ties beyond the normals
        assert (np.diff(ranks) >= 0).all()
    both = either.score(known, {k: jnp.float32(v[:3]) for k, v in at.items()})
    each = [either.rank(known[k], jnp.float32(v[:3])) for k, v in at.items()]
    np.testing.assert_array_equal(both, np.maximum(*each))


def test_z_scores_are_those_of_numpy_whatever_the_blocks():
    rng = np.random.default_rng(1)
    image = rng.normal(3, 1, (50, 5, 4, 1)).astype(np.float32)
    image *= np.linspace(0.5, 2, 20).reshape(1, 5, 4, 1).astype(np.float32)
    rows = jnp.arange(50, dtype=jnp.int32)
    for size in (7, 64):
        part = blocks(jnp.asarray(image), jnp.zeros(50, jnp.int32), rows, size)
        found = jax.jit(lambda part=part: positions.fit(lambda x: x[..., 0], part))()
        np.testing.assert_allclose(found["mean"], image[..., 0].mean(0), rtol=1e-5)
        np.testing.assert_allclose(found["std"], image[..., 0].std(0), rtol=1e-4)
    z = positions.deviations(found, jnp.asarray(image[..., 0]))
    assert np.mean(np.square(z)) == pytest.approx(1, rel=1e-3)


@pytest.mark.parametrize("second", [False, True])
def test_what_is_usual_needs_no_model_and_stands_beside_any(second, tmp_path):
    """Its scores are of the images alone, behind a denoising network as well."""
    rng = np.random.default_rng(5)
    image = rng.normal(0.5, 0.05, (90, 8, 9, 1)).astype(np.float32)
    label = np.repeat([0, 1], [70, 20])
    image[70:, 4, 4] -= 0.3
    image = image.clip(0, 1)
    names = ("zdark", "either", "mse", "zimage", "zbright")
    both = ("zdark", "smooth") if second else ("zdark", "mse")
    config = dataclasses.replace(
        CONFIG,
        data=Data(protocol=Defects()),
        train=Train(epochs=1),
        denoiser=Denoiser(depth=1, width=2, train=Train(epochs=1)) if second else None,
        score=Score((*names, *both[1 : 2 if second else 1]), top=0.02, either=both),
        baselines=Baselines(names=()),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jaxad.run.draw", lambda path: [])
        run = jaxad.train(config, (image, label), out=tmp_path / "r", quiet=True)
    splits = sources.split(sources.from_arrays(image, label), config.data, 0)
    train = splits.train.image
    found = jaxad.score(jaxad.load_run(run.path), image)
    z = ((image - train.mean(0)) / train.std(0))[..., 0]
    maps = {"zdark": np.maximum(-z, 0), "zbright": np.maximum(z, 0), "zimage": abs(z)}
    for name, expected in maps.items():
        np.testing.assert_allclose(found.maps[name], expected, 1e-3, 1e-3)
        largest = np.sort(expected.reshape(90, -1))[:, -1:].mean(1)
        np.testing.assert_allclose(found.values[name], largest, rtol=1e-3)
    assert tuple(found.values) == config.score.names
    assert (
        run.metrics["image"]["zdark"]["auroc"]
        > 0.95
        > run.metrics["image"]["mse"]["auroc"]
    )
    assert run.metrics["image"]["either"]["auroc"] > 0.8


@pytest.mark.parametrize("sigma", [0.7, 2.0])
def test_smoothing_is_scipys(sigma):
    maps = np.random.default_rng(2).random((3, 12, 17)).astype(np.float32)
    golden = [
        ndimage.gaussian_filter(
            x, sigma, mode="reflect", radius=int(np.ceil(3 * sigma))
        )
        for x in maps
    ]
    found = residual.smoothed(jnp.asarray(maps), sigma)
    np.testing.assert_allclose(found, golden, atol=1e-5)


def test_latents_wider_than_a_covariance_are_scaled_by_dimension(monkeypatch):
    rng = np.random.default_rng(3)
    rows = (rng.normal(size=(40, 30)) * np.geomspace(1, 100, 30)).astype(np.float32)
    monkeypatch.setattr(density, "LARGEST", 20)
    image = jnp.asarray(rows).reshape(40, 1, 1, 30)
    part = blocks(image, jnp.zeros(40, jnp.int32), jnp.arange(40, dtype=jnp.int32), 16)
    spec = Score(names=("latent_kde", "latent_mahalanobis"), bandwidth=0.2)
    found = density.fit(jax.random.key(0), spec, lambda x: x, part, part)
    assert found["whiten"].shape == (30,)
    assert found["bandwidth"] == np.float32(0.2)
    scores = density.scores(spec, found, jnp.asarray(rows))
    expected = np.square((rows - rows.mean(0)) / rows.std(0)).mean(1)
    np.testing.assert_allclose(scores["latent_mahalanobis"], expected, rtol=1e-4)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Defects of two kinds: one for the residual, one for the density, no kind both."""
    rng = np.random.default_rng(4)
    image = rng.normal(0.5, 0.02, (160, 10, 10, 1))
    image[:, :5] += 0.1 * rng.normal(size=(160, 1, 1, 1))
    label = np.zeros(160, int)
    label[100:130], label[130:] = 1, 2
    image[100:130, 7, 7] += 0.3
    image[130:, :5] += 0.45
    image = np.clip(image, 0, 1).astype(np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jaxad.run.draw", lambda path: [])
        path = tmp_path_factory.mktemp("fitted") / "run"
        given = (image, np.minimum(label, 1))
        return jaxad.train(CONFIG, given, out=path, quiet=True)


def test_either_finds_what_one_of_its_parts_finds(run):
    test = np.asarray(run.scores["split"]) == "test"
    label = np.asarray(run.scores["label"])[test]
    auroc = {
        name: roc_auc_score(label, np.asarray(run.scores[f"score_{name}"])[test])
        for name in NAMES
    }
    assert auroc["either"] > 0.97
    assert auroc["latent_kde"] < 0.9
    again = jaxad.load_run(run.path)
    for leaf, kept in zip(
        jax.tree.leaves(run.state.model),
        jax.tree.leaves(again.state.model),
        strict=True,
    ):
        np.testing.assert_array_equal(leaf, kept)


def test_noise_on_test_images_is_measured_for_every_detector(run):
    curves = {curve["kind"]: curve for curve in run.metrics["robustness"]}
    assert curves["gaussian"]["levels"] == [0.0, 0.1, 0.5]
    assert curves["salt_and_pepper"]["levels"] == [0.0, 0.3]
    for curve in curves.values():
        assert set(curve["auroc"]) == {*NAMES, "pca"}
        for name, values in curve["auroc"].items():
            assert values[0] == run.metrics["image"][name]["auroc"]
            assert values[-1] < values[0], name


def test_the_likeliest_bandwidth_is_kept_with_its_curve(run):
    found = run.metrics["latent"]["bandwidth"]
    best = found["widths"][int(np.argmax(found["likelihoods"]))]
    assert found["chosen"] == pytest.approx(best, rel=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"either": ("mse",)}, "two or more"),
        ({"either": ("mse", "either")}, "two or more"),
        ({"either": ("mse", "ssim")}, "ssim is not among"),
    ],
)
def test_either_needs_its_parts(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(CONFIG.score, **change)


def test_without_validation_normals_there_are_no_ranks():
    spec = {"score.names": NAMES, "data.patches.size": 16}
    with pytest.raises(ConfigError, match="whole images"):
        set_values(CONFIG, spec)


def test_categories_are_tasks_of_their_own():
    found = Grid(axes=({"names": ("data.category",), "values": (("a",), ("b",))},))
    assert found.each == "data.category"
    assert load_config("configs/mvtec/kd_cae.py").data.root == "mvtec"
