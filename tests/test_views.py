"""Scores that are means over an image and its mirror images."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxad
from jaxad import methods
from jaxad.config import Config, Data, Denoiser, Draem, Linear, Score, stages
from jaxad.config.traced import blank, traced
from jaxad.errors import ConfigError
from jaxad.types import Batch

CASES = {
    "draem": Config(
        model=Draem(recon=(3,), segment=(3, 4)), score=Score(("defect", "defect_mse"))
    ),
    "denoiser": Config(
        data=Data(tone="log"),
        model=Linear(latent_dim=3),
        denoiser=Denoiser(depth=2, width=2, kernel_size=1),
        score=Score(("mse", "smooth")),
    ),
}


@partial(jax.jit, static_argnums=0)
def scores(config, image):
    hparams = {name: jnp.float32(v) for name, v in traced(config).items()}
    label, key = jnp.zeros(len(image), jnp.int32), jax.random.key(0)
    batch = Batch(image, label, label == 0)
    method = methods.build(blank(config), 3)
    if config.denoiser is not None:
        first = methods.build(blank(stages.before(config)), 3)
        method = method.after(first.init(key, hparams, batch).model)
    model = method.init(key, hparams, batch).model
    return method.score(key, hparams, model, image)


def turned(image, times, mirrored):
    image = np.rot90(image, times, (1, 2))
    return image[:, ::-1] if mirrored else image


def back(image, times, mirrored):
    return np.rot90(image[:, ::-1] if mirrored else image, -times, (1, 2))


@pytest.mark.parametrize(
    ("kind", "quarters"), [("flips", (0, 2)), ("square", (0, 1, 2, 3))]
)
@pytest.mark.parametrize("name", CASES)
def test_scores_are_means_over_views(name, kind, quarters):
    config = CASES[name]
    image = np.random.default_rng(0).random((3, 12, 12, 1), np.float32)
    wide = dataclasses.replace(
        config, score=dataclasses.replace(config.score, views=kind)
    )
    found = scores(wide, image)
    views = [(times, mirrored) for times in quarters for mirrored in (False, True)]
    seen = [scores(config, turned(image, *view).copy()) for view in views]
    for score, value in found.values.items():
        alone = np.stack([one.values[score] for one in seen])
        assert np.ptp(alone, 0).min() > 1e-6
        np.testing.assert_allclose(value, alone.mean(0), rtol=1e-5)
        maps = [
            back(np.asarray(one.maps[score]), *view)
            for one, view in zip(seen, views, strict=True)
        ]
        np.testing.assert_allclose(found.maps[score], np.mean(maps, 0), 1e-4, 1e-6)
    for view in views:
        same = scores(wide, turned(image, *view).copy())
        jax.tree.map(
            partial(np.testing.assert_allclose, rtol=1e-5), same.values, found.values
        )


def test_only_squares_have_eight_views(tmp_path):
    image = np.random.default_rng(0).random((40, 12, 16, 1), np.float32)
    config = dataclasses.replace(
        CASES["draem"], score=Score(("defect",), views="square")
    )
    with pytest.raises(ConfigError, match="images of 12x16 are not square"):
        jaxad.train(config, image, out=tmp_path / "run", quiet=True)
    assert not (tmp_path / "run" / "checkpoints").exists()
    flips = dataclasses.replace(config, score=Score(("defect",), views="flips"))
    assert scores(flips, image).values["defect"].shape == (40,)
