"""What a finished run, or an artefact of one, says of new images.

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
from jaxad.artefact import CONTRACT, Artefact, load
from jaxad.errors import ConfigError, DataError
from jaxad.judge import Judge
from jaxad.progress import counted
from jaxad.saved import Run, load_run
from jaxad.types import Scores
from jaxad.whole import Tiled

_TAKEN = {
    folder.CONFIG: "a run folder",
    folder.GRID: "the folder of a sweep",
    CONTRACT: "an artefact",
}
"""Folders that no scores are written into, by a file that marks them."""


def score(run: Run | Artefact, images: np.ndarray) -> Scores:
    """Scores and anomaly maps of images (N, H, W, C) or (N, H, W), as NumPy arrays.

    images: uint8, or float in [0, 1], with the channels the run was trained on, and of
        its size; of any where it has a `data.size`, which they are resized to, and,
        from a patch on, where it was trained on patches.
    Raises DataError for others.
    """
    return _score(judge_of(run), images)


def _score(judge: Judge, images: np.ndarray) -> Scores:
    given = sources.from_arrays(images).train.image
    tiled, own = judge.tiled, judge.reading
    if tiled is None:
        if own.size is not None:
            given = sources.resize(given, own.size, own.fit)
        if given.shape[1:] != judge.image_shape:
            shape = _size(judge.image_shape)
            raise DataError(
                f"images of {_size(given.shape[1:])}, but {judge.path} was trained on "
                f"{shape}; give (N, H, W, C) or (N, H, W) of that size"
            )
        return judge.scorer.scores(judge.model, given)
    if given.shape[3] != judge.image_shape[2]:
        raise DataError(f"images: {_unlike(judge, given.shape[3])}")
    found = [tiled.scores(image, tiled.mapped) for image in given]
    values, maps = ([pair[i] for pair in found] for i in (0, 1))
    return Scores(_stacked([_largest(tiles) for tiles in values]), _stacked(maps))


def judge_of(run: Run | Artefact) -> Judge:
    """What a run or an artefact scores new images by."""
    if isinstance(run, Artefact):
        return run.judge
    data = run.config.data
    size, stride = data.patches.size, data.patches.stride
    tiles = None if size is None else (size, stride)
    own = run.scorer, run.state.model, sources.Reading.of(data), tiles
    return Judge(run.path, run.image_shape, *own, run.thresholds)


def score_files(
    run_path: str | Path,
    images: Sequence[str | Path],
    out: str | Path | None = None,
    maps: bool = False,
    threshold: float | None = None,
) -> Path:
    """Score image files with a finished run, or an artefact; the folder written to.

    images: files, and folders of them: all images in these and below.
    Writes scores.csv (id, score_..., anomalous_<rule> of the first score) into `out`
    (by default <run>/scored, or `scored` beside the artefact). With `maps`, of the
    first score that has any: maps.npz (`maps` (N, H, W) float32, in that order), or, of
    a run of patches, one file for each image, maps/<number>-<name>.npy (H, W) float32,
    written band by band. threshold: a column anomalous_given comes first, of images
    whose first score is so high or higher.
    Raises DataError, one line, that names all files that cannot be used; no table is
    written then. ArtefactError for an artefact that cannot be trusted.
    """
    if threshold is not None and not np.isfinite(threshold):
        raise ConfigError(f"--threshold {threshold}: is no number")
    judge, target = _opened(Path(run_path))
    target = target if out is None else Path(out)
    for name, what in _TAKEN.items():
        if (target / name).is_file():
            raise DataError(f"{target} is {what}; choose another --out")
    tiled, files = judge.tiled, sources.image_files(images)
    if tiled is None:
        own = judge.image_shape, judge.reading
        pixels = sources.read_all(files, lambda path: sources.read_image(path, *own))
        if any(image.dtype != np.uint8 for image in pixels):
            pixels = [np.asarray(sources.to_float(image)) for image in pixels]
        found = _score(judge, np.stack(pixels))
        if maps and not found.maps:
            raise _no_map(judge)
        values = found.values
    else:
        values = _score_whole(judge, tiled, files, target if maps else None)
    if tiled is None or not maps:
        _clear(target)
    columns: dict[str, Any] = {"id": [sources.shown(path) for path in files]}
    columns |= {f"score_{name}": numbers for name, numbers in values.items()}
    if threshold is not None:
        columns["anomalous_given"] = (values[judge.first] >= threshold).astype(int)
    columns |= _called(judge, values)
    folder.write_csv(target / "scores.csv", columns)
    if maps and tiled is None:
        folder.write_npz(target / "maps.npz", {"maps": next(iter(found.maps.values()))})
    return target


def _clear(target: Path) -> None:
    """Remove the maps of other images, of an earlier call."""
    (target / "maps.npz").unlink(missing_ok=True)
    for file in (target / "maps").glob("[0-9][0-9][0-9][0-9]*-*.npy"):
        file.unlink()


def _opened(path: Path) -> tuple[Judge, Path]:
    """The run or artefact in a folder, and where its scores of new images go."""
    if (path / CONTRACT).is_file():
        return load(path).judge, path.resolve().parent / "scored"
    return judge_of(load_run(path)), path / "scored"


def _score_whole(
    judge: Judge, tiled: Tiled, images: Sequence[Path], target: Path | None
) -> dict[str, np.ndarray]:
    def channels(path: str | Path) -> np.ndarray:
        found = sources.read_pixels(path).shape[2]
        if found != judge.image_shape[2]:
            raise sources.BadFile(path, _unlike(judge, found))
        return np.array(found)  # the pixels of all may not fit into memory

    # All are looked at before the first is scored: no work is lost to a bad file.
    sources.read_all(images, channels)
    if target is not None and not tiled.mapped:
        raise _no_map(judge)
    if target is not None:
        _clear(target)
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


def _called(judge: Judge, values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Which images each deployable rule calls anomalous, by the first score."""
    first = judge.first
    return {
        f"anomalous_{rule}": (
            (values[first] <= limit["lower"]) | (values[first] >= limit["upper"])
        ).astype(int)
        for rule, limit in judge.thresholds[first].items()
        if limit["status"] == "deployable"
    }


def _unlike(judge: Judge, channels: int) -> str:
    return (
        f"{channels} channels, but {judge.path} was trained on "
        f"{judge.image_shape[2]}; convert them"
    )


def _no_map(judge: Judge) -> DataError:
    return DataError(f"{judge.path}: none of its scores has a map; leave out --maps")


def _largest(tiles: dict[str, np.ndarray]) -> dict[str, Any]:
    return {name: values.max() for name, values in tiles.items()}


def _stacked(rows: Sequence[dict[str, Any]]) -> dict[str, np.ndarray]:
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def _size(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
