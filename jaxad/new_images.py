"""What a finished run says of new images.

A run of whole images scores images of the size it was trained on; where its config has
a `data.size`, others are resized as its own were (`data.fit`). A run of patches
scores images of any size, tile by tile: an image's score is its largest tile's.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jaxad import data as sources
from jaxad import folder
from jaxad.errors import DataError
from jaxad.progress import counted
from jaxad.saved import Run, load_run
from jaxad.types import Scores
from jaxad.whole import Tiled


def score(run: Run, images: np.ndarray) -> Scores:
    """Scores and anomaly maps of images (N, H, W, C) or (N, H, W), as NumPy arrays.

    images: uint8, or float in [0, 1], with the channels the run was trained on, and of
        its size; of any where it has a `data.size`, which they are resized to, and,
        from a patch on, where it was trained on patches.
    Raises DataError for others.
    """
    given = sources.from_arrays(images).train.image
    tiled, own = _tiled(run), run.config.data
    if tiled is None:
        if own.size is not None:
            given = sources.resize(given, own.size, own.fit)
        if given.shape[1:] != run.image_shape:
            raise DataError(
                f"images of {_size(given.shape[1:])}, but {run.path} was trained on "
                f"{_size(run.image_shape)}; give (N, H, W, C) or (N, H, W) of that size"
            )
        return run.scorer.scores(run.state.model, given)
    if given.shape[3] != run.image_shape[2]:
        raise DataError(f"images: {_unlike(run, given.shape[3])}")
    found = [tiled.scores(image, tiled.mapped) for image in given]
    values, maps = ([pair[i] for pair in found] for i in (0, 1))
    return Scores(_stacked([_largest(tiles) for tiles in values]), _stacked(maps))


def score_files(
    run_path: str | Path,
    images: Sequence[str | Path],
    out: str | Path | None = None,
    maps: bool = False,
) -> Path:
    """Score image files with a finished run; the folder written to.

    images: files, and folders of them: all images in these and below.
    Writes scores.csv (id, score_..., anomalous_<rule> of the first score) into `out`
    (by default <run>/scored). With `maps`, of the first score that has any: maps.npz
    (`maps` (N, H, W) float32, in that order), or, of a run of patches, one file for
    each image, maps/<number>-<name>.npy (H, W) float32, written band by band.
    Raises DataError, one line, that names all files that cannot be used; no table is
    written then.
    """
    run = load_run(run_path)
    target = run.path / "scored" if out is None else Path(out)
    if (target / folder.CONFIG).is_file():
        raise DataError(f"{target} is a run folder; choose another --out")
    tiled, files = _tiled(run), sources.image_files(images)
    if tiled is None:
        own = run.image_shape, run.config.data
        pixels = sources.read_all(files, lambda path: sources.read_image(path, *own))
        if any(image.dtype != np.uint8 for image in pixels):
            pixels = [np.asarray(sources.to_float(image)) for image in pixels]
        found = score(run, np.stack(pixels))
        if maps and not found.maps:
            raise _no_map(run)
        values = found.values
    else:
        values = _score_whole(run, tiled, files, target if maps else None)
    columns: dict[str, Any] = {"id": [sources.shown(path) for path in files]}
    columns |= {f"score_{name}": numbers for name, numbers in values.items()}
    columns |= _called(run, values)
    folder.write_csv(target / "scores.csv", columns)
    if maps and tiled is None:
        folder.write_npz(target / "maps.npz", {"maps": next(iter(found.maps.values()))})
    return target


def _score_whole(
    run: Run, tiled: Tiled, images: Sequence[Path], target: Path | None
) -> dict[str, np.ndarray]:
    def channels(path: str | Path) -> np.ndarray:
        found = sources.read_pixels(path).shape[2]
        if found != run.image_shape[2]:
            raise sources.BadFile(path, _unlike(run, found))
        return np.array(found)  # the pixels of all may not fit into memory

    # All are looked at before the first is scored: no work is lost to a bad file.
    sources.read_all(images, channels)
    if target is not None and not tiled.mapped:
        raise _no_map(run)
    rows = []
    for number, path in enumerate(counted(images, "images", len(images))):
        pixels, file = sources.read_pixels(path), None
        if target is not None:
            file = target / "maps" / f"{number:04d}-{path.stem}.npy"
            file.parent.mkdir(parents=True, exist_ok=True)
        try:
            name = tiled.mapped[0] if file is not None else None
            rows.append(_largest(tiled.write(pixels, name, file)))
        except DataError as error:
            raise DataError(f"{sources.shown(path)}: {error}") from error
    return _stacked(rows)


def _called(run: Run, values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Which images each deployable rule calls anomalous, by the first score."""
    first = run.config.score.names[0]
    return {
        f"anomalous_{rule}": (
            (values[first] <= limit["lower"]) | (values[first] >= limit["upper"])
        ).astype(int)
        for rule, limit in run.thresholds[first].items()
        if limit["status"] == "deployable"
    }


def _tiled(run: Run) -> Tiled | None:
    """How the run sees images of any size; None where it was trained on whole ones."""
    patches = run.config.data.patches
    if patches.size is None:
        return None
    size = patches.size, patches.stride
    return Tiled(run.scorer, run.state.model, *size, run.image_shape[2])


def _unlike(run: Run, channels: int) -> str:
    return (
        f"{channels} channels, but {run.path} was trained on {run.image_shape[2]}; "
        "convert them"
    )


def _no_map(run: Run) -> DataError:
    return DataError(f"{run.path}: none of its scores has a map; leave out --maps")


def _largest(tiles: dict[str, np.ndarray]) -> dict[str, Any]:
    return {name: values.max() for name, values in tiles.items()}


def _stacked(rows: Sequence[dict[str, Any]]) -> dict[str, np.ndarray]:
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def _size(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
