"""The evidence lower bound and variational autoencoders, beside SciPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from pydantic import ValidationError
from scipy import integrate, stats

from jaxad import losses, methods, models
from jaxad.config import Config, Loss, Score, Strided, Vae, blank
from jaxad.models import EVAL, Mode
from jaxad.types import Batch, Output

SPEC = Vae(channels=(4, 6), kernel_size=3, latent_dim=3)
IMAGE = np.random.default_rng(0).random((5, 9, 11, 1)).astype(np.float32)


def output(recon, seed=1):
    rng = np.random.default_rng(seed)
    mean, logvar = rng.normal(size=(2, len(recon), 3)).astype(np.float32)
    return Output(jnp.asarray(recon), mean, mean, logvar, jnp.float32(-1.2))


@pytest.mark.parametrize(("variance", "own"), [(None, np.exp(-1.2)), (0.3, 0.3)])
def test_the_gaussian_bound_is_scipys(variance, own):
    given = output(IMAGE[::-1].copy())
    found = losses.negative_elbo(given, IMAGE, "gaussian", variance, 2.0)
    likely = stats.norm(IMAGE[::-1], np.sqrt(own)).logpdf(IMAGE).sum((1, 2, 3))
    for i in range(len(IMAGE)):
        apart = [
            integrate.quad(
                lambda z, q: q.pdf(z) * (q.logpdf(z) - stats.norm.logpdf(z)), -30, 30, q
            )[0]
            for q in (
                (stats.norm(m, np.exp(v / 2)),)
                for m, v in zip(given.mean[i], given.logvar[i], strict=True)
            )
        ]
        golden = (-likely[i] + 2 * sum(apart)) / IMAGE[0].size
        np.testing.assert_allclose(found[i], golden, rtol=1e-4)


def test_the_bernoulli_bound_is_cross_entropy_and_divergence():
    given = output(IMAGE)
    found = losses.negative_elbo(given, IMAGE, "bernoulli", None, 0.0)
    golden = -(IMAGE * np.log(IMAGE) + (1 - IMAGE) * np.log(1 - IMAGE)).mean((1, 2, 3))
    np.testing.assert_allclose(found, golden, rtol=1e-4)
    more = losses.negative_elbo(given, IMAGE, "bernoulli", None, 1.0)
    apart = losses.divergence(given).sum(1) / IMAGE[0].size
    np.testing.assert_allclose(more - found, apart, rtol=1e-4)


def fresh(module, key):
    variables = models.init(module, key, IMAGE)
    return models.apply(module, variables, IMAGE)[0]


@pytest.mark.parametrize("spec", [SPEC, Strided(channels=(4, 6), latent_dim=3)])
def test_any_size_comes_back(spec):
    module = models.build(spec)
    found = jax.jit(lambda key: fresh(module, key))(jax.random.key(0))
    assert found.recon.shape == IMAGE.shape
    assert found.latent.shape == (5, 3)


def test_draws_are_shared_in_scoring_and_apart_in_training():
    module = models.build(SPEC)
    init = jax.jit(lambda key: models.init(module, key, IMAGE))
    variables = init(jax.random.key(0))
    same = np.repeat(IMAGE[:1], 4, 0)
    key = jax.random.key(1)
    plain = models.apply(module, variables, same)[0]
    np.testing.assert_array_equal(plain.latent, plain.mean)
    drawn = models.apply(module, variables, same, EVAL, key)[0]
    np.testing.assert_array_equal(drawn.latent, drawn.latent[:1].repeat(4, 0))
    assert not np.allclose(drawn.latent, plain.latent)
    trained = models.apply(module, variables, same, Mode(True), key)[0]
    assert len(np.unique(np.asarray(trained.latent)[:, 0])) == 4


@pytest.mark.parametrize("samples", [0, 1, 3])
def test_scores_average_draws_and_ignore_the_batch(samples):
    names = ("mse", "elbo")
    config = Config(
        model=SPEC, loss=Loss(kind="elbo"), score=Score(names=names, samples=samples)
    )
    method = methods.build(blank(config))
    rows = jnp.zeros(5, jnp.int32)
    hparams = {"optim.lr": jnp.float32(1e-3), "loss.beta": jnp.float32(0.5)}
    hparams |= {name: jnp.float32(0.9) for name in ("optim.b1", "optim.b2")}
    batch = Batch(jnp.asarray(IMAGE), rows, rows == 0)
    state = jax.jit(method.init)(jax.random.key(0), hparams, batch)
    score = jax.jit(method.score)
    key = jax.random.key(2)
    found = score(key, hparams, state.model, IMAGE)
    assert found.values.keys() == set(names)
    assert list(found.maps) == ["mse"]
    turned = score(key, hparams, state.model, IMAGE[::-1].copy())
    np.testing.assert_allclose(turned.values["elbo"][::-1], found.values["elbo"], 1e-5)
    other = score(jax.random.key(3), hparams, state.model, IMAGE)
    assert np.allclose(other.values["mse"], found.values["mse"]) == (samples == 0)
    state, info = jax.jit(method.step)(key, hparams, state, batch)
    assert np.isfinite(info["loss"])
    assert info["grad_norm"] > 0


def test_a_variational_model_and_its_loss_need_each_other():
    for wrong in (
        {"model": SPEC},
        {"loss": Loss(kind="elbo")},
        {"score": Score(names=("elbo",))},
        {
            "model": Vae(head="linear"),
            "loss": Loss(kind="elbo", likelihood="bernoulli"),
        },
    ):
        with pytest.raises(ValidationError, match=r"elbo|bernoulli"):
            Config(**wrong)
