"""What is said of a bottleneck, beside what it was made to be."""

from types import SimpleNamespace

import numpy as np
import pytest

import jaxad
from jaxad import latents
from jaxad.config import (
    Baselines,
    Config,
    FixedFpr,
    Loss,
    Optim,
    Score,
    Threshold,
    Train,
    Vae,
)
from jaxad.report import read
from jaxad.report.plots import figures


class Fixed:
    """A scorer whose latents are given."""

    def __init__(self, **arrays):
        self.arrays = arrays

    def latent(self, model, image):
        return {name: values[: len(image)] for name, values in self.arrays.items()}


def splits(count=400):
    image = np.zeros((count, 2, 2, 1), np.uint8)
    val = SimpleNamespace(image=image, label=np.zeros(count, np.int32))
    return SimpleNamespace(val=val)


def test_latents_are_counted_as_they_were_made():
    rng = np.random.default_rng(0)
    two = rng.normal(size=(400, 2))
    # Four equal and one dead latent, two directions.
    latent = np.concatenate([two, -two, np.full((400, 1), 3.0)], 1)
    found = latents.measure(splits(), Fixed(latent=latent), {})
    assert (found["size"], found["dead"]) == (5, 1)
    assert found["dimensions"] == pytest.approx(2, abs=0.05)
    assert found["variance"] == sorted(found["variance"], reverse=True)
    np.testing.assert_allclose(
        found["variance"], np.sort(latent.var(0))[::-1], rtol=1e-6
    )
    kl = np.stack([np.full(400, 0.001), np.linspace(1, 3, 400)], 1)
    mean = np.stack([0.01 * two[:, 0], two[:, 1]], 1)
    found = latents.measure(splits(), Fixed(latent=mean, kl=kl), {})
    assert found["dead"] == 1
    assert found["kl"] == pytest.approx([2, 0.001])
    assert found["kl_total"] == pytest.approx(2.001)
    assert latents.measure(splits(), Fixed(), {}) == {}


def test_a_run_says_what_its_bottleneck_holds(tmp_path):
    """A strong prior empties the latents; the report shows it."""
    config = Config(
        model=Vae(channels=(4,), kernel_size=3, latent_dim=3),
        loss=Loss(kind="elbo", beta=1e4),
        optim=Optim(lr=0.03),
        train=Train(epochs=12, batch_size=32),
        score=Score(names=("elbo",)),
        threshold=Threshold(rules=(FixedFpr(),)),
        baselines=Baselines(names=()),
    )
    image = np.random.default_rng(0).random((80, 8, 8, 1)).astype(np.float32)
    run = jaxad.train(config, image, out=tmp_path / "run", quiet=True)
    latent = run.metrics["latent"]
    assert (latent["size"], latent["dead"]) == (3, 3)
    assert len(latent["kl"]) == 3
    assert 0 <= latent["kl_total"] < 0.5
    assert "latents" in figures(read(run.path))
