"""Everything a finished run reports: scores, thresholds, metrics.

The detectors that stand beside the model (baselines, trivial rows) go through the same
thresholds and metrics as the model's own scores.
"""

import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from jaxad import baselines, evaluate, latents
from jaxad.batches import evenly, trained_on, validated_on
from jaxad.config import Config, stages
from jaxad.data import Split, Splits, picked
from jaxad.detectors import Table, detectors
from jaxad.evaluate import Labels, Pair
from jaxad.levels import Curves
from jaxad.methods import views
from jaxad.progress import part
from jaxad.scoring import Scorer
from jaxad.threshold import Validation, require
from jaxad.trivial import trivial_scores


class Results(NamedTuple):
    """columns: of scores.csv; thresholds, metrics: as in their files; seconds: by step.

    test: the model's scores on the test split, by name.
    """

    columns: dict[str, Any]
    thresholds: dict[str, Any]
    metrics: dict[str, Any]
    seconds: dict[str, Any]
    test: Table


def gather(
    config: Config,
    splits: Splits,
    scorer: Scorer,
    model: Any,
    untrained: Any,
    pause: Callable[[], None] = lambda: None,
) -> Results:
    """Score, fit thresholds on validation, measure on test.

    model, untrained: the fitted model and the one before training. pause: called
    before each detector; it may raise.
    """
    labels = Labels(splits.val.label, splits.test.label, splits.test.group)
    scores: dict[str, Pair] = {}
    kinds: dict[str, str] = {}
    seconds: dict[str, Any] = {}
    curves = Curves(config)
    pixel: dict[str, Any] = {}
    for detector in detectors(config, splits.train, scorer, model):
        pause()
        began = time.monotonic()
        val = detector.score(splits.val.image)
        test, found = detector.tested(splits.test)
        seconds[detector.name] = detector.seconds | {"score": time.monotonic() - began}
        pixel |= found
        scores |= {name: Pair(val[name], test[name]) for name in val}
        kinds |= dict.fromkeys(val, detector.kind)
        curves.measure(splits.test, detector, test)
    part("thresholds and metrics")
    limits, image = {}, {}
    for name, pair in scores.items():
        limits[name] = evaluate.thresholds(config.threshold.rules, pair, labels)
        entry = evaluate.measure(limits[name], pair.test, labels)
        image[name] = {"detector": kinds[name], **entry}
    first = config.score.names[0]
    part("untrained model, reconstructions, latents:")
    metrics: dict[str, Any] = {
        "primary": {"score": first, "rule": next(iter(limits[first]))},
        "image": image,
        "pixel": pixel,
        "defects": _defects(splits.test, scores),
        "fit": _losses(config, splits, scorer, model),
        "trivial": _trivial(config, splits, labels, scorer, untrained),
        "latent": latents.measure(splits, scorer, model),
        "reconstruction": _reconstruction(splits.test, scorer, model),
    }
    metrics |= curves.metrics
    own_test: Table = {name: scores[name].test for name in config.score.names}
    return Results(_columns(splits, scores), limits, metrics, seconds, own_test)


def check(config: Config, val_label: np.ndarray, shape: tuple[int, ...]) -> None:
    """Before the training: whether all that follows it can work.

    val_label: (V,) labels of the validation images. shape: (N, H, W, C) of training.
    Raises ConfigError or DataError, one line, where a rule lacks anomalies or normals,
    a baseline images, or an image views.
    """
    views.check(config.score.views, shape[1:3])
    label = jnp.asarray(val_label)
    stand_in = Validation(jnp.linspace(0.0, 1.0, label.shape[0]), label)
    for rule in config.threshold.rules:
        require(rule, stand_in)
    for name in config.baselines.names:
        baselines.check(name, config.baselines, shape)


def _defects(test: Split, scores: dict[str, Pair]) -> dict[str, Any]:
    """Of each score, each kind of defect apart; {} where there is one kind alone."""
    if len({*test.defect[test.label == 1].tolist()}) < 2:
        return {}
    return {
        name: evaluate.by_defect(pair.test, test.label, test.defect)
        for name, pair in scores.items()
    }


