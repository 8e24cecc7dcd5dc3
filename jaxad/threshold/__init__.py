"""Rules that choose limits from validation scores.

A rule gives (lower, upper), float32, either may be infinite; an example is anomalous
iff `score <= lower or score >= upper`. `fit` is made of device code and safe under
`jit` and `vmap`; `require` is the check on the host that goes before it: nothing here
falls back silently.

An infinite upper limit calls nothing anomalous, and is an answer: of `conformal` with
fewer than 1 / alpha - 1 normals, of `max_margin` when no rising line separates the
classes, of `cost` and `youden` when every finite limit is worse.
"""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxad.errors import ConfigError
from jaxad.metrics import order
from jaxad.threshold import labelled, normals
from jaxad.threshold.normals import Limits


class Validation(NamedTuple):
    """Scores that a rule may look at; never those of the test data.

    score: (N,) float32, finite. label: (N,), 0 normal, 1 anomalous, or None when all
    are normal. valid: (N,) bool or None when all are valid.
    """

    score: jax.Array
    label: jax.Array | None = None
    valid: jax.Array | None = None


def fit_on(rule: Any) -> Literal["val_normal", "val_labelled"]:
    """What a rule needs: validation normals alone, or labelled validation data."""
    return "val_normal" if type(rule) in normals.RULES else "val_labelled"


def names(rules: Sequence[Any]) -> tuple[str, ...]:
    """A name for each rule: its kind, and in brackets the parameters in which it
    differs from another of its kind, as in "z_score(k=2)"."""

    def name(rule: Any) -> str:
        same = [other for other in rules if other.kind == rule.kind]
        values = {field.name: getattr(rule, field.name) for field in fields(rule)}
        inside = ",".join(
            f"{key}={value:g}" if isinstance(value, float) else f"{key}={value}"
            for key, value in values.items()
            if any(getattr(other, key) != value for other in same)
        )
        return f"{rule.kind}({inside})" if inside else rule.kind

    return tuple(name(rule) for rule in rules)


def require(rule: Any, validation: Validation) -> None:
    """Raise ConfigError when a rule lacks what it needs. Reads the arrays on the host.

    Needed are finite scores and at least one normal; rules on labelled data need labels
    of 0 and 1 and one anomalous example as well.
    """
    score = np.asarray(validation.score)
    valid = np.ones(score.shape, bool)
    if validation.valid is not None:
        valid = np.asarray(validation.valid, bool)
    where = f"threshold rule {rule.kind}"
    wrong = int(np.sum(~np.isfinite(score[valid])))
    if wrong:
        raise ConfigError(
            f"{where}: {wrong} of {valid.sum()} validation scores are not finite; "
            "check the training run"
        )
    label = np.zeros(score.shape, int)
    if validation.label is not None:
        label = np.asarray(validation.label)
        if not np.isin(label[valid], (0, 1)).all():
            raise ConfigError(f"{where}: validation labels must be 0 or 1")
    elif fit_on(rule) == "val_labelled":
        raise ConfigError(
            f"{where} needs labelled validation data; give labels, or use a rule on "
            "normals alone (z_score, percentile, mad, fixed_fpr, conformal)"
        )
    if not np.any(label[valid] == 0):
        raise ConfigError(f"{where} needs normal validation examples; there are none")
    if fit_on(rule) == "val_labelled" and not np.any(label[valid] == 1):
        raise ConfigError(
            f"{where} needs anomalous validation examples; there are none"
        )


def fit(rule: Any, validation: Validation) -> Limits:
    """The limits (lower, upper) of a rule, float32 scalars.

    rule: a spec of `jaxad.config.threshold`. Those on normals ignore anomalies.
    On data that `require` refuses the result has no meaning.
    Raises ConfigError when labels are missing or the rule is not known.
    """
    kind = type(rule)
    if kind not in normals.RULES and kind not in labelled.RULES:
        raise ConfigError(f"unknown threshold rule {rule!r}")
    score = jnp.asarray(validation.score)
    label = validation.label
    if label is None:
        if kind in labelled.RULES:
            raise ConfigError(f"threshold rule {rule.kind} needs labels")
        label = jnp.zeros(score.shape, jnp.int32)
    score, anomalous, valid = order.examples(score, label, validation.valid)
    if kind in normals.RULES:
        return normals.RULES[kind](rule, score, valid & ~anomalous)
    upper = labelled.RULES[kind](rule, score, anomalous, valid)
    return jnp.float32(-jnp.inf), upper
