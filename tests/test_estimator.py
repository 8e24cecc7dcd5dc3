"""The estimator: scikit-learn's contract, PyOD's attributes, and that it detects."""

import copy
import pickle
import warnings

import numpy as np
import pandas
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.exceptions import SkipTestWarning
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import jaxad
from jaxad.config import Config, Conv, Denoiser, Linear, Score, Train
from jaxad.errors import ConfigError, DivergedError
from jaxad.estimator import AutoencoderDetector, training

RNG = np.random.default_rng(0)
DIGITS = load_digits().images[RNG.permutation(1797)]
NORMAL, OTHER = DIGITS[:1200], DIGITS[1200:]


def salted(image, level=0.1):
    hit = RNG.random(image.shape) < level
    return np.where(hit, RNG.choice([0.0, 16.0], image.shape), image)


@pytest.fixture(scope="module")
def fitted():
    """A linear autoencoder of digits with 10 % salt and pepper among them."""
    given = np.concatenate([NORMAL[:450], salted(NORMAL[450:500])])
    detector = AutoencoderDetector(model="linear", random_state=0)
    return detector.fit(given), given


def test_scikit_learns_own_checks_pass():
    detector = AutoencoderDetector(epochs=2, overrides={"model.hidden": (8,)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkipTestWarning)
        done = check_estimator(detector, on_fail="raise")
    assert len(done) > 40
    skipped = {one["check_name"] for one in done if one["status"] == "skipped"}
    assert skipped <= {"check_array_api_input"}
    assert training._compiled.cache_info().misses < 15


def test_it_detects_salt_and_pepper_among_digits(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    detector = AutoencoderDetector(epochs=20, random_state=0).fit(NORMAL)
    both = np.concatenate([OTHER, salted(OTHER)])
    label = np.repeat([0, 1], len(OTHER))
    assert roc_auc_score(label, detector.anomaly_scores(both)) > 0.96
    maps = detector.anomaly_maps(both[:3])
    assert maps.shape == (3, 8, 8)
    np.testing.assert_allclose(
        maps.mean((1, 2)), detector.anomaly_scores(both[:3]), rtol=1e-5
    )
    assert not list(tmp_path.iterdir())


def test_methods_are_scikit_learns_and_attributes_pyods(fitted):
    detector, given = fitted
    assert detector.labels_.sum() == 50
    assert detector.labels_[450:].mean() > 0.6
    np.testing.assert_array_equal(
        detector.labels_, detector.decision_scores_ > detector.threshold_
    )
    scores = detector.anomaly_scores(given)
    np.testing.assert_array_equal(scores, detector.decision_scores_)
    np.testing.assert_array_equal(detector.score_samples(given), -scores)
    decision = detector.decision_function(given)
    np.testing.assert_array_equal(decision, detector.threshold_ - scores)
    np.testing.assert_array_equal(detector.predict(given), 1 - 2 * detector.labels_)
    assert detector.n_iter_ == len(detector.history_["train_loss"]) == 40
    for share in (0.02, 0.25, 0.5):
        other = copy.copy(detector).set_params(contamination=share)
        other._threshold()
        assert abs(other.labels_.mean() - share) <= 1 / len(given)


def test_images_and_rows_of_any_type_score_alike(fitted):
    detector, given = fitted
    flat = given.reshape(500, -1)
    rows = AutoencoderDetector(model="linear", image_shape=(8, 8), random_state=0)
    rows.fit(flat)
    np.testing.assert_array_equal(rows.decision_scores_, detector.decision_scores_)
    for same in (given[..., None], flat, flat.tolist(), given.astype(np.uint8)):
        found = detector.anomaly_scores(same)
        np.testing.assert_array_equal(found, detector.decision_scores_)
    far = detector.anomaly_scores(np.full((1, 8, 8), 1e300))
    assert np.isfinite(far).all()
    assert far > 100 * detector.threshold_


def test_others_may_pickle_and_copy_it(fitted):
    detector, given = fitted
    training._compiled_scorer.cache_clear()
    for twin in (pickle.loads(pickle.dumps(detector)), copy.deepcopy(detector)):
        np.testing.assert_array_equal(
            twin.decision_function(given[:9]), detector.decision_function(given[:9])
        )
    again = AutoencoderDetector(model="linear", random_state=0).fit(given)
    np.testing.assert_array_equal(again.decision_scores_, detector.decision_scores_)
    other = AutoencoderDetector(model="linear", random_state=1).fit(given)
    assert not np.array_equal(other.decision_scores_, detector.decision_scores_)


def test_pipelines_and_searches_take_it():
    image = np.concatenate([NORMAL[:270], salted(NORMAL[270:300], 0.4)])
    label = np.repeat([1, -1], [270, 30])  # as scikit-learn has it
    order = RNG.permutation(300)
    flat, label = image.reshape(300, -1)[order], label[order]
    detector = AutoencoderDetector(model="linear", epochs=10, random_state=0)
    pipeline = make_pipeline(StandardScaler(), PCA(20), detector)
    grid = {"autoencoderdetector__lr": [1e-6, 1e-2]}
    before = training._compiled.cache_info().misses
    search = GridSearchCV(pipeline, grid, scoring="roc_auc", cv=2).fit(flat, label)
    # Two learning rates and two folds are one program; all of the data is another.
    assert training._compiled.cache_info().misses - before <= 2
    assert search.best_params_ == {"autoencoderdetector__lr": 1e-2}
    assert search.best_score_ > 0.9
    assert set(search.predict(flat[:50])) == {1, -1}


@pytest.mark.filterwarnings("ignore")
def test_pyods_combinations_take_its_scores(fitted):
    from pyod.models.combination import average, maximization
    from pyod.models.knn import KNN
    from pyod.utils.utility import standardizer

    detector, given = fitted
    flat = given.reshape(500, -1)
    other = KNN(contamination=0.1).fit(flat)
    train = np.stack([detector.decision_scores_, other.decision_scores_], 1)
    assert detector.labels_.shape == other.labels_.shape
    assert detector.threshold_ == np.percentile(detector.decision_scores_, 90)
    scaled = standardizer(train)
    label = np.repeat([0, 1], [450, 50])
    for combined in (average(scaled), maximization(scaled)):
        assert combined.shape == (500,)
        assert roc_auc_score(label, combined) > 0.94


def test_a_config_says_everything_else():
    config = Config(
        model=Linear(latent_dim=3),
        denoiser=Denoiser(depth=2, width=3, train=Train(epochs=2)),
        train=Train(epochs=3),
        score=Score(names=("smooth", "latent_kde")),
    )
    detector = AutoencoderDetector(config, overrides={"corrupt.level": 0.1})
    detector.fit(NORMAL[:60])
    assert detector.config_.model == Linear(latent_dim=3)
    assert detector.config_.corrupt.level == 0.1
    assert detector.n_iter_ == 5
    assert detector.anomaly_maps(NORMAL[:2]).shape == (2, 8, 8)
    conv = Config(model=Conv(channels=(3,)), train=Train(epochs=1))
    colour = RNG.random((30, 6, 9, 3))
    found = AutoencoderDetector(conv, score_name="mae").fit(colour)
    assert found.image_shape_ == (6, 9, 3)
    assert found.n_features_in_ == 6 * 9 * 3
    same = found.decision_scores_
    rows = colour.reshape(30, -1)
    np.testing.assert_array_equal(found.anomaly_scores(rows), same)
    with pytest.raises(ValueError, match=r"images of shape \(9, 6, 3\), but fitted on"):
        found.predict(colour.swapaxes(1, 2))


def test_what_cannot_be_used_is_one_line():
    rows = NORMAL[:30].reshape(30, -1)

    def fit(given=rows, **options):
        AutoencoderDetector(**options).fit(given)

    for share in (0, 0.6, np.nan):
        with pytest.raises(ValueError, match=r"contamination must lie in \(0, 0.5\]"):
            fit(contamination=share)
    with pytest.raises(ValueError, match=r"image_shape .* has 63 values, X has 64"):
        fit(image_shape=(7, 9))
    with pytest.raises(ValueError, match="NaN"):
        fit(np.where(rows == 3, np.nan, rows))
    with pytest.raises(ValueError, match="minimum of 2 is required"):
        fit(NORMAL[:1])
    with pytest.raises(ConfigError, match="learns from labels"):
        fit(model="cnn", score_name="logit", overrides={"loss.kind": "bce"})
    with pytest.raises(ConfigError, match=r"unknown field optim.lrr; did you mean"):
        fit(overrides={"optim.lrr": 1})
    with pytest.raises(ConfigError, match=r"a jaxad.Config or a path"):
        fit(config=3)
    with pytest.raises(DivergedError, match="not finite"):
        fit(lr=1e30, model="linear", epochs=3)
    assert jaxad.AutoencoderDetector is AutoencoderDetector


def test_bytes_are_divided_by_255_whatever_type_they_have_later():
    given = (DIGITS[:64] * 15).astype(np.uint8)
    detector = AutoencoderDetector(epochs=2, random_state=0).fit(given)
    expected = detector.decision_scores_
    flat = pandas.DataFrame(given.reshape(64, -1))
    copied = pickle.loads(pickle.dumps(detector))
    for same in (given, given.astype(float), given.astype(np.int64), flat, [*given]):
        for one in (detector, copied):
            np.testing.assert_allclose(one.anomaly_scores(same), expected, rtol=1e-5)
    floats = AutoencoderDetector(epochs=2, random_state=0).fit(given / 255)
    np.testing.assert_allclose(
        floats.anomaly_scores(given), floats.decision_scores_, rtol=1e-5
    )


@pytest.mark.parametrize(
    ("options", "X", "words"),
    [
        ({"contamination": "auto"}, NORMAL[:9], "contamination must lie in .*'auto'"),
        ({"image_shape": 64}, NORMAL[:9].reshape(9, -1), "give .H, W. or"),
        ({"image_shape": (4, 16)}, NORMAL[:9], r"images of .*image_shape is \(4, 16\)"),
        ({}, NORMAL[:0], "0 sample"),
        ({"score_name": "foo"}, NORMAL[:9], "^score.names.0: foo is not one of mse"),
    ],
)
def test_mistakes_are_named(options, X, words):
    with pytest.raises((ValueError, ConfigError), match=words):
        AutoencoderDetector(**options).fit(X)


def test_one_image_alone_is_told_from_rows(fitted):
    with pytest.raises(ValueError, match=r"one image alone, \(8, 8\)"):
        fitted[0].predict(NORMAL[0])
