"""The pictures of a page: PNG files as data URIs, small enough for all together.

Maps share the one scale of colours of the run.
"""

import base64
import io
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib import colormaps
from PIL import Image

from jaxad.report.anomaly_maps import FOUND, TRUE, norm
from jaxad.report.examples import Examples
from jaxad.report.folder import RunFolder
from jaxad.report.names import title
from jaxad.report.reconstructions import shades

BUDGET = 6_000_000
"""Bytes of all pictures of a page."""
LARGEST, _LEAST = 256, 32  # pixels of a picture's longer side
_SAMPLES = 24
_BOTH = "#FFFFFF"


class _Layer(NamedTuple):
    """A picture of each example. draw: from row and factor to a PNG file."""

    name: str
    draw: Callable[[int, int], bytes]


def gallery(run: RunFolder, budget: int) -> dict[str, Any]:
    """The examples of a run, with as large pictures as `budget` bytes have room for.

    Keys: `layers`, names of the pictures; `items`, dicts with `id`, `label`, `defect`,
    `scores` (name -> value, of all detectors where the example is in scores.csv) and
    `pictures`, one data URI a layer; `size` [H, W] of images and `shown` [H, W] of
    their pictures; `kept`, examples in the folder; `total`, test images in all; `map`,
    words on the scale of the maps or None; `samples`, data URIs of images that the
    model draws.
    """
    examples = run.examples
    layers, rows = _layers(examples), list(range(len(examples.index)))
    sheets, factor = _fitted(layers, rows, examples.image.shape[1:3], budget)
    height, width = examples.image.shape[1:3]
    places = _places(run)
    return {
        "layers": [layer.name for layer in layers],
        "items": [
            {**_about(run, places, examples.index[k]), "pictures": pictures}
            for k, pictures in zip(rows, sheets, strict=False)
        ],
        "size": [height, width],
        "shown": [-(-height // factor), -(-width // factor)],
        "kept": len(rows),
        "total": len(run.labels("test")),
        "map": _map_words(run),
        "samples": _samples(examples, budget // 6),
    }


def _layers(examples: Examples) -> list[_Layer]:
    found = [_image("image", examples.image)]
    if not np.array_equal(examples.original, examples.image):
        found.insert(0, _image("original", examples.original))
    if examples.recon is not None:
        found.append(_image("reconstruction", examples.recon))
    for name, picture in examples.pictures.items():
        # A mask is added to an image: it is shown with grey for nothing.
        found.append(_image(name, picture + 0.5 if name == "mask" else picture))
    if examples.map is not None:
        found.append(_map(examples))
    if examples.mask is not None or examples.scale is not None:
        found.append(_marks(examples))
    return found


def _image(name: str, images: np.ndarray) -> _Layer:
    def draw(row: int, factor: int) -> bytes:
        small = _reduced(shades(images[row]), factor, np.mean)
        return png(Image.fromarray(np.rint(255 * small).astype(np.uint8)))

    return _Layer(name, draw)


def _map(examples: Examples) -> _Layer:
    maps, scale = examples.map, norm(examples)
    assert maps is not None
    colours = np.rint(255 * colormaps["inferno"](np.arange(256))[:, :3])

    def draw(row: int, factor: int) -> bytes:
        small = _reduced(maps[row], factor, np.mean)
        part = np.clip(np.asarray(scale(small)), 0, 1)
        steps = np.rint(255 * part).astype(np.uint8)
        return png(_palette(steps, colours.astype(np.uint8)))

    return _Layer("map", draw)


def _marks(examples: Examples) -> _Layer:
    """What is found (2), what is true (1), and both (3), of what a run knows."""
    parts = [] if examples.mask is None else [(1, examples.mask, "true mask")]
    if examples.map is not None and examples.scale is not None:
        parts.append((2, examples.map >= examples.scale.threshold, "found"))
    colours = np.array([_rgb(c) for c in ("#1B1B1F", TRUE, FOUND, _BOTH)], np.uint8)

    def draw(row: int, factor: int) -> bytes:
        # A defect of one pixel is seen in a smaller picture as well.
        marks = [code * _reduced(x[row], factor, np.max) for code, x, _ in parts]
        return png(_palette(np.sum(marks, 0).astype(np.uint8), colours), bits=2)

    return _Layer(" and ".join(words for _, _, words in parts), draw)


def _rgb(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour[1:]))


def _palette(steps: np.ndarray, colours: np.ndarray) -> Image.Image:
    picture = Image.fromarray(steps)
    picture.putpalette(colours.tobytes())
    return picture


def png(picture: Image.Image, **options: Any) -> bytes:
    """A picture as a PNG file; the same picture gives the same bytes."""
    data = io.BytesIO()
    picture.save(data, format="PNG", compress_level=6, **options)
    return data.getvalue()


def _uri(data: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"


def _reduced(image: np.ndarray, factor: int, how: Callable[..., Any]) -> np.ndarray:
    """(H, W, ...) with a pixel for each block of `factor` x `factor`."""
    if factor == 1:
        return image
    height, width = image.shape[:2]
    rest = [(0, -side % factor) for side in (height, width)]
    full = np.pad(image, rest + [(0, 0)] * (image.ndim - 2), mode="edge")
    down, across = full.shape[0] // factor, full.shape[1] // factor
    blocks = full.reshape(down, factor, across, factor, *image.shape[2:])
    return how(blocks, axis=(1, 3))


def _fitted(
    layers: Sequence[_Layer], rows: Sequence[int], shape: Sequence[int], budget: int
) -> tuple[list[list[str]], int]:
    """Data URIs of each row, and the factor by which pictures are smaller.

    Where even small ones do not fit, the last rows are left out.
    """

    def made(rows: Sequence[int], factor: int) -> tuple[list[list[str]], np.ndarray]:
        uris = [[_uri(x.draw(row, factor)) for x in layers] for row in rows]
        return uris, np.cumsum([0, *(sum(map(len, one)) for one in uris)])

    factor, largest = -(-max(shape) // LARGEST), max(max(shape) // _LEAST, 1)
    # A few tell how large all would be.
    some = rows[:: max(len(rows) // 8, 1)]
    while factor < largest and made(some, factor)[1][-1] > budget * _part(some, rows):
        factor += 1
    while True:
        uris, ends = made(rows, factor)
        if ends[-1] <= budget:
            return uris, factor
        if factor >= largest:
            return uris[: int(np.searchsorted(ends, budget, side="right")) - 1], factor
        factor += 1


def _part(some: Sequence[int], rows: Sequence[int]) -> float:
    return len(some) / max(len(rows), 1)


def _samples(examples: Examples, budget: int) -> list[str]:
    if examples.samples is None:
        return []
    layer, side = _image("", examples.samples), max(examples.samples.shape[1:3])
    rows = range(min(len(examples.samples), _SAMPLES))
    return [one for (one,) in _fitted([layer], rows, [side], budget)[0]]


def _places(run: RunFolder) -> dict[tuple[str, int, float], int]:
    """(id, label, primary score) -> row of scores.csv, of test images."""
    score, scores = run.primary[0], run.scores
    rows = np.flatnonzero(scores["split"] == "test")
    columns = (scores["id"], scores["label"], scores[f"score_{score}"])
    keys = zip(*(column[rows].tolist() for column in columns), strict=True)
    return dict(zip(keys, rows.tolist(), strict=True))


def _about(run: RunFolder, places: dict, entry: dict[str, Any]) -> dict[str, Any]:
    scores = {name: float(value) for name, value in entry["scores"].items()}
    key = entry["id"], entry["label"], scores.get(run.primary[0])
    if (row := places.get(key)) is not None:
        scores = {name: float(run.scores[f"score_{name}"][row]) for name in run.names}
    found = {"id": str(entry["id"]), "label": int(entry["label"])}
    return found | {"defect": str(entry["defect"]), "scores": scores}


def _map_words(run: RunFolder) -> str | None:
    examples = run.examples
    if examples.map is None:
        return None
    if (scale := examples.scale) is None:
        return "All maps share one scale of colours."
    return (
        f"Maps are of {title(scale.score)}, on one scale of colours from "
        f"{scale.low:.3g} to {scale.high:.3g}, chosen on validation normals. Found is "
        "where a map is "
        f"{scale.threshold:.3g} or above, as at most {100 * scale.rate:g} % of the "
        "pixels of validation normals are."
    )
