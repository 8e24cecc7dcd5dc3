"""AUROC by the level of a corruption: of corrupted copies, or of noisy test images."""

from typing import Any

import numpy as np

from jaxad import evaluate
from jaxad.config import Config, Corrupted, Defects
from jaxad.data import Split, corrupted_copies, noisy
from jaxad.detectors import Detector, Table

Curve = dict[str, Any]
"""kind: of the corruption. levels: of its curve. auroc: score name -> one a level."""


def copies(config: Config) -> Curve | None:
    """The curve that the protocol asks for, to be filled in: clean test images against
    their corrupted copies."""
    protocol = config.data.protocol
    if not isinstance(protocol, Corrupted) or not protocol.curve:
        return None
    levels = list(protocol.curve)
    return {"kind": protocol.corruption.kind, "levels": levels, "auroc": {}}


def robustness(config: Config) -> list[Curve]:
    """Curves to be filled in, one a kind of noise: the same test images with it. They
    start without noise, at level 0."""
    protocol = config.data.protocol
    found: dict[str, set[float]] = {}
    if isinstance(protocol, Defects):
        for noise in protocol.robustness:
            found.setdefault(noise.kind, {0.0}).add(noise.level)
    return [{"kind": k, "levels": sorted(v), "auroc": {}} for k, v in found.items()]


def fill_copies(
    curve: Curve, config: Config, test: Split, detector: Detector, scores: Table
) -> None:
    """Measure a detector on copies. scores: of the test split."""
    clean = {name: values[test.clean] for name, values in scores.items()}
    for level in curve["levels"]:
        changed = corrupted_copies(test, config.data, config.split_seed, level)
        label = np.zeros(np.sum(test.clean), np.int32)
        label = np.concatenate([label, changed.label])
        for name, values in detector.score(changed.image).items():
            both = np.concatenate([clean[name], values])
            curve["auroc"].setdefault(name, []).append(evaluate.auroc(both, label))


def fill_robustness(
    curve: Curve, config: Config, test: Split, detector: Detector, scores: Table
) -> None:
    """Measure a detector on noisy test images. scores: of those without noise."""
    for level in curve["levels"]:
        found = scores
        if level:
            image = noisy(test, curve["kind"], level, config.split_seed)
            found = detector.score(image)
        for name, values in found.items():
            auroc = evaluate.auroc(values, test.label)
            curve["auroc"].setdefault(name, []).append(auroc)
