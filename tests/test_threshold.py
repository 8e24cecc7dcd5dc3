"""Threshold rules against scikit-learn, numpy and their own promises."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score
from sklearn.svm import SVC

from jaxad import metrics, threshold
from jaxad.config import threshold as rules
from jaxad.errors import ConfigError
from jaxad.threshold import Validation

SIZE = 64
RULES = (
    rules.MaxMargin(),
    rules.ZScore(),
    rules.ZScore(k=2, sides="both"),
    rules.Percentile(q=90),
    rules.Mad(sides="lower"),
    rules.FixedFpr(rate=0.1),
    rules.Conformal(alpha=0.1),
    rules.F1Max(),
    rules.PrCorner(),
    rules.Youden(),
    rules.MinRecall(r=0.7),
    rules.Cost(c_fp=1.0, c_fn=3.0),
)
NAMES = threshold.names(RULES)


@jax.jit
def fit_all(validation):
    return {
        name: jnp.stack(threshold.fit(rule, validation))
        for name, rule in zip(NAMES, RULES, strict=True)
    }


fit = jax.jit(threshold.fit, static_argnums=0)


def padded(score, label):
    """A Validation of SIZE entries; what pads it would spoil every rule."""
    rest = SIZE - len(score)
    return Validation(
        np.concatenate([score, np.full(rest, np.nan)]).astype(np.float32),
        np.concatenate([label, np.arange(rest) % 2]).astype(np.int32),
        np.arange(SIZE) < len(score),
    )


def flagged(score, limits):
    lower, upper = limits
    return (score <= lower) | (score >= upper)


@st.composite
def labelled(draw, least=2):
    """Scores with ties and labels with both classes."""
    size = draw(st.integers(least, SIZE))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    label = rng.permutation(np.arange(size) < draw(st.integers(1, size - 1)))
    score = rng.normal(size=size) + label * draw(st.sampled_from([-1, 0, 1, 2, 8]))
    scale = draw(st.sampled_from([1e-6, 1.0, 1e6]))
    decimals = draw(st.sampled_from([0, 1, 7]))
    return (np.round(score, decimals) * scale).astype(np.float32), label.astype(int)


@settings(max_examples=80)
@given(labelled())
def test_rules_keep_their_promise_on_the_validation_scores(data):
    score, label = data
    found = {k: np.asarray(v) for k, v in fit_all(padded(score, label)).items()}
    normal = score[label == 0]
    alarms = {name: flagged(normal, limits).mean() for name, limits in found.items()}
    assert alarms["percentile"] <= 0.1 + 1e-7
    assert alarms["fixed_fpr"] <= 0.1 + 1e-7
    below = found["fixed_fpr"][1]
    below = 0 if 0 < below < 1e-37 else np.nextafter(below, np.float32(-np.inf))
    assert (normal >= below).mean() > 0.1  # no lower limit would do
    p_value = [(1 + (normal >= s).sum()) / (len(normal) + 1) for s in score]
    np.testing.assert_array_equal(
        flagged(score, found["conformal"]), np.array(p_value) <= 0.1
    )
    quantile = np.quantile(normal, 0.9)
    assert found["percentile"][1] >= quantile - 1e-5 * np.abs(normal).max()

    limits = [*np.unique(score), np.inf]
    calls = [score >= limit for limit in limits]

    def best(value):
        """The highest limit with the largest value."""
        values = np.array([value(call) for call in calls])
        return limits[np.flatnonzero(values >= values.max() - 1e-7)[-1]]

    def rates(call):
        return call[label == 1].mean(), call[label == 0].mean()

    assert found["f1_max"][1] == best(lambda c: f1_score(label, c, zero_division=0))
    assert found["youden"][1] == best(lambda c: rates(c)[0] - rates(c)[1])
    assert found["min_recall"][1] == best(lambda c: float(rates(c)[0] >= 0.7))
    assert found["cost"][1] == best(
        lambda c: -(c & (label == 0)).sum() - 3.0 * (~c & (label == 1)).sum()
    )
    distance = best(
        lambda c: (
            -((1 - label[c].mean()) ** 2 + (1 - rates(c)[0]) ** 2)
            if c.any()
            else -np.inf
        )
    )
    assert found["pr_corner"][1] == distance


@settings(max_examples=40)
@given(labelled(least=4))
def test_max_margin_is_the_middle_of_the_gap_or_the_support_vector_machine(data):
    score, label = data
    upper = float(fit_all(padded(score, label))["max_margin"][1])
    normal, anomalous = score[label == 0], score[label == 1]
    if normal.max() < anomalous.min():
        middle = (float(normal.max()) + float(anomalous.min())) / 2
        assert upper == pytest.approx(middle, rel=1e-6)
        assert normal.max() < upper <= anomalous.min()
        return
    wide = score.astype(np.float64)
    spread = wide.std() or 1.0
    z = (wide - wide.mean()) / spread
    machine = SVC(kernel="linear", C=1.0, tol=1e-6, max_iter=10**6).fit(
        z[:, None], label
    )
    slope = machine.coef_[0, 0]
    if upper == np.inf:
        assert slope < 1e-4
        return
    t = (upper - wide.mean()) / spread

    def loss(w, b):
        wrong = np.maximum(0, 1 - (2 * label - 1) * (w * z + b))
        return w * w / 2 + wrong.sum()

    # The best offset is often an interval, of which libsvm takes any: compare losses.
    best = loss(slope, machine.intercept_[0])
    assert loss(slope, -slope * t) <= best * (1 + 1e-5)


@pytest.mark.parametrize(("c", "shift"), [(0.01, 2.0), (1.0, 0.5), (100.0, 3.0)])
def test_max_margin_on_classes_of_unequal_size_is_libsvms(c, shift):
    rng = np.random.default_rng(1)
    label = (np.arange(600) < 150).astype(np.int32)
    score = (rng.normal(size=600) + shift * label).astype(np.float32)
    z = (score - score.mean()) / score.std()
    machine = SVC(kernel="linear", C=c, tol=1e-5).fit(z[:, None], label)
    upper = fit(rules.MaxMargin(c=c), Validation(score, label))[1]
    slope, offset = machine.coef_[0, 0], machine.intercept_[0]
    if shift == 0.5:  # the best line is flat: all are called normal
        assert (slope < 1e-6, offset < 0, upper) == (True, True, np.inf)
    else:
        assert (upper - score.mean()) / score.std() == pytest.approx(
            -offset / slope, abs=0.02
        )


@settings(max_examples=40)
@given(labelled())
def test_spread_rules_are_numpys_and_never_call_the_centre_anomalous(data):
    score, label = data
    found = {k: np.asarray(v) for k, v in fit_all(padded(score, label)).items()}
    normal = score[label == 0].astype(np.float64)
    names = [n for n in NAMES if n.startswith("z_score")]
    (_, upper), (low, high) = (found[name] for name in names)
    tolerance = 1e-5 * (np.abs(normal).max() + normal.std()) + 1e-37
    mean, std, median = normal.mean(), normal.std(), np.median(normal)
    assert upper == pytest.approx(mean + 3 * std, abs=tolerance)
    assert (low, high) == pytest.approx((mean - 2 * std, mean + 2 * std), abs=tolerance)
    mad = 1.4826022 * np.median(np.abs(normal - median))
    lower, none = found["mad"]
    assert none == np.inf
    assert lower == pytest.approx(median - 3.5 * mad, abs=tolerance)
    if std == 0:
        assert low < normal[0] < min(high, upper)


def test_fit_maps_over_members_and_needs_no_labels_on_normals():
    rng = np.random.default_rng(0)
    score = rng.normal(size=(3, SIZE)).astype(np.float32)
    label = np.tile(np.arange(SIZE) % 2, (3, 1))
    mapped = jax.jit(jax.vmap(fit_all))(Validation(score, label, label >= 0))
    for member in range(3):
        alone = fit_all(Validation(score[member], label[member], label[member] >= 0))
        for name, limits in alone.items():
            np.testing.assert_allclose(mapped[name][member], limits, rtol=1e-6)
    rule = rules.FixedFpr(rate=0.25)
    lower, upper = fit(rule, Validation(jnp.arange(8.0)))
    assert lower == -np.inf
    assert upper == np.nextafter(np.float32(5), np.float32(9))


def test_conformal_limit_is_infinite_with_too_few_normals():
    rule = rules.Conformal(alpha=0.1)
    assert fit(rule, Validation(jnp.arange(8.0)))[1] == np.inf
    assert fit(rule, Validation(jnp.arange(9.0)))[1] > 8
    assert fit(rule, Validation(jnp.arange(9.0)))[1] < np.inf


def test_no_rising_line_gives_no_limit():
    score, label = jnp.arange(8.0), (jnp.arange(8) < 4).astype(jnp.int32)
    for rule in (rules.MaxMargin(), rules.Youden(), rules.Cost(c_fp=1.0, c_fn=0.1)):
        assert fit(rule, Validation(score, label))[1] == np.inf


def test_zero_is_below_its_next_limit_even_where_subnormals_are_flushed():
    score = jnp.zeros(8, jnp.float32)
    upper = fit(rules.FixedFpr(), Validation(score))[1]
    assert not jnp.any(score >= upper)


@pytest.mark.parametrize(
    ("rule", "validation", "message"),
    [
        (rules.F1Max(), Validation(np.zeros(3)), "needs labelled"),
        (rules.Youden(), Validation(np.zeros(3), np.zeros(3)), "anomalous"),
        (rules.Mad(), Validation(np.zeros(3), np.ones(3)), "normal"),
        (rules.ZScore(), Validation(np.array([0, np.nan])), "1 of 2"),
        (rules.Cost(), Validation(np.zeros(2), np.array([0, 2])), "0 or 1"),
        (rules.Conformal(), Validation(np.zeros(2), None, np.zeros(2, bool)), "normal"),
    ],
)
def test_a_rule_that_lacks_what_it_needs_says_so(rule, validation, message):
    with pytest.raises(ConfigError, match=message) as caught:
        threshold.require(rule, validation)
    assert "\n" not in str(caught.value)


def test_names_and_needs():
    some = (rules.ZScore(), rules.ZScore(k=2.0, sides="both"), rules.F1Max())
    assert threshold.names(some) == (
        "z_score(k=3,sides=upper)",
        "z_score(k=2,sides=both)",
        "f1_max",
    )
    assert [threshold.fit_on(rule) for rule in some] == [
        "val_normal",
        "val_normal",
        "val_labelled",
    ]
    for rule in RULES:
        threshold.require(rule, Validation(np.arange(2.0), np.array([0, 1])))
    with pytest.raises(ConfigError, match="unknown"):
        threshold.fit(metrics, Validation(np.zeros(1)))
