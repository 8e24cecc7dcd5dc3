"""What the tfds builders of small image sets share.

Only preparing and decoding import this file: importing tfds takes a second or more.
"""

import abc
import io
import urllib.request
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from tensorflow_datasets.core.download.download_manager import NonMatchingChecksumError

from jaxad.errors import DataError
from jaxad.progress import counted, part

Arrays = tuple[np.ndarray, ...]


class _Info(tfds.core.DatasetInfo):
    def initialize_from_bucket(self) -> None:
        """Nothing: tfds looks for its own sets in the cloud, and leaves a folder."""


class ImageBuilder(tfds.core.GeneratorBasedBuilder):
    """A set of equally large images, stored as tensors of bytes.

    A subclass states `SHAPE` and `VERSION`, `MASKS` where it has masks, and implements
    `arrays`.
    """

    SHAPE: tuple[int, int, int]
    MASKS = False
    url_infos: dict[str, Any] = {}  # noqa: RUF012  a tfds property, overridden

    def __init_subclass__(cls, **kwargs):
        # Left out of the registry of tfds, which has a set called mnist of its own.
        super().__init_subclass__(skip_registration=True, **kwargs)

    def __init__(self, source: Path | None, **kwargs):
        self.source = source
        super().__init__(file_format="array_record", **kwargs)

    @abc.abstractmethod
    def arrays(self, dl_manager) -> dict[str, Arrays]:
        """Split -> images (N, *SHAPE) uint8, class labels (N,), in source order.

        With `MASKS`, masks (N, H, W) bool come third.
        """

    def _info(self):
        features = {
            "id": tfds.features.Text(),
            "image": tfds.features.Tensor(shape=self.SHAPE, dtype=np.uint8),
            "label": tfds.features.Scalar(np.int32),
        }
        if self.MASKS:
            shape = self.SHAPE[:2]
            features["mask"] = tfds.features.Tensor(shape=shape, dtype=np.bool_)
        return _Info(
            builder=self,
            description=self.__doc__,
            features=tfds.features.FeaturesDict(features),
        )

    def _split_generators(self, dl_manager):
        splits = self.arrays(dl_manager)
        for split, (image, *_) in splits.items():
            if image.shape[1:] != self.SHAPE:
                raise DataError(
                    f"the {split} images of {self.name} in {self.source} are "
                    f"{image.shape[1:]}, not {self.SHAPE}"
                )
        return {
            split: self._generate_examples(split, *arrays)
            for split, arrays in splits.items()
        }

    def _generate_examples(self, split, image, label, mask=None):
        total = len(image)
        for number in counted(range(total), f"{split} images written", total):
            key = f"{split}-{number:06d}"
            example = {"id": key, "image": image[number], "label": int(label[number])}
            if mask is not None:
                example["mask"] = mask[number]
            yield key, example


def download(builder: ImageBuilder, dl_manager, urls: dict[str, str]) -> dict[str, Any]:
    """Downloads files, checked against `builder.url_infos`; key -> path.

    Raises DataError at once where the host cannot be reached (tfds would try for
    minutes), and for a file with another checksum.
    """
    try:
        request = urllib.request.Request(next(iter(urls.values())), method="HEAD")
        with urllib.request.urlopen(request, timeout=10):
            pass
        part(f"downloading {len(urls)} files")
        return dl_manager.download(urls)
    except (OSError, NonMatchingChecksumError) as error:
        reason = " ".join(str(error).split())
        raise DataError(
            f"cannot download {builder.name} ({reason}); give a folder that holds "
            f"its files: jaxad data prepare {builder.name} --source DIR"
        ) from error


def write(cls: type[ImageBuilder], source: Path | None, folder: Path) -> Path:
    """Prepares a data set below `folder`; returns the folder of its files."""
    builder = cls(source, data_dir=folder)
    config = tfds.download.DownloadConfig(force_checksums_validation=True)
    tfds.disable_progress_bar()  # ours are shown
    with redirect_stdout(io.StringIO()):
        builder.download_and_prepare(
            download_dir=folder / "downloads", download_config=config
        )
    return Path(builder.data_dir)


def read(folder: Path) -> dict[str, dict[str, np.ndarray]]:
    """Split -> image, label, id and mask, if any, of a prepared set, sorted by id.

    Raises DataError where a file is damaged or holds too few examples: some versions
    of array_record read a truncated file as an empty one.
    """
    builder = tfds.builder_from_directory(folder)
    return {split: _read_split(builder, folder, split) for split in builder.info.splits}


def _read_split(builder, folder: Path, split: str) -> dict[str, np.ndarray]:
    expected = builder.info.splits[split].num_examples
    arrays = {
        name: np.empty((expected, *feature.shape), feature.np_dtype)
        for name, feature in builder.info.features.items()
        if name != "id"
    }
    ids: list[str] = []
    try:
        for example in _in_chunks(builder.as_data_source(split)):
            for part, array in arrays.items():
                array[len(ids)] = example[part]
            ids.append(example["id"].decode())
    except (RuntimeError, IndexError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise DataError(
            f"{folder}: cannot read the {split} split ({reason})"
        ) from error
    if len(set(ids)) != expected:
        raise DataError(
            f"{folder} holds {len(set(ids))} of {expected} {split} examples"
        )
    name = np.array(ids)
    order = np.argsort(name, stable=True)
    return {part: array[order] for part, array in (arrays | {"id": name}).items()}


def _in_chunks(source, size: int = 4096) -> Iterator[dict[str, Any]]:
    total = len(source)
    for start in counted(range(0, total, size), "images read back", total, size):
        yield from source.__getitems__(
            list(range(start, min(start + size, len(source))))
        )
