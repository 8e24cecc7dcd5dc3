"""Learning from synthetic defects: the losses, the scores, and what it finds."""

import dataclasses
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage

import jaxad
from jaxad import cli, losses, methods, models
from jaxad.config import (
    Baselines,
    Config,
    Draem,
    F1Max,
    Optim,
    Score,
    Threshold,
    Train,
)
from jaxad.config.traced import blank, traced
from jaxad.methods.discrimination import local_means
from jaxad.models.pooling import cells, pixels
from jaxad.types import Batch

NAMES = ("defect", "defect_top", "defect_mse")
CONFIG = Config(
    model=Draem(
        recon=(6,),
        segment=(8, 8),
        shapes=("piece",),
        fillings=("flat", "grain"),
        window=5,
    ),
    optim=Optim(lr=1e-2),
    train=Train(epochs=10, batch_size=16, select="last"),
    score=Score(names=NAMES, block=32),
    threshold=Threshold(rules=(F1Max(),)),
    baselines=Baselines(names=()),
)


def built(config):
    hparams = {name: jnp.float32(value) for name, value in traced(config).items()}
    return methods.build(blank(config), steps=10), hparams


def test_the_focal_loss_is_its_formula():
    logit = jnp.float32([[[-2.0, 0.5], [3.0, -60.0]], [[0.0, 1.0], [80.0, -1.0]]])
    mask = jnp.array([[[0, 1], [1, 1]], [[1, 0], [1, 0]]], bool)
    p = 1 / (1 + np.exp(-np.float64(logit)))
    right = np.where(mask, p, 1 - p)
    for gamma in (0.0, 2.0, 0.7):
        expected = np.mean(-((1 - right) ** gamma) * np.log(right), (1, 2))
        found = losses.focal(logit, mask, jnp.float32(gamma))
        np.testing.assert_allclose(found, expected, rtol=1e-5)
    grad = jax.grad(lambda x: losses.focal(x, mask, jnp.float32(2)).sum())(logit)
    assert np.isfinite(grad).all()


def test_local_means_are_those_of_windows_inside():
    image = jax.random.uniform(jax.random.key(0), (2, 9, 12))
    expected = ndimage.uniform_filter(np.asarray(image), (0, 5, 5))[:, 2:-2, 2:-2]
    np.testing.assert_allclose(local_means(image, 5), expected, rtol=1e-5)
    whole = local_means(image, 10)
    assert whole.shape == (2, 1, 3)
    np.testing.assert_allclose(whole[:, 0, 0], image[:, :, :10].mean((1, 2)), rtol=1e-5)


@pytest.mark.parametrize("size", [(13, 18, 3), (16, 16, 1)])
def test_any_size_is_given_back(size):
    image = jax.random.uniform(jax.random.key(0), (2, *size))
    module = models.build(Draem(recon=(4, 5, 6), segment=(4, 5)))

    def made(image):
        variables = models.init(module, jax.random.key(1), image)
        return models.apply(module, variables, image)[0]

    output = jax.eval_shape(made, image)
    assert output.recon.shape == image.shape
    assert output.pictures["logit"].shape == (*image.shape[:3], 1)
    even = image[:, :12]
    np.testing.assert_array_equal(pixels(cells(even, 2), 2), even)


def painted(key, image, *_):
    """Defects that depend on the image alone, so that devices can be compared."""
    mask = jnp.zeros(image.shape[:3], bool).at[:, 2:6, 3:7].set(True)
    return jnp.where(mask[..., None], 1 - image, image), mask


