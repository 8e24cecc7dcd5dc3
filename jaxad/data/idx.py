"""Files in the IDX format of MNIST: magic number, sizes, unsigned bytes.

Format: Y. LeCun, C. Cortes and C. Burges, "The MNIST database of handwritten digits".
"""

import gzip
import zlib
from pathlib import Path

import numpy as np

from jaxad.errors import DataError

_UNSIGNED_BYTE = 8


def read_idx(path: Path, ndim: int) -> np.ndarray:
    """The array in an IDX file, compressed or not.

    path: a file of unsigned bytes with `ndim` dimensions; `.gz` is decompressed.
    Raises DataError, naming the file, for a damaged or truncated one.
    """
    try:
        if path.suffix == ".gz":
            with gzip.open(path) as file:
                raw = file.read()
        else:
            raw = path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            f"cannot read {path}: {str(error) or type(error).__name__}; get it again"
        ) from error
    header = 4 + 4 * ndim
    if len(raw) < header or raw[:4] != bytes((0, 0, _UNSIGNED_BYTE, ndim)):
        raise DataError(
            f"{path} is no IDX file of unsigned bytes in {ndim} dimensions: "
            f"it begins with {raw[:4].hex() or 'nothing'}"
        )
    shape = tuple(int(size) for size in np.frombuffer(raw, ">u4", ndim, 4))
    size = int(np.prod(shape, dtype=np.int64))
    if len(raw) - header != size:
        raise DataError(
            f"{path} should hold {size} bytes for shape {shape}, "
            f"but holds {len(raw) - header}; get it again"
        )
    return np.frombuffer(raw, np.uint8, size, header).reshape(shape)


def read_pair(image_file: Path, label_file: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, H, W, 1) uint8 and labels (N,) of two IDX files that belong together.

    Raises DataError where a file is damaged or the numbers differ.
    """
    image = read_idx(image_file, 3)
    label = read_idx(label_file, 1)
    if len(image) != len(label):
        raise DataError(
            f"{image_file} holds {len(image)} images, "
            f"but {label_file} {len(label)} labels; they do not belong together"
        )
    return image[..., None], label


def find(folder: Path, name: str) -> Path:
    """`name` or `name.gz` in a folder; raises DataError where neither is there."""
    for candidate in (folder / f"{name}.gz", folder / name):
        if candidate.is_file():
            return candidate
    raise DataError(f"{folder} holds neither {name}.gz nor {name}")
