"""Metrics against scikit-learn, at the corners, and at sizes where float32 fails."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as golden

from jaxad import metrics
from jaxad.errors import ConfigError, DataError
from jaxad.metrics import counting, order

SIZE = 96
FLOATS = st.floats(width=32, allow_nan=False)
SMALL = st.sampled_from([-2.0, -0.0, 0.0, 1e-45, -1e-40, 1.0, 3e38, np.inf, -np.inf])

summary = jax.jit(metrics.summary)
curve = jax.jit(metrics.curve)
confusion = jax.jit(metrics.confusion)
histogram = jax.jit(metrics.auroc_histogram, static_argnums=2)


@st.composite
def examples(draw):
    """Scores with ties, infinities and subnormal numbers; labels of both classes."""
    values = draw(st.sampled_from([FLOATS, SMALL]))
    score = draw(st.lists(values, min_size=2, max_size=SIZE))
    label = draw(st.lists(st.integers(0, 1), min_size=len(score), max_size=len(score)))
    label[:2] = 0, 1
    return np.array(score, np.float32), np.array(label, np.int32)


def padded(score, label):
    """The same with padding that would change every metric if it counted."""
    rest = SIZE - len(score)
    fill = np.resize(np.array([np.nan, np.inf, 0], np.float32), rest)
    valid = np.arange(SIZE) < len(score)
    return (
        np.concatenate([score, fill]),
        np.concatenate([label, np.arange(rest) % 2]).astype(np.int32),
        valid,
    )


def ranks(score):
    """The same order in numbers that scikit-learn takes (it refuses infinities)."""
    return np.unique(score, return_inverse=True)[1]


@settings(max_examples=150)
@given(examples())
def test_ranking_metrics_are_scikit_learns(data):
    score, label = data
    found = summary(*padded(score, label))
    rank = ranks(score)
    auroc = golden.roc_auc_score(label, rank)
    assert found["reason"] == 0
    assert found["auroc"] == pytest.approx(auroc, abs=2e-7)
    assert found["auroc_low"] <= auroc + 1e-6
    assert found["auroc_high"] >= auroc - 1e-6
    assert found["average_precision"] == pytest.approx(
        golden.average_precision_score(label, rank), abs=2e-7
    )
    precision, recall, _ = golden.precision_recall_curve(label, rank)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
    assert found["f1_max"] == pytest.approx(f1.max(), abs=2e-7)
    keys = order.key(jnp.asarray(score)) >= order.key(found["f1_max_threshold"])
    assert golden.f1_score(label, keys) == pytest.approx(f1.max(), abs=2e-7)
    value, bound = histogram(*padded(score, label)[:2], 0.01, padded(score, label)[2])
    assert abs(value - auroc) <= bound <= 0.01


@settings(max_examples=100)
@given(examples())
def test_curve_and_confusion_are_scikit_learns(data):
    score, label = data
    points = curve(*padded(score, label))
    rank = ranks(score)
    fpr, tpr, _ = golden.roc_curve(label, rank, drop_intermediate=False)
    x, y, real = metrics.roc(points)
    np.testing.assert_allclose(x[real], fpr, atol=1e-7)
    np.testing.assert_allclose(y[real], tpr, atol=1e-7)
    precision, recall, _ = golden.precision_recall_curve(label, rank)
    x, y, real = metrics.pr(points)
    np.testing.assert_allclose(x[real], recall[::-1], atol=1e-7)
    np.testing.assert_allclose(y[real], precision[::-1], atol=1e-7)
    # The counts at the curve's own thresholds, found the other way round.
    limits = jnp.where(points.real, points.threshold, jnp.inf)
    again = confusion(
        *padded(score, label)[:2], -jnp.inf, limits, padded(score, label)[2]
    )
    for one, other in zip(points.counts, again, strict=True):
        np.testing.assert_array_equal(one[points.real], other[points.real])


@settings(max_examples=100)
@given(examples(), FLOATS | SMALL, FLOATS | SMALL)
def test_rates_at_two_limits_are_scikit_learns(data, lower, upper):
    score, label = data
    counts = confusion(
        *padded(score, label)[:2], lower, upper, np.arange(SIZE) < len(score)
    )
    call = ((score <= lower) & (lower > -np.inf)) | (score >= upper)
    tn, fp, fn, tp = golden.confusion_matrix(label, call, labels=[0, 1]).ravel()
    assert tuple(counts) == (tp, fp, fn, tn)
    rates = metrics.rates(counts)
    assert rates["recall"] == pytest.approx(tp / (tp + fn), rel=1e-6)
    assert rates["fpr"] == pytest.approx(fp / (fp + tn), rel=1e-6)
    assert rates["accuracy"] == pytest.approx((tp + tn) / len(score), rel=1e-6)
    assert rates["f1"] == pytest.approx(golden.f1_score(label, call), rel=1e-6)
    assert np.isnan(rates["precision"]) == (tp + fp == 0)
    # Many limits take another way to the same counts.
    many = confusion(
        *padded(score, label)[:2],
        np.full((5, 8), lower, np.float32),
        np.float32(upper),
        np.arange(SIZE) < len(score),
    )
    for one, other in zip(counts, many, strict=True):
        assert other.shape == (5, 8)
        assert (other == one).all()


@pytest.mark.parametrize(
    ("score", "label", "reason"),
    [
        ([], [], "no examples"),
        ([1, 2], [0, 0], "no anomalous"),
        ([1, 2], [1, 1], "no normal"),
        ([1, np.nan], [0, 1], "NaN"),
    ],
)
def test_what_is_undefined_is_nan_with_a_reason(score, label, reason):
    score, label, valid = padded(np.array(score, np.float32), np.array(label, np.int32))
    found = summary(score, label, valid)
    assert reason in metrics.REASONS[found["reason"]]
    for name, value in found.items():
        assert name in ("n_normal", "n_anomalous", "reason") or np.isnan(value)
    assert np.isnan(histogram(score, label, 0.01, valid)).all()
    rates = metrics.rates(confusion(score, label, 0.0, 1.0, valid))
    assert np.isnan(rates["recall"]) == (reason != "no normal")
    if reason in ("NaN", "no examples"):
        assert all(np.isnan(rate) for rate in rates.values())


def test_arrays_of_length_zero_are_undefined():
    empty = np.zeros(0, np.float32)
    assert metrics.REASONS[metrics.undefined(empty, empty)] == "there are no examples"
    assert np.isnan(metrics.auroc(empty, empty))
    assert not metrics.curve(empty, empty).real.any()


def test_constant_scores_are_one_half_with_an_honest_interval():
    found = summary(*padded(np.full(SIZE, 7, np.float32), np.arange(SIZE) % 2))
    assert found["auroc"] == 0.5
    assert found["auroc_low"] < 0.4
    assert found["auroc_high"] > 0.6


def test_interval_at_a_perfect_ranking_is_clopper_and_pearsons():
    score = np.arange(SIZE, dtype=np.float32)
    found = summary(*padded(score, (score >= SIZE - 20).astype(int)))
    assert (found["auroc"], found["auroc_high"]) == (1, 1)
    assert found["auroc_low"] == pytest.approx(0.025 ** (1 / 20), rel=1e-5)
    found = summary(*padded(-score, (score >= SIZE - 20).astype(int)))
    assert (found["auroc"], found["auroc_low"]) == (0, 0)
    assert found["auroc_high"] == pytest.approx(1 - 0.025 ** (1 / 20), rel=1e-5)


def test_intervals_cover_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(0)
    label = np.tile(np.arange(SIZE) % 2, (2000, 1))
    score = (rng.normal(size=label.shape) + label * 2).astype(np.float32)
    low, high = jax.jit(jax.vmap(metrics.auroc_interval))(score, label)
    truth = 0.9213503964748575  # the normal distribution function at sqrt(2)
    assert 0.93 < np.mean((low <= truth) & (truth <= high)) < 0.97
    count = rng.binomial(200, 0.03, 4000)
    low, high = metrics.wilson(count, np.full(4000, 200))
    assert 0.93 < np.mean((low <= 0.03) & (high >= 0.03)) < 0.98
    low, high = metrics.wilson(np.array([0, 5, 0]), np.array([5, 5, 0]))
    assert (low[0], high[1], np.isnan(high[2])) == (0, 1, True)
    assert low[1] == pytest.approx(0.5655175, rel=1e-5)


@pytest.mark.parametrize("kind", ["normal", "ties", "outlier", "offset", "tight"])
def test_histogram_keeps_its_bound(kind):
    rng = np.random.default_rng(2)
    label = rng.random(100_000) < 0.3
    score = rng.normal(size=label.size) + label
    score = {
        "normal": score,
        "ties": np.round(score, 1),
        "outlier": np.where(np.arange(label.size) == 7, 1e35, score),
        "offset": score + 1000,
        "tight": score * 0.01 + 1000,
    }[kind].astype(np.float32)
    value, bound = histogram(score, label, 1e-5)
    assert abs(value - golden.roc_auc_score(label, score)) <= bound <= 1e-5


def test_mapping_over_members_is_a_loop():
    rng = np.random.default_rng(3)
    score = np.round(rng.normal(size=(3, SIZE)), 1).astype(np.float32)
    label = (rng.random((3, SIZE)) < 0.5).astype(np.int32)
    valid = np.ones((3, SIZE), bool)
    mapped = jax.jit(jax.vmap(metrics.summary))(score, label, valid)
    bounded = jax.vmap(lambda s, y: histogram(s, y, 0.01, s < np.inf))(score, label)
    for member in range(3):
        alone = summary(score[member], label[member], valid[member])
        for name, value in alone.items():
            np.testing.assert_allclose(mapped[name][member], value, rtol=1e-6)
        assert abs(bounded[0][member] - alone["auroc"]) <= bounded[1][member] <= 0.01


@settings(max_examples=50)
@given(st.lists(st.tuples(*[st.integers(0, 2**31 - 1)] * 2), min_size=1, max_size=8))
def test_wide_sums_are_pythons(pairs):
    pairs = (pairs * 8)[:8]
    a, b = np.array(pairs, np.uint32).T
    high, low = jax.jit(counting.sum_products)(a, b)
    assert (int(high) << 32) + int(low) == sum(x * y for x, y in pairs)


def test_counts_beyond_what_float32_counts():
    size = 1 << 25
    index = jnp.arange(size, dtype=jnp.int32)
    label = index % 2
    # Normals 0, 1, ... 2^24 - 1; anomalous 2^23 + k // 2: three quarters of the pairs.
    score = jnp.where(label == 1, size // 4 + index // 4, index // 2)
    score = score.astype(jnp.float32)
    value, bound = histogram(score, label, 1e-5)
    assert abs(value - 0.75) <= bound <= 1e-5
    assert abs(value - 0.75) <= 1e-6
    counts = confusion(score, label, -jnp.inf, float(size // 4))
    assert tuple(counts) == (size // 2, size // 4, 0, size // 4)


def test_wrong_shapes_and_modes_are_refused():
    with pytest.raises(DataError, match="one shape"):
        metrics.auroc(np.zeros(3), np.zeros(2))
    with pytest.raises(ConfigError, match="mode"):
        metrics.auroc(np.zeros(2), np.zeros(2), mode="fast")
    with pytest.raises(ConfigError, match="bound"):
        metrics.auroc_histogram(np.zeros(2), np.zeros(2), 0.0)


def test_histogram_counts_a_last_block_that_is_not_full():
    count = 100_001
    random = np.random.default_rng(0)
    label = random.integers(0, 2, count).astype(np.int32)
    score = random.normal(label).astype(np.float32)
    value, error = metrics.auroc_histogram(jnp.asarray(score), jnp.asarray(label))
    expected = golden.roc_auc_score(label, score)
    assert abs(float(value) - expected) <= float(error) + 1e-7
    assert error <= 1e-5
