"""The protocol of data sets that say which images have defects, and where.

Class 0 of such a set is normal, every other class is a kind of defect.
"""

import jax
import numpy as np

from jaxad.config.data import Data, Patches
from jaxad.config.protocols import Defects
from jaxad.data.arrays import Examples, Source
from jaxad.data.folders_stored import joined, picked
from jaxad.data.images import resize, resize_mask
from jaxad.data.patches import Cuts, Places, drawn, tiled
from jaxad.data.protocols.normals import shuffled, split_key
from jaxad.data.splits import GOOD, Split, Splits, cut, one_fold
from jaxad.errors import DataError
from jaxad.streams import stream

_Part = tuple[Examples, np.ndarray]


def split_defects(source: Source, data: Data, protocol: Defects, seed: int) -> Splits:
    """Normals for training and validation, anomalous images for validation and test,
    and what the protocol's `train` sets apart of these with their labels.

    Of whole images, the share data.test of the normals is for the test where the data
    set has none there. With patches, training images give random crops, the others
    tiles, which are anomalous where the mask marks them. Images are drawn whole: no two
    splits hold tiles of one image.

    Raises DataError where there are no anomalous images, too few of them to train on
    some, or patches but no masks.
    """
    train, held = source.train, source.train if source.test is None else source.test
    key = split_key(seed)
    tune, rest = _anomalous(stream(key, "anomalous"), held, protocol)
    normal = shuffled(stream(key, "normal"), np.flatnonzero(train.label == 0))
    others, beside = np.flatnonzero(held.label == 0), held
    if held is train:
        others = others[:0]
    apart = []
    if protocol.train:
        taught, rest = _taught(held.label, rest, protocol.train)
        known, others = _known(stream(key, "labelled"), others, protocol.train)
        apart = [[(held, known), (held, taught)]]
    if not len(others):
        others, beside = _spared(normal, data), train
        normal = normal[~np.isin(normal, others)]
    own, val = _validated(normal, data)
    parts: list[list[_Part]] = [
        [(train, own)],
        [(train, val), (held, tune)],
        [(beside, others), (held, rest)],
        *apart,
    ]
    splits = [_whole(source, some, data) for some in parts]
    if data.patches.size is None:
        return Splits(*splits)
    crops, *tiles = (_places(split, data.patches.size) for split in splits)
    first = _crops(stream(key, "crops"), splits[0], crops, data.patches)
    held_out = (
        _tiles(split, places, data.patches)
        for split, places in zip(splits[1:], tiles, strict=True)
    )
    return Splits(first, *held_out)


