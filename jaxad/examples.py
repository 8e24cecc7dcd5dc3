"""The examples that a run folder keeps for its pictures."""

import math
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from jaxad.batches import evenly
from jaxad.data import Split, Splits
from jaxad.metrics import order
from jaxad.scoring import DRAWN, Scorer

SHOWN = 4  # of each kind
KINDS = 8  # of defects that are neither among the best nor among the worst
NORMALS = 512  # validation images whose pixels set the scale of all maps
GALLERY = 1000  # examples in all, for the page, which shows more than the plots do
BYTES = 64_000_000  # of all arrays, before they are compressed: fewer large images
ONE_IN = 100  # pixels of these that may be at the threshold or above
BRIGHT = 2.5  # times the way from the darkest normal pixel to the threshold: the scale


class Scale(NamedTuple):
    """How maps are shown, float32 scalars: the ends of the colours, and the threshold.

    A pixel is anomalous iff its map is `threshold` or above.
    """

    low: np.float32
    high: np.float32
    threshold: np.float32


def choose(
    splits: Splits,
    scorer: Scorer,
    model: Any,
    scores: dict[str, np.ndarray],
    seed: int,
    upper: float = math.inf,
) -> tuple[dict[str, np.ndarray], list[dict[str, Any]]]:
    """Arrays (K, ...) and an index of the best, the worst and some random test images.

    scores: of the test images. Best and worst are by the first: an anomalous image is
    worst when it scores low, a normal one when it scores high. No image is shown twice,
    and each kind of defect once, where it fits. They are followed by those that are
    for the page alone: further bad ones, and the nearest to the first score's limit
    `upper`, up to GALLERY examples or BYTES.

    Kept are `original`, `image`, and where they are known: `recon`; `mask` (K, H, W)
    bool; what networks behind an autoencoder make, as `picture_<name>`; `samples`, new
    images (n, H, W, C). `map` (K, H, W) is the first score's, or that of the first
    score that has one, or else the squared residual; `map_score` says whose.
    `map_limits` (2,), `map_threshold` () and `map_rate` (), the share of pixels that
    the threshold is for, are of maps of validation normals alone.
    """
    test, first = splits.test, next(iter(scores))
    rows, why = _rows(scores[first], test.label, test.defect, seed)
    room = _room(splits, scorer, model) - len(rows)
    more, for_page = _more(scores[first], test.label, rows, upper, room)
    rows, why = np.concatenate([rows, more]), why + for_page
    image = _float(test.image[rows])
    arrays = {"image": image}
    original = test.original
    arrays["original"] = image if original is None else _float(original[rows])
    made = scorer.pictures(model, test.image[rows])
    if "recon" in made:
        arrays["recon"] = made.pop("recon")
    arrays |= {f"picture_{name}": picture for name, picture in made.items()}
    if test.mask is not None:
        arrays["mask"] = np.reshape(test.mask[rows], image.shape[:3]) != 0
    arrays |= _maps(splits, scorer, model, first, rows)
    drawn = scorer.sample(model, DRAWN, seed)
    arrays |= {} if drawn is None else {"samples": drawn}
    return arrays, _index(test, scores, rows, why)


def _index(
    test: Split, scores: dict[str, np.ndarray], rows: np.ndarray, why: list[str]
) -> list[dict[str, Any]]:
    return [
        {
            "id": str(test.id[row]),
            "label": int(test.label[row]),
            "defect": str(test.defect[row]),
            "scores": {name: float(values[row]) for name, values in scores.items()},
            "why": reason,
        }
        for row, reason in zip(rows, why, strict=True)
    ]


