"""Several detectors as one: the mean of their ranks among validation normals."""

from collections.abc import Sequence

import numpy as np

from jaxad.evaluate import Pair


def join(pairs: Sequence[Pair], val_label: np.ndarray) -> Pair:
    """The ensemble's scores, (V,) and (T,) float32 in [0, 2).

    Each detector's score becomes the share of validation normals that score below it,
    ties one half, and beyond all of them it goes on rising: scores of different size
    and shape are then alike.
    """
    ranked = [_ranked(pair, val_label) for pair in pairs]
    val, test = (np.mean(part, axis=0) for part in zip(*ranked, strict=True))
    return Pair(val.astype(np.float32), test.astype(np.float32))


def _ranked(pair: Pair, val_label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    normals = np.sort(pair.val[val_label == 0]).astype(np.float64)
    spread = max(normals[-1] - np.median(normals), np.finfo(np.float32).tiny)

    def rank(score: np.ndarray) -> np.ndarray:
        low = np.searchsorted(normals, score, side="left")
        high = np.searchsorted(normals, score, side="right")
        share = (low + high) / 2 / len(normals)
        # Above every normal the share stands still, and the order would be lost.
        beyond = np.maximum(score - normals[-1], 0) / spread
        return share + np.tanh(beyond)

    return rank(pair.val), rank(pair.test)
