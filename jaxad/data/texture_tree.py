"""A small folder in MVTec AD's layout, from the real textures of scikit-image.

<root>/<texture>/train/good, test/good, test/<defect>, ground_truth/<defect>, for brick,
grass and gravel. A texture is cut into 4x4 parts. Crops of four of them, of which no
two share a row or a column, are for testing, crops of the others for training: no pixel
is in both, and neither comes from one side of the picture alone. Each part is for
testing in one of four folds. The defects are made here and nowhere else; nothing that
detectors train on is like `blurred`.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from jaxad.errors import DataError

TEXTURES = ("brick", "grass", "gravel")
SIDE = 96
_PART = 128
FOLDS = 4
_TEST = (1, 3, 0, 2)
"""The column of the part for testing in each row; in each further fold, the next."""
Draw = np.random.Generator
Change = Callable[[Draw, np.ndarray], np.ndarray]


def write(
    root: str | Path, train: int = 120, test: int = 40, each: int = 12, fold: int = 0
) -> Path:
    """Write the folder; returns it. The same numbers give the same bytes.

    train, test: normal images of each texture. each: images of each kind of defect.
    fold: which parts are for testing, in [0, FOLDS); its crops and defects are its own.
    Raises DataError where scikit-image is missing, or `root` is there and not empty.
    """
    root = Path(root)
    if root.exists() and any(root.iterdir()):
        raise DataError(f"{root} is not empty; name a new folder")
    for number, name in enumerate(TEXTURES):
        whole = _texture(name)
        draw = np.random.default_rng((number, fold))
        base = root / name
        for i in range(train):
            _save(base / "train/good" / f"{i:03d}.png", _crop(draw, whole, fold, False))
        for i in range(test):
            _save(base / "test/good" / f"{i:03d}.png", _crop(draw, whole, fold, True))
        for defect, change in DEFECTS.items():
            for i in range(each):
                image = _crop(draw, whole, fold, True)
                changed = np.clip(change(draw, image.astype(float)), 0, 255)
                changed = np.rint(changed).astype(np.uint8)
                _save(base / "test" / defect / f"{i:03d}.png", changed)
                mask = (changed != image) * np.uint8(255)
                _save(base / "ground_truth" / defect / f"{i:03d}_mask.png", mask)
    return root


def stain(draw: Draw, image: np.ndarray) -> np.ndarray:
    """A patch of irregular outline, darker or brighter."""
    inside = _blob(draw, draw.uniform(0.02, 0.06))
    change = draw.choice([-1, 1]) * draw.uniform(45, 80)
    return np.where(inside, image + change, image)


def scratch(draw: Draw, image: np.ndarray) -> np.ndarray:
    """A thin bright line that bends."""
    steps = int(draw.integers(30, 60))
    angle = draw.uniform(0, 2 * np.pi) + np.cumsum(draw.normal(0, 0.12, steps))
    start = draw.uniform(0.3, 0.7, 2) * SIDE
    path = start + np.cumsum(np.stack([np.sin(angle), np.cos(angle)], 1), 0)
    at = np.clip(np.rint(path), 0, SIDE - 1).astype(int)
    line = np.zeros((SIDE, SIDE), bool)
    line[at[:, 0], at[:, 1]] = True
    line = ndimage.binary_dilation(line, iterations=int(draw.integers(1, 3)))
    return np.where(line, np.maximum(image, draw.uniform(200, 250)), image)


def hole(draw: Draw, image: np.ndarray) -> np.ndarray:
    """An almost even dark disc."""
    row, column = draw.uniform(0.2, 0.8, 2) * SIDE
    radius = draw.uniform(4, 10)
    down, across = np.ogrid[:SIDE, :SIDE]
    inside = (down - row) ** 2 + (across - column) ** 2 < radius**2
    return np.where(inside, 20 + 0.1 * image, image)


def shard(draw: Draw, image: np.ndarray) -> np.ndarray:
    """A smooth piece of something, dark on one side and glaring on the other."""
    inside = _blob(draw, draw.uniform(0.02, 0.06))
    angle = draw.uniform(0, 2 * np.pi)
    down, across = (np.nonzero(inside)[axis] for axis in (0, 1))
    along = np.sin(angle) * down + np.cos(angle) * across
    share = (along - along.min()) / max(1.0, np.ptp(along))
    changed = image.copy()
    changed[inside] = 30 + share * draw.uniform(180, 220)
    return changed


def blurred(draw: Draw, image: np.ndarray) -> np.ndarray:
    """A patch of irregular outline that has lost its detail."""
    inside = _blob(draw, draw.uniform(0.05, 0.1))
    return np.where(inside, ndimage.gaussian_filter(image, 3), image)


DEFECTS: dict[str, Change] = {
    "stain": stain,
    "scratch": scratch,
    "hole": hole,
    "shard": shard,
    "blurred": blurred,
}
"""(draw, image) -> image, (SIDE, SIDE) float64 in [0, 255]; the result is clipped."""


def _blob(draw: Draw, share: float) -> np.ndarray:
    """(SIDE, SIDE) bool: one patch of about that share of the image, off its edge."""
    down, across = (np.arange(SIDE) - SIDE * draw.uniform(0.3, 0.7) for _ in range(2))
    near = np.hypot(down[:, None], across[None]) / SIDE
    noise = ndimage.gaussian_filter(draw.normal(size=(SIDE, SIDE)), 6)
    height = noise / noise.std() * 0.06 - near
    return height >= np.quantile(height, 1 - share)


def _crop(draw: Draw, whole: np.ndarray, fold: int, test: bool) -> np.ndarray:
    down = int(draw.integers(FOLDS))
    held = (_TEST[down] + fold) % FOLDS
    across = held if test else int(draw.integers(FOLDS - 1))
    if not test and across >= held:
        across += 1
    place = draw.integers(0, _PART - SIDE + 1, 2)
    row, column = place + np.array([down, across]) * _PART
    return whole[row : row + SIDE, column : column + SIDE]


def _texture(name: str) -> np.ndarray:
    try:
        from skimage import data
    except ImportError as error:
        raise DataError(
            "the textures are scikit-image's; run: pip install scikit-image"
        ) from error
    return getattr(data, name)()


def _save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
