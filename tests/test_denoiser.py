"""The denoising network and the stage it is: what it computes, scores and leaves."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxad
from jaxad import cli, loop, models, report
from jaxad.config import (
    Baselines,
    Config,
    Corrupt,
    Deep,
    Denoiser,
    FixedFpr,
    Loss,
    Score,
    Threshold,
    Train,
    Vae,
    override,
    set_values,
)
from jaxad.errors import ConfigError, Preempted
from jaxad.grid import store
from jaxad.progress import Reporter
from jaxad.report import plots
from jaxad.search.context import Context
from jaxad.signals import Stop

NAMES = ("mse", "mask", "mask_2", "smooth_mae", "smooth_top", "superposed")
PLAIN = Config(
    model=Deep(hidden=(12,), latent_dim=3, batch_norm=False),
    corrupt=Corrupt(kind="gaussian", level=0.1),
    train=Train(epochs=2, batch_size=16),
    score=Score(names=("mse",)),
    threshold=Threshold(rules=(FixedFpr(rate=0.1),)),
    baselines=Baselines(names=()),
)
DENOISER = Denoiser(
    depth=3, width=4, taps=(2, 1, 1), train=Train(epochs=3, batch_size=32, ema=0.9)
)
CONFIG = dataclasses.replace(PLAIN, denoiser=DENOISER, score=Score(names=NAMES))


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    image = rng.uniform(0, 0.3, (120, 12, 12, 1)).astype(np.float32)
    label = (np.arange(120) % 4 == 0).astype(np.int32)
    image[label == 0, 1:4, 1:4] += 0.6
    image[label == 1, 4:7, 3:6] += 0.6
    return image, label


@pytest.fixture(scope="module", autouse=True)
def undrawn():
    """Pictures take seconds; those that a stage changes are drawn below."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jaxad.run.draw", lambda path: [])
        yield


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("denoiser") / "run"
    return jaxad.train(CONFIG, data, out=path, quiet=True)


def test_pictures_show_both_stages(run):
    read = report.read(run.path)
    titles = [ax.get_title() for ax in plots.loss_figure(read).axes]
    assert {"autoencoder", "denoising network"} <= set(titles)
    words = {
        text.get_text() for text in plots.reconstructions_figure(read).axes[0].texts
    }
    assert {"smooth", "mask"} <= words


