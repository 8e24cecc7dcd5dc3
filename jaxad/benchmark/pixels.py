"""`jaxad benchmark pixels`: metrics of anomaly maps beside scikit-learn's AUROC."""

import math
import os
import re
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage
from sklearn.metrics import roc_auc_score

from jaxad.benchmark.pairs import alternate
from jaxad.metrics import maps

COUNT, SIDE, PAIRS = 100, 1024, 2
SHIFT = 0.1  # of the pixels of defects, about one standard deviation of the maps
PART = (4, 48)  # images and their side, for the definition: it takes a pass a score
LIMIT = 0.3
_MEMORY = re.compile(r"VmHWM:\s+(\d+) kB")

Images = tuple[Any, Any]


def measure(
    count: int = COUNT,
    side: int = SIDE,
    pairs: int = PAIRS,
    part: tuple[int, int] = PART,
) -> tuple[str, list[dict[str, Any]]]:
    """Time all four metrics of `count` maps of side x side; a note and two rows.

    part: images and their side whose AUPRO is taken by definition as well.
    """
    rows = [_whole(count, side, pairs), _part(*part, pairs)]
    note = (
        f"Pixel AUROC, AP, F1-max and AUPRO of {count} smooth maps of {side}x{side} "
        "beside sklearn.metrics.roc_auc_score of the same pixels, each in a process of "
        f"its own; median of {pairs} pairs"
    )
    return note, rows


def images(count: int, side: int) -> Images:
    """Smooth random maps (count, side, side) float32, and masks of a few regions."""
    draw = np.random.default_rng(0)
    score = np.empty((count, side, side), np.float32)
    mask = np.empty(score.shape, bool)
    for i in range(count):
        noise = draw.standard_normal((side, side), np.float32)
        score[i] = ndimage.uniform_filter(noise, 9)
        coarse = ndimage.gaussian_filter(draw.standard_normal((32, 32)), 2)
        mask[i] = ndimage.zoom(coarse, side / 32, order=1) > 0.2
        score[i] += np.float32(SHIFT) * mask[i]
    return score, mask


def metrics(score: Any, mask: Any) -> dict[str, maps.Value]:
    """What a run reports by pixel."""
    counts = maps.count(score, mask)
    known = maps.auroc, maps.average_precision, maps.f1_max, maps.aupro
    return {metric.__name__: metric(counts) for metric in known}


def auroc_alone(score: np.ndarray, mask: np.ndarray) -> dict[str, maps.Value]:
    value = roc_auc_score(mask.reshape(-1), score.reshape(-1))
    return {"auroc": maps.Value(float(value), 0.0)}


def definition(score: np.ndarray, mask: np.ndarray, limit: float = LIMIT) -> float:
    """AUPRO with every score as a threshold, one after the other."""
    regions = []
    for one, marked in zip(score, mask, strict=True):
        labels, number = ndimage.label(marked, np.ones((3, 3), int))
        regions += [one[labels == region + 1] for region in range(number)]
    normal, thresholds = score[~mask], np.unique(score)[::-1]
    fpr = np.array([0.0, *(np.mean(normal >= t) for t in thresholds)])
    means = [np.mean([np.mean(r >= t) for r in regions]) for t in thresholds]
    overlap = np.array([0.0, *means])
    x = np.append(fpr[fpr < limit], limit)
    y = np.append(overlap[fpr < limit], np.interp(limit, fpr, overlap))
    return float(np.trapezoid(y, x) / limit)


def alone(
    call: Callable[..., Any], count: int, side: int, calls: int
) -> dict[str, Any]:
    """A call in a process of its own, which makes its images first.

    Returns seconds of the first and of the last of so many calls, bytes beyond the
    images and the loaded packages (NaN where the system does not tell), and the values.
    """
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(_measured, call, count, side, calls).result()


def _measured(
    call: Callable[..., Any], count: int, side: int, calls: int
) -> dict[str, Any]:
    given = images(count, side)
    before = _peak(restart=True)
    seconds = []
    for _ in range(calls):
        start = time.perf_counter()
        values = call(*given)
        seconds.append(time.perf_counter() - start)
    beyond = _peak() - before
    return {"seconds": seconds[-1], "first": seconds[0], "beyond": beyond} | values


def _peak(restart: bool = False) -> float:
    """Bytes in memory at most, of this process; restart: from now on."""
    status = Path("/proc/self/status")
    if not status.exists():
        return math.nan
    if restart:
        Path("/proc/self/clear_refs").write_text("5")
    found = _MEMORY.search(status.read_text())
    return math.nan if found is None else int(found[1]) * 1024.0


def _whole(count: int, side: int, pairs: int) -> dict[str, Any]:
    """All metrics of all pixels, beside AUROC alone.

    The first call of the metrics compiles them; scikit-learn's is as good as any.
    """
    both = [
        (alone(metrics, count, side, 2), alone(auroc_alone, count, side, 1))
        for _ in range(pairs)
    ]
    ours, theirs = both[0]
    ratios = [b["seconds"] / a["seconds"] for a, b in both]
    apart = abs(ours["auroc"].value - theirs["auroc"].value)
    bounds = max(ours[metric].bound for metric in ("auroc", "aupro"))
    detail = (
        f"four metrics beside AUROC alone, which differ by {apart:.1e} (proved bounds "
        f"of AUROC and AUPRO {bounds:.1e}); memory beyond the images "
        f"{ours['beyond'] / 2**20:.0f} and {theirs['beyond'] / 2**20:.0f} MiB; "
        f"{ours['first']:.1f} s with compilation; load of the machine "
        f"{os.getloadavg()[0]:.1f}"
    )
    return {
        "name": f"{count} maps of {side}x{side}",
        "detail": detail,
        "apart": apart,
        "bound": ours["auroc"].bound,
        "beyond": [ours["beyond"], theirs["beyond"]],
        "ours": float(np.median([a["seconds"] for a, _ in both])),
        "theirs": float(np.median([b["seconds"] for _, b in both])),
        "ratio": float(np.median(ratios)),
        "ratio_min": float(min(ratios)),
        "ratio_max": float(max(ratios)),
        "pairs": pairs,
    }


def _part(count: int, side: int, pairs: int) -> dict[str, Any]:
    """AUPRO of a few small images, beside its definition."""
    score, mask = images(count, side)
    value, bound = maps.aupro(maps.count(score, mask), LIMIT)
    apart = abs(value - definition(score, mask))
    times = alternate(
        lambda: maps.aupro(maps.count(score, mask), LIMIT),
        lambda: definition(score, mask),
        pairs,
    )
    detail = f"differs from its definition by {apart:.1e}, proved bound {bound:.1e}"
    name = f"AUPRO, {count} of {side}x{side}"
    return {"name": name, "detail": detail, "apart": apart, "bound": bound, **times}
