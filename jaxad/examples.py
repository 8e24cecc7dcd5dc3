"""The examples that a run folder keeps for its pictures."""

from typing import Any

import numpy as np

from jaxad.data import Split
from jaxad.scoring import DRAWN, Scorer

SHOWN = 4  # of each kind


def choose(
    test: Split, scorer: Scorer, model: Any, scores: dict[str, np.ndarray], seed: int
) -> tuple[dict[str, np.ndarray], list[dict[str, Any]]]:
    """Arrays (K, ...) and an index of the best, the worst and some random examples.

    Best and worst are by the first score: an anomalous image is worst when it scores
    low, a normal one when it scores high. The map is the first score's, or that of the
    first score that has one; with none at all, the squared residual. What networks
    behind an autoencoder make of it is kept as `picture_<name>`. A method that does not
    reconstruct leaves no `recon`, and no `map` where no score has one. `samples` are
    new images (n, H, W, C), where the method draws any.
    """
    first = next(iter(scores))
    rows, why = _rows(scores[first], test.label, seed)
    image = _float(test.image[rows])
    made = scorer.pictures(model, test.image[rows])
    original = image if test.original is None else _float(test.original[rows])
    arrays = {"original": original, "image": image}
    maps = scorer.scores(model, test.image[rows]).maps
    if "recon" in made:
        arrays["recon"] = made.pop("recon")
        maps = maps or {first: np.square(arrays["recon"] - image).mean(-1)}
    arrays |= {f"picture_{name}": picture for name, picture in made.items()}
    if maps:
        arrays["map"] = maps.get(first, next(iter(maps.values())))
    drawn = scorer.sample(model, DRAWN, seed)
    arrays |= {} if drawn is None else {"samples": drawn}
    index = [
        {
            "id": str(test.id[row]),
            "label": int(test.label[row]),
            "defect": str(test.defect[row]),
            "scores": {name: float(values[row]) for name, values in scores.items()},
            "why": reason,
        }
        for row, reason in zip(rows, why, strict=True)
    ]
    return arrays, index


def _rows(score: np.ndarray, label: np.ndarray, seed: int):
    rows, why = [], []
    random = np.random.default_rng(seed)
    for kind in (0, 1):
        members = np.flatnonzero(label == kind)
        order = members[np.argsort(score[members], kind="stable")]
        order = order if kind == 0 else order[::-1]  # best first
        some = random.permutation(members)[:SHOWN]
        picks = {"best": order[:SHOWN], "worst": order[::-1][:SHOWN], "random": some}
        for reason, chosen in picks.items():
            rows += chosen.tolist()
            why += [reason] * len(chosen)
    return np.array(rows, int), why


def _float(image: np.ndarray) -> np.ndarray:
    return image / np.float32(255) if image.dtype == np.uint8 else image