def test_the_network_is_the_one_of_its_paper():
    """Each layer adds a channel to the output; the others go on through a ReLU."""
    spec = Denoiser(depth=3, width=5, taps=(1, 2))
    module, image = (
        models.build(spec),
        jax.random.uniform(jax.random.key(0), (2, 9, 8, 1)),
    )
    variables = models.init(module, jax.random.key(1), image)
    fresh, _ = models.apply(module, variables, image)
    np.testing.assert_array_equal(fresh.recon, image)
    leaves, form = jax.tree.flatten(variables)
    keys = jax.random.split(jax.random.key(2), len(leaves))
    leaves = [jax.random.normal(k, x.shape) for k, x in zip(keys, leaves, strict=True)]
    variables = jax.tree.unflatten(form, leaves)
    assert sum(x.size for x in leaves) == 9 * 5 + 5 + 9 * 4 * 5 + 5 + 9 * 4 + 1
    output, _ = models.apply(module, variables, image)
    x, masks = image, [jnp.zeros_like(image)]
    for layer in (1, 2, 3):
        params = variables["params"][f"layer_{layer}"]
        layout = ("NHWC", "HWIO", "NHWC")
        x = jax.lax.conv_general_dilated(
            x, params["kernel"], (1, 1), "SAME", dimension_numbers=layout
        ) + params["bias"].reshape(1, 1, 1, -1)
        masks.append(masks[-1] + x[..., :1])
        x = jnp.maximum(x[..., 1:], 0)
    expected = jnp.stack(masks[1:], 1)
    np.testing.assert_allclose(output.latent, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(output.recon, image + masks[-1], rtol=1e-5, atol=1e-5)


def test_the_autoencoder_is_the_one_of_a_run_without_the_network(run, data, tmp_path):
    alone = jaxad.train(PLAIN, data, out=tmp_path / "alone", quiet=True)
    both = run.state.model
    jax.tree.map(np.testing.assert_array_equal, both["autoencoder"], alone.state.model)
    np.testing.assert_array_equal(run.scores["score_mse"], alone.scores["score_mse"])
    own = run.history["stage"] == 1
    np.testing.assert_array_equal(
        run.history["val_loss"][own], alone.history["val_loss"]
    )
    np.testing.assert_array_equal(run.history["epoch"], np.arange(1, 6))
    assert run.metrics["fit"]["epochs"] == 5
    assert run.metrics["fit"]["best_epoch"] > 2
    files = {file.name for file in run.path.iterdir()}
    assert {"checkpoints", "checkpoints_denoiser", "model"} <= files


def test_scores_compare_the_image_with_output_and_mask(run, data):
    image = data[0][:20]
    found = jaxad.score(run, image)
    made = run.scorer.pictures(run.state.model, image)
    np.testing.assert_allclose(
        made["recon"] + made["mask"], made["smooth"], rtol=1e-5, atol=1e-6
    )
    smooth, mask = (np.float64(made[name][..., 0]) for name in ("smooth", "mask"))
    x = np.float64(image[..., 0])
    expected = {
        "mse": np.square(x - made["recon"][..., 0]),
        "smooth_mae": np.abs(x - smooth),
        "mask": np.square(x - mask),
        "superposed": np.square(mask),
    }
    for name, residual in expected.items():
        np.testing.assert_allclose(found.maps[name], residual, rtol=1e-3, atol=1e-6)
        mean = residual.mean((1, 2))
        np.testing.assert_allclose(found.values[name], mean, rtol=1e-4)
    top = np.sort(np.square(x - smooth).reshape(20, -1))[:, -1:].mean(1)
    np.testing.assert_allclose(found.values["smooth_top"], top, rtol=1e-4)
    early = found.values["mask_2"] / found.values["mask"]
    assert (early != 1).any()
    assert list(found.values) == list(NAMES)


def test_images_too_small_for_ssim_fail_before_the_training(data, tmp_path):
    config = dataclasses.replace(CONFIG, score=Score(names=("smooth_ssim",)))
    small = data[0][:, :8, :8], data[1]
    with pytest.raises(ConfigError, match="ssim needs images of at least 11x11"):
        jaxad.train(config, small, out=tmp_path / "small", quiet=True)
    assert not list((tmp_path / "small").glob("checkpoints*"))


def test_a_run_stopped_in_its_second_stage_goes_on_to_the_same_bytes(
    run, data, tmp_path, monkeypatch
):
    fit, calls = loop.fit, []

    def stopped(program, config, *args, **kwargs):
        calls.append(config.train.epochs)
        kwargs["stopping"] = lambda: len(calls) == 2
        return fit(program, config, *args, **kwargs)

    path = tmp_path / "stopped"
    monkeypatch.setattr(loop, "fit", stopped)
    with pytest.raises(Preempted, match="step 1 and saved"):
        jaxad.train(CONFIG, data, out=path, quiet=True)
    monkeypatch.setattr(loop, "fit", fit)
    again = jaxad.train(CONFIG, data, out=path, quiet=True, resume=True)
    assert calls == [2, 3]
    jax.tree.map(np.testing.assert_array_equal, again.state.model, run.state.model)
    for name in ("history.csv", "scores.csv", "metrics.json"):
        assert (path / name).read_bytes() == (run.path / name).read_bytes(), name


def test_a_sweep_trains_each_autoencoder_once(run, data, tmp_path, monkeypatch):
    monkeypatch.setattr("jaxad.search.measuring.draw_sweep", lambda path: [])
    grid = {"denoiser.noise": [0.1, 0.2]}
    options = {"seeds": 2, "execution": "map", "every": True, "quiet": True}
    path = tmp_path / "sweep"
    begun, run_loop = [], loop._Loop.run

    def spy(self, segment, at, carry):
        begun.append(at)
        return run_loop(self, segment, at, carry)

    monkeypatch.setattr(loop._Loop, "run", spy)
    done = jaxad.sweep(CONFIG, grid, data, out=path, **options)
    # The best's run goes on from the end of the sweep's autoencoder.
    assert [at > 0 for at in begun] == [True, False]
    number = done.best.config.seed * 2 + (done.best.config.denoiser.noise == 0.2)
    assert done.best.history["val_loss"][2:].min() == done.members["val_loss"][number]
    first = store.read(path / "autoencoders")
    assert sum(len(chunk.members) for chunk in first) == 2
    assert len(done.members) == 4
    row = done.members.iloc[0]
    assert row["val_loss"] == run.history["val_loss"][2:].min()
    part = np.asarray(run.scores["split"]) == "test"
    np.testing.assert_array_equal(
        np.float32(run.scores["score_mse"][part]), done.arrays["test"][0]
    )
    # The autoencoder is that of all; what the network learns is not.
    assert done.members.groupby("seed")["auroc"].nunique().tolist() == [1, 1]
    assert done.members["val_loss"].nunique() == 4
    every = np.genfromtxt(
        path / "every.csv", delimiter=",", names=True, dtype=None, encoding="utf-8"
    )
    assert sorted(set(every["score"])) == sorted(NAMES)
    assert len(every) == 2 * len(NAMES)
    kept = {file: file.read_bytes() for file in path.rglob("autoencoders/chunks/*")}
    newest = max((path / "chunks").iterdir())
    newest.unlink()
    again = jaxad.sweep(CONFIG, grid, data, out=path, resume=True, **options)
    assert kept == {
        file: file.read_bytes() for file in path.rglob("autoencoders/chunks/*")
    }
    assert again.members.equals(done.members)
    # Whichever members are left, each finds the autoencoder it stands behind.
    again = Context(CONFIG, done.grid, data, None, path, Reporter(quiet=True), Stop())
    last = again.members[-1]
    again.work.run([last], lambda member: 3)
    found = again.work.results[last.number, 3]
    assert found["val_loss"] == done.members["val_loss"][last.number]


@pytest.mark.parametrize("model", [Deep(), Vae()])
def test_it_stands_behind_any_autoencoder_from_the_command_line(model):
    loss = Loss(kind="elbo") if model.kind == "vae" else Loss()
    plain = Config(model=model, loss=loss)
    behind = override(plain, ["--denoiser.kind", "remez", "--score.names", "mask"])
    assert behind.denoiser == Denoiser()
    assert set_values(behind, {"denoiser.kind": "none", "score.names": ["mse"]}) == (
        dataclasses.replace(plain, score=Score(names=("mse",)))
    )


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ("--score.names smooth", "score.names smooth needs denoiser.kind remez"),
        ("--denoiser.kind remez --score.names mask_3", "needs 3 among denoiser.taps"),
        ("--denoiser.kind remez --denoiser.taps 20", "not a layer before the last"),
        (
            "--denoiser.kind remez --denoiser.target recon --denoiser.noise 0",
            "leaves nothing to learn",
        ),
        ("--score.names masks", "score.names"),
        ("--denoiser.depth 3", "--denoiser.kind"),
    ],
)
def test_what_it_cannot_do_is_one_line(options, complaint, capsys):
    assert cli.main(["train", *options.split()]) == 2
    error = capsys.readouterr().err.strip()
    assert complaint in error
    assert len(error.splitlines()) == 1
