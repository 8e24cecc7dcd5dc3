"""How long it takes to score, measure and draw a run, from a few images."""

import io
import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from matplotlib.figure import Figure

from jaxad import baselines, evaluate, pixels
from jaxad.batches import evenly
from jaxad.config import Config
from jaxad.data import Cuts, Split, Splits
from jaxad.evaluate import Labels, Pair
from jaxad.examples import NORMALS
from jaxad.levels import Curves
from jaxad.parts import Parts
from jaxad.whole import Tiled

TRIVIAL = 6
"""Rows of trivial detectors in a run's metrics."""
FIGURE = 6.5
"""A run's picture takes that many times as long as an empty one, about."""
FIT_SECONDS = 1.0
"""A baseline is fitted to more and more images until one fit takes that long."""


def seconds(parts: Parts, splits: Splits, untrained: Any) -> dict[str, float]:
    """Seconds by part of what follows the training: `model` and `baselines` score,
    `metrics` with their compilation, and pictures.

    untrained: the model before training, which scores in the same time.
    """
    config, scorer = parts.config, parts.scorer
    val, test = splits.val, splits.test
    some = val.image[: scorer.block(val.image) * parts.layout.size]
    levels = _levels(config, test)
    normals = int(np.sum(val.label == 0))

    def each(function: Callable[..., Any], *more: Any, images: float) -> float:
        """Of a function of so many images, with the time that a start of it takes."""
        return _images(lambda: function(untrained, some, *more), len(some), images)

    # As `results.gather` and `examples.choose` look at images.
    looks = 2 * (len(val.label) + len(test.label)) + levels + min(normals, NORMALS)
    found = each(scorer.values, images=looks)
    found += each(scorer.latent, images=normals)
    if parts.method.output is not None:
        found += each(scorer.recon, images=_looked(test))
    shown = 2 * len(evenly(normals, config.train.validate))
    found += each(scorer.criterion, val.label[: len(some)], images=shown)
    return {
        "model": found + _pixels(config, test, scorer, untrained),
        "baselines": sum(
            _baseline(name, config, splits, levels) for name in config.baselines.names
        ),
        "metrics": _metrics(config, splits),
        "pictures": FIGURE * _figure() * _pictures(config),
    }


def _images(function: Callable[[], Any], few: int, images: float) -> float:
    """Seconds of `images` images, and of compiling where the program is cached."""
    function()
    jax.clear_caches()
    began = time.monotonic()
    function()
    first, again = time.monotonic() - began, []
    for _ in range(2):
        began = time.monotonic()
        function()
        again.append(time.monotonic() - began)
    return max(first - min(again), 0.0) + min(again) * images / few


def _levels(config: Config, test: Split) -> float:
    """Images that curves by level look at."""
    curves = Curves(config)
    copies = 0 if curves.copies is None else len(curves.copies["levels"])
    noisy = sum(len(curve["levels"]) - 1 for curve in curves.noisy)
    return copies * float(np.sum(test.clean)) + noisy * len(test.label)


def _looked(test: Split) -> float:
    """Reconstructions of test images: all, and the anomalous ones beside originals."""
    return len(test.label) + float(np.sum(test.label)) * (test.origin is not None)


def _pixels(config: Config, test: Split, scorer: Any, model: Any) -> float:
    """Seconds of stitching and of metrics by pixel, beyond the scores of the images."""
    if test.mask is None:
        return 0.0
    if isinstance(test.image, Cuts):
        places = test.image.places
        size = places.size, config.data.patches.stride
        whole = Tiled(scorer, model, *size, places.whole.shape[3])
        masks, images = test.mask.places.whole[:1, ..., 0], float(len(places.whole))

        def found() -> list[np.ndarray]:
            maps = whole.scores(places.whole[0], whole.mapped)[1]
            return [of[None] for of in maps.values()]
    else:
        few = test.image[: scorer.block(test.image)]
        masks, images = test.mask[: len(few)], len(test.label) / len(few)

        def found() -> list[np.ndarray]:
            return list(scorer.scores(model, few).maps.values())

    found()
    began = time.monotonic()
    for of in found():
        pixels.entry(list(of), list(np.asarray(masks)))
    return (time.monotonic() - began) * images


def _baseline(name: str, config: Config, splits: Splits, levels: float) -> float:
    """Seconds of fitting and scoring, from fits to a part of the images: both grow by a
    power of their number."""
    image, few = splits.train.image, splits.test.image[: baselines.BLOCK]
    whole = len(image)
    if baselines.RECIPES[name].subsampled:
        whole = min(whole, config.baselines.subsample)
    least = 2
    if name == "pca":
        least = config.baselines.components or baselines.COMPONENTS
    count, rows = max(whole // 16, min(least, whole)), []
    began = time.monotonic()
    baselines.fit(name, config.baselines, image[:count], config.seed)
    once = time.monotonic() - began  # with what has to be imported
    while True:
        began = time.monotonic()
        fitted = baselines.fit(name, config.baselines, image[:count], config.seed)
        fit = time.monotonic() - began
        fitted.score(few)
        rows.append((count, fit, time.monotonic() - began - fit))
        if count >= whole or (fit > FIT_SECONDS and len(rows) > 1):
            break
        count = min(2 * count, whole)
    fit = _grown([(count, seconds) for count, seconds, _ in rows], whole)
    block = _grown([(count, seconds) for count, _, seconds in rows], whole)
    looks = len(splits.val.label) + len(splits.test.label) + levels
    imports = max(once - rows[0][1], 0.0)
    return imports + fit + block * max(1.0, looks / baselines.BLOCK)


def _grown(rows: list[tuple[int, float]], whole: int) -> float:
    """Seconds at `whole` images, from the last two sizes; at least as many, and at most
    as their cube."""
    (n, last), *before = rows[::-1]
    if n >= whole or not before:
        return last * whole / n if n < whole else last
    m, other = before[0]
    power = np.log(max(last, 1e-6) / max(other, 1e-6)) / np.log(n / m)
    return last * (whole / n) ** float(np.clip(power, 0, 3))


def _metrics(config: Config, splits: Splits) -> float:
    """Seconds of thresholds and metrics of all detectors."""
    draw = np.random.default_rng(0)
    label = Labels(splits.val.label, splits.test.label, splits.test.group)
    pair = Pair(*(draw.random(len(x), np.float32) for x in label[:2]))

    def one() -> float:
        began = time.monotonic()
        limits = evaluate.thresholds(config.threshold.rules, pair, label)
        evaluate.measure(limits, pair.test, label)
        return time.monotonic() - began

    one()
    jax.clear_caches()
    first, again = one(), one()
    detectors = len(config.score.names) + len(config.baselines.names) + TRIVIAL
    return first + again * (detectors - 1)


def _pictures(config: Config) -> int:
    """Pictures of a run, about."""
    return 6 + len(config.score.names) + len(config.baselines.names)


def _figure() -> float:
    """Seconds of an empty picture."""
    began = time.monotonic()
    figure = Figure(figsize=(8, 5), layout="constrained")
    figure.subplots().plot([0, 1])
    figure.savefig(io.BytesIO(), format="png")
    return time.monotonic() - began
