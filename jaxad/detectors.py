"""What a run measures: the model's own scores, and the baselines beside it."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from jaxad import baselines, pixels
from jaxad.config import Config
from jaxad.data import Split
from jaxad.progress import part
from jaxad.scoring import Scorer

Table = dict[str, np.ndarray]


class Detector(NamedTuple):
    """One detector with one or more scores.

    score: images (N, H, W, C) -> {name: (N,) float32}. kind: "model" or "baseline".
    tested: the test split -> the same, and its metrics by pixel. seconds: of its fit,
    {} for the model.
    """

    name: str
    kind: str
    score: Callable[[np.ndarray], Table]
    tested: Callable[[Split], tuple[Table, dict[str, Any]]]
    seconds: dict[str, Any]


def detectors(
    config: Config, train: Split, scorer: Scorer, model: Any
) -> Iterator[Detector]:
    """The model, then each baseline, fitted when it is asked for."""
    part("model:")
    yield _own(config, scorer, model)
    yield from _baselines(config, train)


def _own(config: Config, scorer: Scorer, model: Any) -> Detector:
    """The model, with its scores in the order of the config."""

    def score(image: np.ndarray) -> Table:
        values = scorer.values(model, image)
        return {name: values[name] for name in config.score.names}

    def tested(test: Split) -> tuple[Table, dict[str, Any]]:
        values, pixel = pixels.score(config, test, scorer, model)
        return {name: values[name] for name in config.score.names}, pixel

    return Detector("model", "model", score, tested, {})


def _baselines(config: Config, train: Split) -> Iterator[Detector]:
    names = config.baselines.names
    for number, name in enumerate(names, 1):
        which = f"{name}, baseline {number} of {len(names)}:"
        part(f"{which} fitting", shown=True)
        fitted = baselines.fit(name, config.baselines, train.image, config.seed)
        part(which)
        seconds: dict[str, Any] = {"fit": fitted.seconds_fit}
        seconds |= {"trained_on": fitted.trained_on, "detail": fitted.detail}

        def score(image: np.ndarray, name=name, fitted=fitted) -> Table:
            return {name: fitted.score(image)}

        def tested(test: Split, score=score) -> tuple[Table, dict[str, Any]]:
            return score(test.image), {}

        yield Detector(name, "baseline", score, tested, seconds)
