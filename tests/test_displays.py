"""How runs, sweeps, scores, configs and splits show themselves in a notebook."""

import dataclasses
import html
import json

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from run_folder import write_run
from sweep_folder import write_sweep

import jaxad
from jaxad import config as specs
from jaxad.errors import DataError
from jaxad.report import read
from jaxad.report.sweep import read_sweep
from jaxad.types import Scores

WHOLE = ("loss", "scores", "roc", "pr", "confusion", "reconstructions", "maps")
PARTS = WHOLE[:5]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("shown") / "run"
    return read(write_run(path, "overlapping", epochs=4, count=(40, 80), last=3))


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    axes = {"optim.lr": ["0.1", "0.01", "0.001"], "model.latent_dim": ["2", "4"]}
    path = tmp_path_factory.mktemp("shown") / "sweep"
    return read_sweep(write_sweep(path, axes, failed=(1,)))


@pytest.fixture
def scores():
    rng = np.random.default_rng(0)
    values = {"mse": rng.random(12), "top": rng.random(12)}
    return Scores(values, {"mse": rng.random((12, 5, 4))})


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


@pytest.mark.parametrize("name", WHOLE)
def test_pictures_of_a_run_are_on_a_figure_that_a_notebook_shows(run, name):
    axes = np.atleast_1d(getattr(run, f"plot_{name}")())
    assert all(isinstance(ax, Axes) for ax in axes)
    assert [axes[0].figure.figure.number] == plt.get_fignums()


@pytest.mark.parametrize("name", PARTS)
def test_pictures_of_a_run_fit_on_axes_that_are_there(run, name):
    ax = Figure().subplots()
    assert getattr(run, f"plot_{name}")(ax=ax) is ax
    assert ax.has_data()
    assert plt.get_fignums() == []


def test_the_picture_on_axes_shows_the_run(run):
    loss, roc, confusion = (Figure().subplots() for _ in range(3))
    run.plot_loss(loss)
    np.testing.assert_array_equal(loss.lines[0].get_ydata(), run.history["train_loss"])
    run.plot_roc(roc)
    label = f"AUROC {run.metrics['image']['mse']['auroc']:.4f}"
    assert any(label in text.get_text() for text in roc.get_legend().get_texts())
    run.plot_confusion("conformal", ax=confusion)
    at = run.metrics["image"]["mse"]["at"]["conformal"]
    words = " ".join(text.get_text() for text in confusion.texts)
    assert all(f"{at[key]}\n" in words for key in ("tp", "fp", "fn", "tn"))


def test_the_table_holds_what_the_file_holds(run):
    table = run.table()
    metrics = json.loads((run.path / "metrics.json").read_text())
    for name, entry in metrics["image"].items():
        row = table.loc[name]
        assert row["auroc"] == entry["auroc"]
        assert [row["auroc_low"], row["auroc_high"]] == entry["auroc_interval"]
        assert row["f1_max_oracle"] == entry["f1_max"]
        for key in ("f1", "recall", "precision", "fpr", "status"):
            assert row[key] == entry["at"]["max_margin"][key]
    trivial = table[table["kind"] == "trivial"]["status"]
    assert trivial.to_dict() == {k: v["status"] for k, v in metrics["trivial"].items()}
    rules = run.rules()
    assert rules["status"].to_dict()["f1_max_test"] == "oracle"
    for name, at in metrics["image"]["mse"]["at"].items():
        assert rules.loc[name, "tp"] == at["tp"]
        assert [rules.loc[name, "fpr_low"], rules.loc[name, "fpr_high"]] == [0.0, 0.1]


def test_what_is_undefined_is_no_number(tmp_path):
    one = read(write_run(tmp_path / "one", "one_class", epochs=1, count=(20, 20)))
    table = one.table()
    assert np.isnan(table.loc["mse", ["auroc", "auroc_low", "f1"]].astype(float)).all()
    page = one._repr_html_()
    assert "undefined: no anomalous examples" in page
    assert "nan" not in page.lower()
    assert "AUROC undefined" in repr(one)


def test_strings_of_a_user_are_escaped(run, sweep):
    bad = "<script>alert(1)</script>"
    metrics = run.metrics | {"trivial": {bad: run.metrics["trivial"]["all_anomalous"]}}
    page = dataclasses.replace(run, metrics=metrics)._repr_html_()
    assert html.escape(bad) in page
    assert bad not in page
    shown = specs.Config(data=specs.Data(root=bad))._repr_html_()
    assert html.escape(bad) in shown
    assert bad not in shown
    values = Scores({bad: np.ones(2)}, {})._repr_html_()
    assert bad not in values


def test_short_words_are_one_line(run, sweep, scores):
    for value in (run, sweep, scores, specs.Config()):
        assert "\n" not in repr(value)
        assert len(repr(value)) < 120
    assert (
        repr(run)
        == f"RunFolder('run', mse: AUROC {_auroc(run)}, F1 at max_margin {_f1(run)})"
    )
    assert "6 settings, 12 members, best lr=" in repr(sweep)


def _auroc(run):
    return f"{run.metrics['image']['mse']['auroc']:.4f}"


def _f1(run):
    return f"{run.metrics['image']['mse']['at']['max_margin']['f1']:.4f}"