def test_the_step_is_of_the_losses_of_valid_examples_on_all_devices(monkeypatch):
    # By its path: in `jaxad.methods`, the name is that of the function.
    place = sys.modules["jaxad.methods.discrimination"]
    monkeypatch.setattr(place, "synthesise", painted)
    small = Draem(recon=(3,), segment=(3, 4), mse=0.3, ssim=0.6, focal=1.7, gamma=1)
    config = dataclasses.replace(CONFIG, model=small, optim=Optim(kind="sgd"))
    method, hparams = built(config)
    image = jax.random.uniform(jax.random.key(0), (8, 12, 12, 1))
    label, key = jnp.zeros(8, jnp.int32), jax.random.key(2)
    batch = Batch(image, label, jnp.arange(8) < 6)
    state = jax.jit(method.init)(key, hparams, batch)
    step = jax.jit(method.step)
    state, _ = step(key, hparams, state, batch)
    whole, info = step(key, hparams, state, batch)
    six = jax.tree.map(lambda x: x[:6], batch)
    alone, _ = step(key, hparams, state, six)
    parts = jax.tree.map(lambda x: x.reshape(2, 4, *x.shape[1:]), batch)
    one = lambda part: method.step(key, hparams, state, part, "data")[0].model  # noqa: E731
    devices = jax.jit(jax.vmap(one, axis_name="data"))(parts)
    for other in (alone.model, jax.tree.map(lambda x: x[1], devices)):
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, 2e-5, 2e-6),
            whole.model,
            other,
        )
    # With batch statistics, the loss is the sum that the config weighs.
    noisy, mask = painted(key, image)
    mode = models.Mode(True, None, batch.valid)
    output, _ = models.apply(models.build(small), state.model, noisy, mode)
    expected = 0.3 * losses.mse(output.recon, image)
    expected += 0.6 * losses.ssim(output.recon, image)
    expected += 1.7 * losses.focal(output.pictures["logit"][..., 0], mask, 1.0)
    np.testing.assert_allclose(info["loss"], expected[:6].mean(), rtol=1e-5)


@pytest.fixture(scope="module")
def data():
    """Stripes with noise; every fourth image has a grey square somewhere."""
    rng = np.random.default_rng(0)
    stripes = 0.5 + 0.35 * np.sin(np.arange(24) * 1.3)
    image = np.clip(stripes + rng.normal(0, 0.05, (160, 24, 24)), 0, 1)
    label = (np.arange(160) % 4 == 0).astype(np.int32)
    for row in np.flatnonzero(label):
        top, left = rng.integers(0, 17, 2)
        image[row, top : top + 7, left : left + 7] = rng.uniform(0.3, 0.7)
    return image[..., None].astype(np.float32), label


def test_it_finds_squares_that_it_has_never_seen(data, tmp_path, monkeypatch):
    monkeypatch.setattr("jaxad.run.draw", lambda path: [])
    run = jaxad.train(CONFIG, data, out=tmp_path / "run", quiet=True)
    assert run.metrics["image"]["defect"]["auroc"] > 0.95
    assert run.metrics["image"]["defect_top"]["auroc"] > 0.95
    scores = jaxad.score(run, data[0][:8])
    found = np.asarray(scores.maps["defect"])
    assert found.min() >= 0
    assert found.max() <= 1
    marked, clean = found[data[1][:8] == 1], found[data[1][:8] == 0]
    assert marked.max((1, 2)).min() > 2 * clean.mean()
    expected = np.asarray(local_means(jnp.asarray(found), 5)).max((1, 2))
    np.testing.assert_allclose(scores.values["defect"], expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ("--model.kind draem", "has no score mse; it has defect"),
        ("--score.names defect", "score.names defect needs model.kind draem"),
        (
            "--model.kind draem --score.names defect --loss.kind ssim",
            "loss.kind: model.kind draem has losses of its own",
        ),
        (
            "--model.kind draem --score.names defect --corrupt.level 0.1",
            "corrupt.level: model.kind draem has its own defects",
        ),
        (
            "--model.kind draem --score.names defect --model.shapes star",
            "star is not one of",
        ),
    ],
)
def test_what_it_cannot_do_is_one_line(options, complaint, capsys):
    assert cli.main(["train", *options.split()]) == 2
    error = capsys.readouterr().err.strip()
    assert complaint in error
    assert len(error.splitlines()) == 1
