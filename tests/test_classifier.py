"""The classifier: the labelled images it learns from, its loss, its runs and sweeps."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn.metrics import log_loss
from sklearn.utils.class_weight import compute_class_weight

import jaxad
from jaxad import cli, losses, methods, report
from jaxad import data as sources
from jaxad.config import (
    Augment,
    Baselines,
    Classifier,
    Config,
    Data,
    Defects,
    F1Max,
    Linear,
    Loss,
    Optim,
    Patches,
    Score,
    Threshold,
    Train,
    blank,
    set_values,
    traced,
)
from jaxad.data import Examples, Source
from jaxad.errors import ConfigError, DataError
from jaxad.grid.pool import Pool
from jaxad.methods import ANOMALOUS
from jaxad.methods.classification import balanced, classification
from jaxad.new_images import score_files
from jaxad.report import plots
from jaxad.types import Batch

CONFIG = Config(
    data=Data(protocol=Defects(tune=0.25, train=0.3), augment=Augment(shift=1)),
    model=Classifier(channels=(4, 4), hidden=8, dropout=0.1),
    loss=Loss(kind="bce"),
    optim=Optim(kind="rmsprop", lr=5e-3, b2=0.9),
    train=Train(epochs=12, batch_size=16),
    score=Score(names=("logit", "probability")),
    threshold=Threshold(rules=(F1Max(),)),
    baselines=Baselines(names=("pca",), components=4),
)
PLAIN = dataclasses.replace(
    CONFIG,
    model=Linear(latent_dim=3),
    loss=Loss(),
    train=Train(epochs=1),
    score=Score(names=("mse",)),
)


def made(normal, held, kinds):
    """A source with a test split, whose images all differ; (train, test) ids."""
    label = np.repeat([0, 0, *range(1, len(kinds) + 1)], [normal, held, *kinds])
    image = np.arange(len(label), dtype=np.uint32).view(np.uint8).reshape(-1, 2, 2, 1)
    ids = np.array([f"{i:04d}" for i in range(len(label))])
    parts = [
        Examples(image[at], label[at].astype(np.int32), ids[at])
        for at in (np.s_[:normal], np.s_[normal:])
    ]
    return Source(*parts, "made", True, ("good", "a", "b", "c")[: len(kinds) + 1])


def split(source, tune, train, seed=0):
    protocol = Defects(tune=tune, train=train)
    return sources.split(source, Data(protocol=protocol, validation=0.2), seed)


@settings(max_examples=30)
@given(
    st.sampled_from([0, 0.2, 0.4]),
    st.sampled_from([0.01, 0.3, 0.5]),
    st.lists(st.integers(2, 30), min_size=1, max_size=3),
    st.integers(0, 12),
    st.integers(0, 3),
)
def test_what_is_learned_from_is_in_no_other_split(tune, train, kinds, held, seed):
    source = made(20, held, kinds)
    try:
        found = split(source, tune, train, seed)
    except DataError:  # validation has taken all but one of each kind
        return
    parts = found.parts
    assert list(parts) == ["train", "val", "test", "labelled"]
    for own in (
        [name for part in parts.values() for name in part.id],
        [image.tobytes() for part in parts.values() for image in part.image],
    ):
        assert len(set(own)) == len(own) == 20 + held + sum(kinds)
    for part in parts.values():
        numbers = np.array([int(name) for name in part.id])
        np.testing.assert_array_equal(part.label, numbers >= 20 + held)
        np.testing.assert_array_equal(part.label, part.defect != "good")
    assert {0, 1} == set(found.test.label)
    # Every kind in its share, as far as the test keeps one.
    validated, learned = found.val.defect.tolist(), found.labelled.defect.tolist()
    for kind, count in zip("abc", kinds, strict=False):
        left = count - validated.count(kind)
        wanted = min(max(round(train * count), 1), max(left - 1, 0))
        assert learned.count(kind) == wanted
    # Nothing else moves: who does not learn from labels trains and validates as ever.
    without = split(source, tune, 0, seed)
    if held:
        np.testing.assert_array_equal(found.train.id, without.train.id)
        np.testing.assert_array_equal(found.val.id, without.val.id)
        normal = learned.count("good")
        assert normal == min(round(train * held), held - 1)
        both = np.concatenate([found.test.id, found.labelled.id])
        np.testing.assert_array_equal(np.sort(both), np.sort(without.test.id))


def test_an_image_that_is_normal_and_anomalous_keeps_both_labels_in_the_pool():
    source = made(20, 6, (9,))
    same = source.test.image.copy()
    same[:] = source.train.image[0]
    found = split(source._replace(test=source.test._replace(image=same)), 0.2, 0.4)
    seen = Pool().add(found).seen(labelled="all")
    for rows, label, part in zip(
        (seen.train, seen.val), seen.labels, ("train", "val"), strict=True
    ):
        assert len(rows) == len(label), part
        assert not set(rows[label == 0]) & set(rows[label == 1])
    assert (seen.labels[0] == 1).sum() == found.labelled.label.sum()
    pool = Pool()
    alone = pool.add(found).seen(labelled="anomalous")
    wanted = found.labelled.image[found.labelled.label == 1]
    np.testing.assert_array_equal(pool.image[alone.train], wanted)
    assert alone.labels[0].all()


@given(st.lists(st.integers(0, 1), max_size=50))
def test_balanced_weights_and_the_loss_are_those_of_scikit_learn(labels):
    label = np.array([0, 1, *labels])
    expected = compute_class_weight("balanced", classes=np.array([0, 1]), y=label)
    found = balanced(jnp.float32(label.mean()), jnp.asarray(label, jnp.int32))
    np.testing.assert_allclose(found, expected[label], rtol=1e-5)
    assert float(found.mean()) == pytest.approx(1, rel=1e-5)
    logit = np.random.default_rng(len(label)).normal(0, 4, len(label))
    own = losses.label_bce(jnp.float32(logit), jnp.asarray(label, jnp.int32))
    golden = log_loss(label, 1 / (1 + np.exp(-logit)), sample_weight=expected[label])
    assert float(jnp.mean(own * found)) == pytest.approx(golden, rel=1e-4)


def test_the_loss_of_a_sure_answer_is_finite_and_has_a_gradient():
    label = jnp.array([0, 1, 0, 1], jnp.int32)
    logit = jnp.array([-40.0, 40.0, 200.0, -200.0])
    values = losses.label_bce(logit, label)
    grads = jax.grad(lambda x: jnp.sum(losses.label_bce(x, label)))(logit)
    np.testing.assert_allclose(values[2:], 200)
    np.testing.assert_array_equal(jnp.sign(grads), [1, -1, 1, -1])


def test_a_step_on_padded_parts_is_that_of_the_whole_batch():
    """Gradients with weights, labels and batch norm, on parts of unequal size."""
    config = set_values(CONFIG, {"model.batch_norm": True, "model.dropout": 0.0})
    config = dataclasses.replace(config, optim=Optim(kind="sgd", lr=0.1))
    method = methods.build(blank(config))
    hparams = {k: jnp.float32(v) for k, v in traced(config).items()}
    hparams[ANOMALOUS] = jnp.float32(0.3)
    key = jax.random.key(0)
    image, label = jax.random.uniform(key, (8, 9, 9, 1)), jnp.arange(8) % 3 == 0
    label, valid = label.astype(jnp.int32), jnp.arange(8) < 5
    state = jax.jit(method.init)(key, hparams, Batch(image, label, valid))
    alone = jax.jit(method.step)(
        key, hparams, state, Batch(image[:5], label[:5], valid[:5])
    )
    batch = Batch(*(x.reshape(2, 4, *x.shape[1:]) for x in (image, label, valid)))

    def step(part):
        return method.step(key, hparams, state, part, "data")

    parts = jax.jit(jax.vmap(step, axis_name="data"))(batch)
    for part in range(2):
        jax.tree.map(
            lambda a, b, i=part: np.testing.assert_allclose(a, b[i], 2e-5, 2e-6),
            (alone[0].model, alone[1]),
            (parts[0].model, parts[1]),
        )


@pytest.fixture(scope="module")
def data():
    """A bright square, which lies elsewhere in anomalous images, of two kinds."""
    rng = np.random.default_rng(0)
    image = rng.uniform(0, 0.3, (200, 12, 12, 1)).astype(np.float32)
    label = np.where(np.arange(200) % 4 == 0, 1 + np.arange(200) % 8 // 4, 0)
    image[label == 0, 1:5, 1:5] += 0.6
    image[label == 1, 6:10, 5:9] += 0.6
    image[label == 2, 7:11, 1:5] += 0.6
    return image, label


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("classifier") / "run"
    return jaxad.train(CONFIG, data, out=path, quiet=True)


def ids(run):
    return np.asarray(run.scores["id"])


def env(run):
    return json.loads((run.path / "env.json").read_text())


def test_it_learns_what_is_separable_and_leaves_no_reconstruction(run, data, tmp_path):
    for name in ("logit", "probability"):
        assert run.metrics["image"][name]["auroc"] == 1
        assert run.metrics["image"][name]["at"]["f1_max"]["f1"] > 0.9
    np.testing.assert_allclose(
        run.scores["score_probability"],
        1 / (1 + np.exp(-np.asarray(run.scores["score_logit"]))),
        rtol=1e-4,
    )
    assert run.metrics["reconstruction"] == run.metrics["latent"] == {}
    fit = run.metrics["fit"]
    best = run.history["val_loss"][fit["best_epoch"] - 1]
    assert fit["val_loss"] == pytest.approx(best, rel=1e-4)
    with np.load(run.path / "examples" / "examples.npz") as kept:
        assert set(kept) == {"original", "image"}
    drawn = set(plots.figures(report.read(run.path)))
    assert "examples" in drawn
    assert not {"reconstructions", "latents"} & drawn
    rows = [np.flatnonzero(ids(run) == f"{i:06d}") for i in (0, 4, 1)]
    row = next(int(r[0]) for r in rows if len(r))
    number = int(ids(run)[row])
    again = jaxad.score(jaxad.load_run(run.path), data[0][number : number + 1])
    assert again.values["logit"][0] == np.float32(run.scores["score_logit"][row])
    assert again.maps == {}
    pixels = np.rint(data[0][0, ..., 0] * 255).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    table = score_files(run.path, [tmp_path / "a.png"], tmp_path / "out")
    assert "score_probability" in (table / "scores.csv").read_text()
    with pytest.raises(DataError, match="none of its scores has a map"):
        score_files(run.path, [tmp_path / "a.png"], tmp_path / "maps", maps=True)


def test_who_learns_without_labels_has_the_same_test(run, data, tmp_path, monkeypatch):
    monkeypatch.setattr("jaxad.run.draw", lambda path: [])
    plain = jaxad.train(PLAIN, data, out=tmp_path / "plain", quiet=True)
    np.testing.assert_array_equal(ids(plain), ids(run))
    np.testing.assert_array_equal(plain.scores["score_pca"], run.scores["score_pca"])
    sizes, own = env(run)["images"], env(plain)["images"]
    assert sizes["labelled"]["trained_on"]
    assert not own["labelled"]["trained_on"]
    assert sizes["labelled"]["defects"] == {"1": 8, "2": 8}
    assert env(plain)["examples"] == sizes["train"]["normal"]
    assert env(run)["examples"] == sizes["train"]["normal"] + 16
    line = sources.counts_line(sizes)
    assert "labelled 0 normal + 16 anomalous (trained on)" in line
    assert "16 anomalous (left alone)" in sources.counts_line(own)


def test_a_sweep_trains_the_members_that_runs_would(run, data, tmp_path, monkeypatch):
    monkeypatch.setattr("jaxad.search.measuring.draw_sweep", lambda path: [])
    monkeypatch.setattr("jaxad.search.measuring._run", lambda *_: None)
    grid, options = {"optim.lr": [5e-3, 1e-3]}, {"seeds": 2, "quiet": True}
    done = {
        mode: jaxad.sweep(
            CONFIG, grid, data, out=tmp_path / mode, execution=mode, **options
        )
        for mode in ("map", "vmap")
    }
    test = np.asarray(run.scores["split"]) == "test"
    own = np.float32(np.asarray(run.scores["score_logit"])[test])
    members = done["map"].members
    np.testing.assert_array_equal(done["map"].arrays["test"][0], own)
    assert members["val_loss"][0] == run.history["val_loss"].min()
    # Members of other seeds have other rows and labels of the pool.
    assert members["val_loss"].nunique() == 4
    np.testing.assert_allclose(
        done["vmap"].members["val_loss"], members["val_loss"], rtol=0.05, atol=1e-3
    )
    assert members["mse_normal"].isna().all()
    words = (tmp_path / "map" / "leaderboard.csv").read_text()
    assert "mean image" not in words


def test_a_module_of_ones_own_gives_one_number_an_image():
    import flax.linen as nn

    class Own(nn.Module):
        size: int

        @nn.compact
        def __call__(self, image):
            return nn.Dense(self.size)(image.reshape(image.shape[0], -1))

    image = jnp.zeros((3, 4, 4, 1))
    batch = Batch(image, jnp.zeros(3, jnp.int32), jnp.ones(3, bool))
    hparams = {k: jnp.float32(v) for k, v in traced(CONFIG).items()}
    for size in (1, 2):
        method = classification(Own(size), blank(CONFIG))
        if size == 1:
            state = method.init(jax.random.key(0), hparams, batch)
            scores = method.score(jax.random.key(0), hparams, state.model, image)
            assert scores.values["logit"].shape == (3,)
        else:
            with pytest.raises(ConfigError, match="one number for each"):
                method.init(jax.random.key(0), hparams, batch)


ASKED = "--model.kind cnn --loss.kind bce --score.names logit"


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        (f"train {ASKED}", "set data.protocol.kind defects, and train to a share"),
        (f"sweep {ASKED} --rank val_loss", "set data.protocol.kind defects, and"),
        ("train --model.kind cnn", "model.kind cnn learns labels by loss.kind bce"),
        ("train --model.kind cnn --loss.kind bce", "model.kind cnn has no score mse"),
        ("train --score.names logit", "score.names logit needs model.kind cnn"),
        (f"train {ASKED} --corrupt.level 0.1", "has no input to give back"),
        (
            "train --data.protocol.kind defects --data.protocol.tune 0.5 "
            "--data.protocol.train 0.5",
            "leave no anomalous image for the test",
        ),
    ],
)
def test_what_it_cannot_do_is_one_line(
    command, complaint, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert cli.main(command.split()) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert complaint in error[-1]
    assert not list(tmp_path.rglob("checkpoints"))


def test_labelled_images_are_whole_and_enough():
    with pytest.raises(ValueError, match="whole images with their labels"):
        Data(protocol=Defects(train=0.2), patches=Patches(size=16))
    with pytest.raises(DataError, match="too few to learn from some and test on"):
        split(made(20, 5, (1, 1)), 0, 0.5)