def test_a_run_says_what_it_cannot_show(run):
    with pytest.raises(DataError, match="no score beauty; there are: mse, top, pca"):
        run.plot_scores("beauty")
    with pytest.raises(DataError, match="no latents"):
        run.plot_latents()
    with pytest.raises(DataError, match="draws no images"):
        run.plot_samples()
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda run, scores: run.plot_confusion("zzz"), "no rule zzz; there are"),
        (lambda run, scores: scores.plot_values([0, 2] * 6), "0 .normal. and 1"),
        (
            lambda run, scores: scores.plot_maps(np.zeros((12, 5, 4)), rows=[12]),
            "there are 12",
        ),
    ],
)
def test_what_is_not_there_is_not_drawn(run, scores, draw, words):
    with pytest.raises(DataError, match=words):
        draw(run, scores)


def test_pictures_of_a_sweep(sweep):
    for name in ("leaderboard", "tradeoff", "losses", "heat"):
        ax = Figure().subplots()
        draw = getattr(sweep, f"plot_{name}")
        assert draw(ax) is ax
        assert isinstance(draw(), Axes)
    assert isinstance(sweep.plot_held_out(), Axes)
    assert len(sweep.plot_axes()) == 3
    assert len(plt.get_fignums()) == 6
    single = dataclasses.replace(sweep, axes=["optim.lr"])
    with pytest.raises(DataError, match="two axes of numbers"):
        single.plot_heat()


def test_maps_share_one_scale_with_the_highest_score_first(scores):
    image = np.random.default_rng(1).integers(0, 256, (12, 5, 4), np.uint8)
    axes = scores.plot_maps(image, count=3)
    order = np.argsort(-scores.values["mse"])[:3]
    assert axes.shape == (2, 3)
    shown = [ax.images[0] for ax in axes[1]]
    assert len({picture.get_clim() for picture in shown}) == 1
    for ax, picture, k in zip(axes[0], shown, order, strict=True):
        np.testing.assert_array_equal(picture.get_array(), scores.maps["mse"][k])
        np.testing.assert_allclose(ax.images[0].get_array(), image[k] / 255, atol=1e-6)
        assert ax.get_title().startswith(f"{k}: ")
    assert scores.plot_maps(image, rows=[5]).shape == (2, 1)
    with pytest.raises(DataError, match="images that were scored"):
        scores.plot_maps(image[:4])
    with pytest.raises(DataError, match="no map top"):
        scores.plot_maps(image, "top")


def test_a_histogram_counts_all_scores_of_each_class(scores):
    label = np.arange(12) % 3 == 0
    ax = scores.plot_values(label, "top")
    assert ax.get_legend_handles_labels()[1] == ["8 normal", "4 anomalous"]
    other = Figure().subplots()
    assert scores.plot_values(ax=other) is other
    with pytest.raises(DataError, match="not all finite"):
        Scores({"mse": np.array([np.nan])}, {}).plot_values()


def test_scores_are_still_a_tree_and_can_be_traced(scores):
    doubled = jax.tree.map(lambda leaf: 2 * leaf, scores)
    assert isinstance(doubled, Scores)
    assert repr(scores) == "Scores(mse, top; shape (12,); maps of mse (12, 5, 4))"
    assert "12 images" in scores._repr_html_()
    seen = []
    jax.jit(lambda s: seen.append((repr(s), s._repr_html_())))(scores)
    assert seen == [(repr(scores), None)]
    assert repr(Scores(0, None)) == "Scores(values=0, maps=None)"


def test_a_config_shows_what_makes_it_again(tmp_path):
    config = specs.Config(
        model=specs.Conv(channels=(4,)),
        corrupt=specs.Corrupt(kind="gaussian", level=0.1),
        threshold=specs.Threshold(rules=(specs.ZScore(k=2),)),
    )
    assert repr(specs.Config()) == "Config()"
    assert eval(repr(config), vars(specs)) == config
    assert "BLANK" in repr(specs.blank(config))
    page = config._repr_html_()
    for name in ("model.kind", "model.channels", "corrupt.kind", "threshold.rules"):
        assert f">{name}<" in page


def test_splits_count_what_they_hold():
    images = np.zeros((10, 6, 6), np.uint8)
    labels = np.repeat([0, 1], [7, 3])
    data = specs.Data(protocol=specs.Defects(tune=0.4))
    splits = jaxad.data.split(jaxad.data.from_arrays(images, labels), data, 0)
    page = splits._repr_html_()
    assert page.count("<tr>") == 4
    assert "images 6x6x1" in page
    assert "array" not in repr(splits)


def test_masks_come_with_arrays():
    images, labels = np.zeros((6, 4, 4), np.uint8), np.repeat([0, 1], [4, 2])
    masks = np.zeros((6, 4, 4), bool)
    masks[4:, 1, 1] = True
    source = jaxad.data.from_arrays(images, labels, masks)
    data = specs.Data(protocol=specs.Defects(tune=0.0), test=0.25)
    test = jaxad.data.split(source, data, 0).test
    assert test.mask.sum((1, 2)).tolist() == test.label.tolist()
    other = jaxad.data.from_arrays(images, labels, np.roll(masks, 1, 2))
    assert source.fingerprint != other.fingerprint
    with pytest.raises(DataError, match="masks must be of shape"):
        jaxad.data.from_arrays(images, labels, masks[:2])
    with pytest.raises(DataError, match="image 0 is labelled normal"):
        jaxad.data.from_arrays(images, labels, np.ones_like(masks))


def test_pure_functions_of_a_run_are_public():
    images = jnp.zeros((12, 6, 6, 1))
    source = jaxad.data.from_arrays(np.asarray(images))
    config = specs.Config(train=specs.Train(batch_size=4))
    splits = jaxad.data.split(source, config.data, 0)
    data = jaxad.program.on_device(splits)
    assert isinstance(data, jaxad.program.TrainData)
    assert jaxad.program.program(None, config, len(data.rows)).steps == 3
    assert jaxad.parallel.over_all(1, 4).size == 1
