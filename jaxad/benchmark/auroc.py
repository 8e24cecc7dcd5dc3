"""`jaxad benchmark auroc`: AUROC of a million scores beside scikit-learn."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from sklearn.metrics import roc_auc_score

from jaxad import metrics
from jaxad.benchmark.pairs import PAIRS, alternate

COUNT, BOUND, SHIFT = 1_000_000, 1e-5, 1.0
HISTOGRAM_CALLS = 20


def measure(count: int = COUNT, pairs: int = PAIRS) -> tuple[str, list[dict[str, Any]]]:
    """Time both modes on the CPU; returns a note and a row of numbers for each."""
    rng = np.random.default_rng(0)
    label = (rng.random(count) < 0.5).astype(np.int32)
    score = rng.normal(SHIFT * label).astype(np.float32)
    with jax.default_device(jax.devices("cpu")[0]):
        rows = _rows(score, label, pairs)
    note = (
        f"AUROC of {count} scores (two unit Gaussians, {SHIFT:g} apart, float32) "
        "beside sklearn.metrics.roc_auc_score; arrays in memory, compiled; "
        f"median of {pairs} pairs"
    )
    return note, rows


def _rows(score: np.ndarray, label: np.ndarray, pairs: int) -> list[dict[str, Any]]:
    given = jnp.asarray(score), jnp.asarray(label)
    golden = roc_auc_score(label, score)
    exact = jax.jit(metrics.auroc)
    histogram = jax.jit(partial(metrics.auroc_histogram, bound=BOUND))
    value, bound = (float(x) for x in histogram(*given))

    def beside(call, calls):
        return alternate(
            lambda: jax.block_until_ready(call(*given)),
            lambda: roc_auc_score(label, score),
            pairs,
            (calls, 1),
        )

    apart = abs(float(exact(*given)) - golden)
    return [
        {
            "name": "exact (sort)",
            "detail": f"differs by {apart:.1e}",
            "apart": apart,
            **beside(exact, 1),
        },
        {
            "name": f"histogram, bound {BOUND:g}",
            "detail": f"differs by {abs(value - golden):.1e}, proved bound {bound:.1e}",
            "apart": abs(value - golden),
            "bound": bound,
            **beside(histogram, HISTOGRAM_CALLS),
        },
    ]
