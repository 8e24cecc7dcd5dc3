"""Timing of two ways to do the same, in alternation."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from jaxad.progress import counted

PAIRS = 7


def alternate(
    ours: Callable[[], Any],
    theirs: Callable[[], Any],
    pairs: int = PAIRS,
    repeats: tuple[int, int] = (1, 1),
) -> dict[str, Any]:
    """Time A B A B ..., after one call of each that is not counted.

    ours, theirs: return when their work is done.
    repeats: calls of each in a timing; more for what takes milliseconds.

    Returns {"ours", "theirs"}: median seconds of a call, and {"ratio", "ratio_min",
    "ratio_max"}: theirs / ours of each pair, its median and range.
    """
    ours(), theirs()
    times = np.array(
        [
            [seconds(call, n) for call, n in zip((ours, theirs), repeats, strict=True)]
            for _ in counted(range(pairs), "pairs of timings", pairs)
        ]
    )
    ratios = times[:, 1] / times[:, 0]
    medians = np.median(times, axis=0)
    return {
        "ours": float(medians[0]),
        "theirs": float(medians[1]),
        "ratio": float(np.median(ratios)),
        "ratio_min": float(ratios.min()),
        "ratio_max": float(ratios.max()),
        "pairs": pairs,
    }


def seconds(call: Callable[[], Any], repeats: int = 1) -> float:
    """Of a call, the mean of several in a row."""
    start = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - start) / repeats
