"""AUROC by the level of a corruption: of corrupted copies, or of noisy test images."""

from typing import Any

import numpy as np

from jaxad import evaluate
from jaxad.config import Config, Corrupted, Defects
from jaxad.data import Split, corrupted_copies, noisy
from jaxad.detectors import Detector, Table

Curve = dict[str, Any]
"""kind: of the corruption. levels: of its curve. auroc: score name -> one a level."""


class Curves:
    """What the protocol asks for, filled in as detectors are measured.

    copies: clean test images against their corrupted copies, or None. noisy: the same
    test images with noise, a curve a kind, from level 0 (none) on.
    """

    def __init__(self, config: Config):
        self.data, self.seed = config.data, config.split_seed
        self.copies: Curve | None = None
        protocol, levels = config.data.protocol, dict[str, set[float]]()
        if isinstance(protocol, Corrupted) and protocol.curve:
            self.copies = _empty(protocol.corruption.kind, list(protocol.curve))
        if isinstance(protocol, Defects):
            for noise in protocol.robustness:
                levels.setdefault(noise.kind, {0.0}).add(noise.level)
        self.noisy = [_empty(kind, sorted(found)) for kind, found in levels.items()]

    def measure(self, test: Split, detector: Detector, scores: Table) -> None:
        """Add a detector. scores: its, of the test split."""
        if self.copies is not None:
            self._measure_copies(self.copies, test, detector, scores)
        for curve in self.noisy:
            for level in curve["levels"]:
                found = scores
                if level:
                    image = noisy(test, curve["kind"], level, self.seed)
                    found = detector.score(image)
                for name, values in found.items():
                    auroc = evaluate.auroc(values, test.label)
                    curve["auroc"].setdefault(name, []).append(auroc)

    def _measure_copies(self, curve: Curve, test, detector, scores: Table) -> None:
        clean = {name: values[test.clean] for name, values in scores.items()}
        for level in curve["levels"]:
            copies = corrupted_copies(test, self.data, self.seed, level)
            normal = np.zeros(np.sum(test.clean), np.int32)
            label = np.concatenate([normal, copies.label])
            for name, values in detector.score(copies.image).items():
                both = np.concatenate([clean[name], values])
                auroc = evaluate.auroc(both, label)
                curve["auroc"].setdefault(name, []).append(auroc)

    @property
    def metrics(self) -> dict[str, Any]:
        """`curve` and `robustness`, each where it was asked for."""
        found: dict[str, Any] = {}
        if self.copies is not None:
            found["curve"] = self.copies
        return found | ({"robustness": self.noisy} if self.noisy else {})


def _empty(kind: str, levels: list[float]) -> Curve:
    return {"kind": kind, "levels": levels, "auroc": {}}