def _rows(score: np.ndarray, label: np.ndarray, defect: np.ndarray, seed: int):
    rows, why = [], []
    random = np.random.default_rng(seed)
    for anomalous in (0, 1):
        members = np.flatnonzero(label == anomalous)
        ranks = members[np.argsort(score[members], kind="stable")]
        ranks = ranks[::-1] if anomalous else ranks  # best first
        good = min(SHOWN, -(-len(ranks) // 2))
        picks = {"best": ranks[:good], "worst": ranks[good:][::-1][:SHOWN]}
        shown = np.concatenate(list(picks.values()))
        rest = random.permutation(np.setdiff1d(members, shown))
        # Kinds that are not shown yet go first.
        kinds, firsts = np.unique(defect[rest], return_index=True)
        new = np.sort(firsts[~np.isin(kinds, defect[shown])])[:KINDS]
        rest = np.concatenate([rest[new], np.delete(rest, new)])
        picks["random"] = rest[: max(SHOWN, len(new))]
        for reason, chosen in picks.items():
            rows += chosen.tolist()
            why += [reason] * len(chosen)
    return np.array(rows, int), why


def _room(splits: Splits, scorer: Scorer, model: Any) -> int:
    """How many examples may be kept in all."""
    test = splits.test
    if not len(test.label):
        return 0
    image = test.image[:1]
    each = 4 * image.size * (2 + len(scorer.pictures(model, image)))
    each += 5 * int(np.prod(image.shape[1:3]))  # map and mask
    return min(GALLERY, BYTES // each)


def _more(
    score: np.ndarray, label: np.ndarray, shown: np.ndarray, upper: float, room: int
) -> tuple[np.ndarray, list[str]]:
    """Rows (n,) of up to `room` test images that are not shown yet, and why: of each
    class as many, half of these the worst and half the nearest to the limit."""
    rows, why = list[int](), list[str]()
    for anomalous in (0, 1):
        left = (room - len(rows)) // (2 - anomalous)
        members = np.setdiff1d(np.flatnonzero(label == anomalous), shown)
        bad = np.argsort(
            score[members] if anomalous else -score[members], kind="stable"
        )
        worst = members[bad][: max(-(-left // 2), 0)]
        rest = np.setdiff1d(members, worst)
        # In ranks: scores have no unit in which distances would mean the same.
        ranks = np.searchsorted(np.sort(score), score[rest])
        limit = np.searchsorted(np.sort(score), upper)
        near = rest[np.argsort(np.abs(ranks - limit), kind="stable")]
        near = near[: max(left - len(worst), 0)]
        rows += [*worst.tolist(), *near.tolist()]
        why += ["next worst"] * len(worst) + ["near the limit"] * len(near)
    return np.array(rows, int), why


def _maps(
    splits: Splits, scorer: Scorer, model: Any, first: str, rows: np.ndarray
) -> dict[str, np.ndarray]:
    """The maps of some test images, and how to show them; {} where there are none."""
    name, maps = _map(scorer, model, splits.test.image[rows], first)
    if maps is None:
        return {}
    scale = scale_of(splits.val, scorer, model, first)
    return {
        "map": maps,
        "map_score": np.array(name),
        "map_limits": np.array([scale.low, scale.high]),
        "map_threshold": np.array(scale.threshold),
        "map_rate": np.array(1 / ONE_IN, np.float32),
    }


def _map(
    scorer: Scorer, model: Any, image: np.ndarray, first: str
) -> tuple[str, np.ndarray | None]:
    """Maps (N, H, W) of images, and the score that they are of."""
    found = scorer.scores(model, image).maps
    if found:
        name = first if first in found else next(iter(found))
        return name, found[name]
    recon = scorer.recon(model, image)
    if recon is None:
        return "", None
    return "squared_residual", np.square(recon - _float(image)).mean(-1)


def scale_of(val: Split, scorer: Scorer, model: Any, first: str) -> Scale:
    """The scale of a score's maps, from validation normals alone.

    The threshold is that of `threshold.FixedFpr` on all pixels: the least with at most
    one in ONE_IN of them at or above it. Colours end at BRIGHT times that, counted from
    the other end. Of more than NORMALS images so many are looked at, evenly spaced, a
    block at a time.
    """
    rows = np.flatnonzero(val.label == 0)
    rows = rows[evenly(len(rows), NORMALS)]
    pixels = len(rows) * int(np.prod(val.image.shape[1:3]))
    allowed = pixels // ONE_IN  # integers: no rounding
    top, low, most = np.empty(0, np.float32), np.float32(np.inf), list[np.ndarray]()
    size = scorer.block(val.image)
    for start in range(0, len(rows), size):
        image = val.image[rows[start : start + size]]
        maps = _map(scorer, model, image, first)[1]
        assert maps is not None
        low = min(low, maps.min())
        most.append(maps.max((1, 2)))
        top = np.concatenate([top, maps.ravel().astype(np.float32)])
        if len(top) > allowed + 1:
            top = np.partition(top, -allowed - 1)[-allowed - 1 :]
    threshold = np.float32(order.next_up(jnp.float32(top.min())))
    # From zero where that is no loss: errors then begin at the end of the colours.
    low = np.float32(0 if 0 <= low < threshold / 10 else low)
    # The threshold is above the least value, so the scale is never empty.
    high = np.float32(low + BRIGHT * (threshold - low))
    # Where few pixels are far above all others, those of a usual image still fit.
    high = max(high, np.float32(np.median(np.concatenate(most))))
    return Scale(low, high, threshold)


def _float(image: np.ndarray) -> np.ndarray:
    return image / np.float32(255) if image.dtype == np.uint8 else image
