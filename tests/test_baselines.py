"""Baselines: the same scores in any company, the same detector again, clear errors."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from scipy.spatial import distance
from sklearn.datasets import load_digits
from sklearn.metrics import f1_score, roc_auc_score

from jaxad import baselines
from jaxad.config.scoring import Baselines
from jaxad.errors import ConfigError, DataError
from jaxad.trivial import trivial_scores

SPEC = Baselines(components=16, subsample=300)


@pytest.fixture(scope="module")
def digits():
    """(1797, 8, 8, 1) uint8."""
    return (load_digits().images[..., None] * (255 / 16)).astype(np.uint8)


@pytest.fixture(scope="module")
def detectors(digits):
    return {
        name: baselines.fit(name, SPEC, digits[:600], seed=3)
        for name in baselines.RECIPES
    }


def noisy(images, level, seed=0):
    u = np.random.default_rng(seed).random(images.shape)
    return np.where(u < level / 2, 0, np.where(u < level, 255, images)).astype(np.uint8)


@pytest.mark.parametrize("name", baselines.RECIPES)
class TestEach:
    def test_higher_is_more_anomalous(self, name, digits, detectors):
        score = detectors[name].score
        clean, bad = score(digits[600:]), score(noisy(digits[600:], 0.5))
        assert clean.dtype == np.float32
        label = np.repeat([0, 1], len(clean))
        assert roc_auc_score(label, np.concatenate([clean, bad])) > 0.97

    def test_scores_do_not_depend_on_the_batch(self, name, digits, detectors):
        score = detectors[name].score
        images = np.concatenate([digits[600:], noisy(digits[600:], 0.1)])
        together = score(images)
        order = np.random.default_rng(1).permutation(len(images))
        # BLAS may round by a row's place.
        np.testing.assert_allclose(score(images[order]), together[order], rtol=1e-5)
        alone = np.concatenate([score(images[i : i + 1]) for i in (0, 7, 1500)])
        np.testing.assert_allclose(alone, together[[0, 7, 1500]], rtol=1e-5)

    def test_a_seed_gives_the_same_detector(self, name, digits, detectors):
        again = baselines.fit(name, SPEC, digits[:600], seed=3)
        images = noisy(digits[600:700], 0.1)
        np.testing.assert_array_equal(
            again.score(images), detectors[name].score(images)
        )
        assert again.trained_on == (300 if name in ("lof", "ocsvm") else 600)

    def test_bytes_and_floats_agree(self, name, digits, detectors):
        floats = digits.astype(np.float32) / np.float32(255)
        again = baselines.fit(name, SPEC, floats[:600], seed=3)
        np.testing.assert_array_equal(
            again.score(floats[600:700]), detectors[name].score(digits[600:700])
        )

    def test_few_or_equal_images_are_no_trouble(self, name, digits):
        for images in (digits[:3], np.repeat(digits[:1], 30, axis=0)):
            detector = baselines.fit(name, Baselines(components=2), images, seed=0)
            assert np.isfinite(detector.score(digits[:5])).all()
        assert detector.score(digits[:0]).shape == (0,)


def test_pca_is_the_projection_onto_the_leading_singular_vectors(digits, detectors):
    rows = (digits / 255.0).reshape(len(digits), -1)
    centred = rows - rows[:600].mean(0)
    basis = np.linalg.svd(centred[:600], full_matrices=False)[2][:16]
    residual = centred - centred @ basis.T @ basis
    np.testing.assert_allclose(
        detectors["pca"].score(digits),
        np.square(residual).mean(1),
        rtol=1e-3,
        atol=1e-7,
    )


def test_distances_are_those_of_scipy(digits, detectors):
    rows = (digits / 255.0).reshape(len(digits), -1)
    train, test = rows[:600], rows[600:650]
    nearest = np.sort(distance.cdist(test, train), 1)[:, baselines.recipes.NEAREST - 1]
    found = detectors["knn"].score(digits[600:650])
    np.testing.assert_allclose(found, nearest, rtol=1e-4)
    share, size = baselines.recipes.SHRINKAGE, train.shape[1]
    covariance = np.cov(train.T, bias=True)
    ridge = np.trace(covariance) / size * np.eye(size)
    inverse = np.linalg.inv((1 - share) * covariance + share * ridge)
    golden = distance.cdist(test, train.mean(0)[None], "mahalanobis", VI=inverse)
    found = detectors["mahalanobis"].score(digits[600:650])
    np.testing.assert_allclose(found, golden[:, 0] ** 2, rtol=1e-4)


def test_no_thread_is_left_over(digits, detectors):
    before = set(threading.enumerate())
    detectors["isolation_forest"].score(digits)
    assert not [t for t in set(threading.enumerate()) - before if not t.daemon]


def test_scikit_learn_is_imported_only_by_a_fit():
    code = "import sys, jaxad.baselines; assert 'sklearn' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, env=dict(os.environ))


def test_bad_input_is_refused_in_one_line(digits, detectors):
    nan = np.full((4, 8, 8, 1), np.nan, np.float32)
    for error, match, call in [
        (ConfigError, "choose from", lambda: baselines.fit("svm", SPEC, digits, 0)),
        (
            ConfigError,
            "to 10 or less",
            lambda: baselines.fit("pca", SPEC, digits[:10], 0),
        ),
        (
            ConfigError,
            "4096 values",
            lambda: baselines.check("mahalanobis", SPEC, (9, 128, 128, 1)),
        ),
        (DataError, "give two", lambda: baselines.fit("lof", SPEC, digits[:1], 0)),
        (DataError, "uint8", lambda: baselines.fit("lof", SPEC, digits / 255.0, 0)),
        (DataError, "finite", lambda: baselines.fit("lof", SPEC, nan, 0)),
        (DataError, "finite", lambda: detectors["lof"].score(nan)),
        (DataError, "resize", lambda: detectors["lof"].score(digits[:, :4])),
    ]:
        with pytest.raises(error, match=match) as caught:
            call()
        assert "\n" not in str(caught.value)


@pytest.fixture(scope="module")
def rows(digits):
    bad = noisy(digits, 0.5)
    test = np.concatenate([digits[300:600], bad[300:400]])
    label = np.repeat([0, 1], [300, 100])
    val = np.concatenate([digits[:300], bad[:300]])
    untrained = np.arange(600, dtype=np.float32), np.arange(400, dtype=np.float32)
    return (
        trivial_scores(digits[:300], val, test, label, untrained, seed=1),
        val,
        test,
        label,
    )


def test_calling_all_anomalous_scores_2p_over_1_plus_p(rows):
    trivial, _, _, label = rows
    row = trivial["all_anomalous"]
    called = row.test_scores >= row.upper
    assert called.all()
    assert f1_score(label, called) == pytest.approx(2 * 0.25 / 1.25)


def test_only_the_oracle_row_reads_test_labels(rows):
    trivial, val, test, label = rows
    untrained = trivial["untrained"].val_scores, trivial["untrained"].test_scores
    turned = trivial_scores(val[:300], val, test, 1 - label, untrained, seed=1)
    for name, row in trivial.items():
        assert row.val_scores.dtype == row.test_scores.dtype == np.float32
        changed = not np.array_equal(row.test_scores, turned[name].test_scores)
        assert changed == (row.status == "oracle")
    assert roc_auc_score(label, trivial["raw_brightness"].test_scores) > 0.5
    notes = {trivial["raw_brightness"].note, turned["raw_brightness"].note}
    assert {note.split()[0] for note in notes} == {"brighter", "darker"}


def test_distances_are_two_sided_from_the_validation_mean(rows, digits):
    trivial, _, test, _ = rows
    flat = test.reshape(400, -1) / 255.0
    normals = digits[:300].reshape(300, -1) / 255.0
    for name, f in (("brightness", np.mean), ("contrast", np.std)):
        wanted = np.abs(f(flat, 1) - f(normals, 1).mean())
        scores = trivial[f"{name}_distance"].test_scores
        np.testing.assert_allclose(scores, wanted, rtol=1e-5, atol=1e-8)


def test_trivial_rows_check_lengths_and_bear_one_class(rows):
    trivial, val, test, label = rows
    untrained = trivial["untrained"].val_scores, trivial["untrained"].test_scores
    alone = trivial_scores(val[:300], val, test, 0 * label, untrained)
    assert "one class" in alone["raw_brightness"].note
    with pytest.raises(DataError, match="one for each"):
        trivial_scores(val[:300], val, test, label[:5], untrained)
    with pytest.raises(DataError, match="no validation normals"):
        trivial_scores(val[:0], val, test, label, untrained)
