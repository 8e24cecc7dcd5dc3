"""What an artefact tells whoever runs it."""

from importlib.metadata import version
from typing import Any

import jax
import numpy as np

import jaxad
from jaxad.artefact import DTYPES, FORMAT, PROGRAMS, VERSION
from jaxad.data import Reading
from jaxad.saved import Run

PLATFORMS = ("cpu", "cuda", "tpu")


def contract(run: Run, compared: dict[str, Any]) -> dict[str, Any]:
    """What whoever runs the programs needs to know, in JSON's types."""
    spec, data = run.config.score, run.config.data
    tile = np.zeros((1, *run.image_shape), np.float32)
    maps = jax.eval_shape(run.scorer.alone(run.state.model), tile).maps
    inside = {"uint8": "divided by 255", "float32": "taken as they are, in [0, 1]"}
    tone = "log(1 + 50 x) / log 51 of the intensity" if data.tone == "log" else None
    limits = {name: run.thresholds[name] for name in spec.names}
    return {
        "format": FORMAT,
        "format_version": VERSION,
        "versions": {"jaxad": jaxad.__version__}
        | {name: version(name) for name in ("jax", "jaxlib")},
        "model": run.config.model.kind,
        "platforms": PLATFORMS,
        "programs": {
            dtype: {"file": PROGRAMS[dtype], "input": inside[dtype]} for dtype in DTYPES
        },
        "input": {"shape": ["batch", *run.image_shape], "layout": "NHWC", "tone": tone},
        "reading": _reading(run),
        "outputs": {
            "scores": spec.names,
            "maps": [name for name in spec.names if name in maps],
            "order": "a dict of scores (batch,), one of maps (batch, H, W); leaves in "
            "the order of their names",
        },
        "primary": run.metrics["primary"],
        "thresholds": limits,
        "rule": "anomalous where score <= lower or score >= upper; null: no such limit",
        "tiles": _tiles(run),
        "block": spec.together(run.image_shape),
        "difference": compared,
    }


def _reading(run: Run) -> dict[str, Any]:
    """How `jaxad score` makes images of files; the programs do nothing of it.

    Images are resized (Pillow, bilinear) to `size` where it is set, and made square by
    `fit` before.
    """
    return Reading.of(run.config.data)._asdict()


def _tiles(run: Run) -> dict[str, Any] | None:
    """How images of any size are cut up for programs of patches."""
    patches = run.config.data.patches
    if patches.size is None:
        return None
    return {
        "size": patches.size,
        "stride": patches.stride,
        "offsets": "0, stride, 2 stride, ... and the last that fits, down and across",
        "score": "the largest of the tiles",
        "map": "the mean of the tiles that cover a pixel",
    }