def _trivial(
    config: Config, splits: Splits, labels: Labels, scorer: Scorer, untrained: Any
) -> dict[str, Any]:
    """Entries of the trivial rows, at the first rule and at the oracle's threshold."""
    first = config.score.names[0]
    parts = (splits.val, splits.test)
    before = tuple(scorer.values(untrained, part.image)[first] for part in parts)
    normals = picked(splits.val.image, np.flatnonzero(splits.val.label == 0))
    images = (splits.val.image, splits.test.image)
    rows = trivial_scores(normals, *images, labels.test, before, config.seed)
    entries = {}
    for name, row in rows.items():
        pair = Pair(row.val_scores, row.test_scores)
        limits = evaluate.thresholds(config.threshold.rules[:1], pair, labels)
        if row.upper is not None:
            fixed = {"lower": -np.inf, "upper": row.upper}
            limits = {rule: {**limit, **fixed} for rule, limit in limits.items()}
        for limit in limits.values():
            limit["status"] = "oracle" if row.status == "oracle" else limit["status"]
        entry = evaluate.measure(limits, pair.test, labels)
        entries[name] = {"status": row.status, "note": row.note, **entry}
    return entries


def _losses(
    config: Config, splits: Splits, scorer: Scorer, model: Any
) -> dict[str, float]:
    """Losses on images as the method trains and validates on, as many of each.

    By the criterion of early stopping, without dropout, so that the gap (validation
    minus training) is one of generalisation.
    """
    val = validated_on(splits, scorer.labelled)
    train = trained_on(splits, scorer.labelled)
    some = evenly(len(val.label), stages.last(config).train.validate)
    # Labelled images come last: both classes are there in their shares.
    spaced = evenly(len(train.label), len(some))
    first = spaced if scorer.labelled else np.s_[: len(some)]
    train_loss = scorer.criterion(model, train.image[first], train.label[first])
    val_loss = scorer.criterion(model, val.image[some], val.label[some])
    gap = val_loss - train_loss
    return {"train_loss": train_loss, "val_loss": val_loss, "gap": gap}


def _reconstruction(test: Split, scorer: Scorer, model: Any) -> dict[str, float]:
    """How well normal and anomalous test images are given back, by mean squared error.

    identity_gap: error on anomalous over error on normal images; a network that has
    learned the identity gives about 1.
    """
    own = _errors(test.image, test.image, scorer, model)
    if own is None:
        return {}
    normal, anomalous = test.label == 0, test.label == 1
    errors = {"mse_clean": _mean(own[normal])}
    errors["mse_anomalous"] = _mean(own[anomalous])
    clean = errors["mse_clean"]
    errors["identity_gap"] = errors["mse_anomalous"] / clean if clean else math.nan
    if test.original is not None:
        errors["anomalous_vs_input"] = errors["mse_anomalous"]
        image, original = test.image[anomalous], test.original[anomalous]
        against = _errors(image, original, scorer, model)
        errors["anomalous_vs_clean"] = _mean(against)
    return errors


def _errors(image: Any, target: Any, scorer: Scorer, model: Any) -> np.ndarray | None:
    """Mean squared error (N,) float64 of each reconstruction, read block by block; None
    where the method makes none."""
    scale = np.float32(255 if target.dtype == np.uint8 else 1)
    found = [np.empty(0)]
    size = scorer.block(image)
    for first in range(0, len(image), size):
        part = np.s_[first : first + size]
        given = image[part]
        recon = scorer.recon(model, given)
        if recon is None:
            return None
        wanted = given if target is image else target[part]
        squares = np.square(recon - wanted / scale, dtype=np.float64)
        found.append(squares.mean((1, 2, 3)))
    return np.concatenate(found)


def _mean(values: np.ndarray | None) -> float:
    return float(np.mean(values)) if values is not None and len(values) else math.nan


def _columns(splits: Splits, scores: dict[str, Pair]) -> dict[str, Any]:
    parts = (splits.val, splits.test)
    columns = {
        "id": np.concatenate([part.id for part in parts]),
        "split": np.repeat(["val", "test"], [len(part.label) for part in parts]),
        "label": np.concatenate([part.label for part in parts]),
        "defect": np.concatenate([part.defect for part in parts]),
    }
    for name, pair in scores.items():
        columns[f"score_{name}"] = np.concatenate(pair)
    return columns
