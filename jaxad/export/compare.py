"""How far exported programs are from the run that they were exported from."""

from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxad.artefact import PROGRAMS, read_program
from jaxad.errors import ArtefactError
from jaxad.report.examples import read_examples
from jaxad.saved import Run
from jaxad.types import Scores

BATCHES = (1, 7, 64)
"""Batch sizes at which an artefact is compared with its run."""
LIMIT = 1e-5
"""Largest difference of a score: |a - b| / max(1, |b|, s), where b is the run's and s
its standard deviation over the images that the run has scored."""
SEARCHED_LIMIT = 1e-4
"""LIMIT for the map of a search by gradient descent, which ends a little elsewhere
after another rounding. Of a map the difference is the mean over the pixels of an image
of |a - b| / max(1, |b|): a single pixel may differ by more, as SSIM divides by small
variances."""


def compared(run: Run, path: Path) -> dict[str, Any]:
    """Largest differences between a run and the programs in the folder `path`, as the
    contract keeps them: of scores by size of the batch, and of maps.

    Raises ArtefactError above the limits.
    """
    images, spread = _images(run), _spread(run)
    scores, maps = dict.fromkeys(map(str, BATCHES), 0.0), 0.0
    for dtype, name in PROGRAMS.items():
        program = read_program(path / name, (path / name).read_bytes())
        given = images if dtype == "float32" else _bytes(images)
        own = run.scorer.scores(run.state.model, given)
        for size in BATCHES:
            found = Scores(*program.call(given[:size]))
            far = differences(found, jax.tree.map(lambda x, n=size: x[:n], own), spread)
            _check(run, far.values, "score")
            _check(run, far.maps, "map")
            scores[str(size)] = max(scores[str(size)], *far.values.values())
            maps = max(maps, *far.maps.values(), 0.0)
    return {
        "platform": jax.default_backend(),
        "scores": {"limit": LIMIT, "largest": max(scores.values()), "batches": scores},
        "maps": {
            "limit": max(map(map_limit, own.maps), default=LIMIT),
            "largest": maps,
        },
    }


def map_limit(name: str) -> float:
    """Of the map of a score."""
    return SEARCHED_LIMIT if name == "search" else LIMIT


def _check(run: Run, far: dict[str, float], what: str) -> None:
    for name, value in far.items():
        limit = map_limit(name) if what == "map" else LIMIT
        if not value <= limit:
            raise ArtefactError(
                f"{run.path}: the exported {what} {name} differs from the run's by "
                f"{value:.1e}, more than {limit:.0e}; nothing was kept"
                f"{_reason(run, name)}"
            )


def _reason(run: Run, name: str) -> str:
    precision = run.config.train.precision
    if precision != "float32":
        return f" (train.precision {precision} rounds too coarsely for that)"
    if name == "search":
        return " (score.search_steps: rounding grows with each step)"
    return ""


def differences(found: Scores, own: Scores, spread: dict[str, float]) -> Scores:
    """A number for each score and map, as LIMIT and SEARCHED_LIMIT say; infinite where
    one is not finite and the other is not the same.

    own: values (N,) and maps (N, H, W) of the run. spread: of each score.
    """
    values = {
        name: float(np.max(_far(found.values[name], b, spread[name])))
        for name, b in own.values.items()
    }
    maps = {
        name: float(np.max(np.mean(_far(found.maps[name], b), (1, 2))))
        for name, b in own.maps.items()
    }
    return Scores(values, maps)


def _far(a: Any, b: Any, spread: float = 0.0) -> np.ndarray:
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    with np.errstate(invalid="ignore"):
        far = np.abs(a - b) / np.maximum(np.abs(b), max(1, spread))
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    return np.where(same, 0, np.where(np.isnan(far), np.inf, far))


def _spread(run: Run) -> dict[str, float]:
    """The standard deviation of each score over the images that the run has scored."""
    return {
        name: float(np.std(run.scores[f"score_{name}"]))
        for name in run.config.score.names
    }


def _images(run: Run) -> np.ndarray:
    """Images to compare on, (64, H, W, C) float32: the examples of the run, as far as
    there are any, and then flat, smooth and noisy ones."""
    count, shape = max(BATCHES), run.image_shape
    rng = np.random.default_rng(0)
    noise = rng.random((count, *shape), np.float32)
    level = rng.random((count, 1, 1, 1), np.float32)
    share = (np.arange(count) % 4 / 3).astype(np.float32)[:, None, None, None]
    made = share * noise + (1 - share) * level
    own = np.asarray(read_examples(run.path / "examples").image, np.float32)
    own = own if own.shape[1:] == shape else made[:0]
    return np.concatenate([own[: count // 2], made])[:count]


def _bytes(image: np.ndarray) -> np.ndarray:
    return np.round(image * 255).astype(np.uint8)
