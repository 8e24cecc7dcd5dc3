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
"""Largest difference: |a - b| / max(1, |b|) over all scores and maps, b the run's."""


def compared(run: Run, path: Path) -> dict[str, Any]:
    """Largest differences between a run and the programs in the folder `path`, by size
    of the batch, as the contract keeps them.

    Raises ArtefactError above LIMIT.
    """
    images = _images(run)
    found = dict.fromkeys(map(str, BATCHES), 0.0)
    for dtype, name in PROGRAMS.items():
        program = read_program(path / name, (path / name).read_bytes())
        given = images if dtype == "float32" else _bytes(images)
        own = run.scorer.scores(run.state.model, given)
        for size in BATCHES:
            scores = Scores(*program.call(given[:size]))
            far = difference(scores, jax.tree.map(lambda x, n=size: x[:n], own))
            found[str(size)] = max(found[str(size)], far)
    largest = max(found.values())
    if not largest <= LIMIT:
        precision = run.config.train.precision
        hint = "" if precision == "float32" else f"; train.precision is {precision}"
        raise ArtefactError(
            f"{run.path}: its exported scores differ by {largest:.1e}, more than "
            f"{LIMIT:.0e}, and were thrown away{hint}"
        )
    return {
        "measure": "max |a - b| / max(1, |b|) over scores and maps, b: the run's",
        "limit": LIMIT,
        "largest": largest,
        "batches": found,
        "platform": jax.default_backend(),
    }


def difference(found: Scores, own: Scores) -> float:
    """The largest difference, in units of max(1, |own|); infinite where one is not
    finite and the other is not the same."""
    parts = jax.tree.leaves(jax.tree.map(_difference, found, own))
    return max(map(float, parts))


def _difference(a: Any, b: Any) -> float:
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    with np.errstate(invalid="ignore"):
        far = np.abs(a - b) / np.maximum(1, np.abs(b))
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    return float(np.max(np.where(same, 0, np.where(np.isnan(far), np.inf, far))))


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