def _anomalous(
    key: jax.Array, held: Examples, protocol: Defects
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of anomalous images in two: for validation, and all others."""
    rows = np.flatnonzero(held.label != 0)
    if not len(rows):
        raise DataError(
            "data.protocol defects: no image of these data is anomalous, so that "
            "recall and AUROC cannot be measured; give some, or take a protocol that "
            "makes them (data.protocol.kind corrupted)"
        )
    count = min(max(round(protocol.tune * len(rows)), 1), len(rows) - 1)
    tune, rest = np.split(shuffled(key, rows), [count if protocol.tune else 0])
    return tune, rest


def _spared(rows: np.ndarray, data: Data) -> np.ndarray:
    """Normals for the test; none of patches: anomalous images have normal ones."""
    return rows[:0] if data.patches.size else cut(rows, data.test, "testing")[1]


def _taught(
    kind: np.ndarray, rows: np.ndarray, share: float
) -> tuple[np.ndarray, np.ndarray]:
    """Anomalous rows (n,) in two: to learn from, and all others.

    kind: of every image there is. Of each kind the first rows are learned from, as many
    as its share, one at least, as long as one row is left.
    """
    taken = np.zeros(len(rows), bool)
    for number in np.unique(kind[rows]):
        own = np.flatnonzero(kind[rows] == number)
        wanted = max(round(share * np.sum(kind == number)), 1)
        taken[own[: min(wanted, len(own) - 1)]] = True
    if not taken.any():
        raise DataError(
            f"data.protocol.train: beside the anomalous images for validation there "
            f"are {len(rows)}, too few to learn from some and test on others of each "
            "kind; give more images"
        )
    return rows[taken], rows[~taken]


def _known(
    key: jax.Array, rows: np.ndarray, share: float
) -> tuple[np.ndarray, np.ndarray]:
    """Normal rows in two: a share of them to learn from, and all others, at least one
    of any."""
    count = max(min(round(share * len(rows)), len(rows) - 1), 0)
    known, others = np.split(shuffled(key, rows), [count])
    return known, others


def _validated(rows: np.ndarray, data: Data) -> tuple[np.ndarray, np.ndarray]:
    """Shuffled rows of normals in two: for training, and for validation."""
    if data.folds is None:
        return cut(rows, data.validation, "validation")
    return one_fold(rows, data.folds, data.fold)


def _whole(source: Source, parts: list[_Part], data: Data) -> Split:
    """Some rows of some examples as one split of whole images."""
    cut_rows = [(part, np.sort(rows)[: data.limit]) for part, rows in parts]
    label = np.concatenate([part.label[rows] for part, rows in cut_rows])
    names = np.array([GOOD, *(source.class_name(i) for i in range(1, label.max() + 1))])
    image = joined([picked(part.image, rows) for part, rows in cut_rows])
    mask = None
    if all(part.mask is not None for part, _ in parts):
        masks = [np.asarray(part.mask)[rows] != 0 for part, rows in cut_rows]
        mask = np.concatenate(masks).astype(np.uint8)
    ids = np.concatenate([part.id[rows] for part, rows in cut_rows])
    if data.size is not None and image.shape[1:3] != (data.size, data.size):
        image = resize(image, data.size, data.fit)
        mask = mask if mask is None else _resized(mask, ids[label != 0], label, data)
    return Split(
        image,
        (label != 0).astype(np.int32),
        ids,
        names[label],
        np.concatenate([rows for _, rows in cut_rows]).astype(np.int32),
        mask=mask,
    )


def _resized(
    mask: np.ndarray, ids: np.ndarray, label: np.ndarray, data: Data
) -> np.ndarray:
    """Masks beside resized images. ids: of the anomalous ones.

    Raises DataError where an anomaly has none left: nothing could be found there.
    """
    assert data.size is not None
    small = resize_mask(mask, data.size, data.fit)
    lost = ids[~small[label != 0].any((1, 2))]
    if len(lost):
        raise DataError(
            f"data.size {data.size}, fit {data.fit}: the masks of {len(lost)} "
            f"anomalous images are empty then ({', '.join(lost[:3])}); take a larger "
            "size, or fit stretch or pad"
        )
    return small


def _places(split: Split, size: int) -> Places:
    height, width = split.image.shape[1:3]
    if min(height, width) < size:
        raise DataError(
            f"images of {height}x{width} pixels are smaller than a patch of {size}; "
            "take a smaller data.patches.size"
        )
    places = Places(split.image, size)
    if places.shape[0] > np.iinfo(np.int32).max:
        raise DataError(
            f"{len(split.image)} images of {height}x{width} have more places for a "
            "patch than an int32 can number; take fewer or smaller images"
        )
    return places


def _crops(key: jax.Array, split: Split, places: Places, spec: Patches) -> Split:
    return _patches(split, Cuts(places, drawn(key, places, spec.crops)), None)


def _tiles(split: Split, places: Places, spec: Patches) -> Split:
    if split.mask is None:
        raise DataError(
            "data.patches: these data have no masks, which tell what patches are "
            "anomalous; take whole images (data.patches.size none)"
        )
    cuts = Cuts(places, tiled(places, spec.stride))
    masks = Cuts(Places(split.mask[..., None], places.size), cuts.rows)
    return _patches(split, cuts, masks, spec.marked)


def _patches(split: Split, cuts: Cuts, masks: Cuts | None, marked: int = 0) -> Split:
    """Patches as a split: ids `image:row:col` of the corner, in pixels."""
    image, top, left = cuts.places.corner(cuts.rows)
    names = zip(split.id[image], top.tolist(), left.tolist(), strict=True)
    label = np.zeros(len(cuts), np.int32)
    if masks is not None:
        label = (masks.places.sums()[cuts.rows] > marked).astype(np.int32)
    return Split(
        cuts,
        label,
        np.array([f"{name}:{row}:{column}" for name, row, column in names]),
        np.where(label == 1, split.defect[image], GOOD),
        split.row[image],
        mask=masks,
    )
