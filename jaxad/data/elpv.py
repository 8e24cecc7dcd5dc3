"""ELPV: electroluminescence images of solar cells, from the package `elpv-dataset`."""

import numpy as np
import tensorflow_datasets as tfds

from jaxad.data.builders import Arrays, ImageBuilder
from jaxad.errors import DataError

SURE = (0.0, 1.0)
"""Probabilities of a defect on which the experts agreed; the others are left out."""
TRAIN = 1_131


class Elpv(ImageBuilder):
    """Solar cells, intact or defective (S. Deitsch et al., "Segmentation of
    photovoltaic module cells in uncalibrated electroluminescence images", 2021).

    Split `train` holds 1,131 intact cells, `test` the other 377 and 715 defective ones,
    as is usual. Which intact cells are of which split was never published: they are
    drawn once, at random. The images are CC BY-NC-SA 4.0.
    """

    SHAPE = (300, 300, 1)
    VERSION = tfds.core.Version("1.0.0")

    def arrays(self, dl_manager) -> dict[str, Arrays]:
        """`source` is not looked at."""
        try:
            from elpv_dataset.utils import load_dataset
        except ImportError as error:
            raise DataError(
                "elpv needs the package elpv-dataset; run: pip install jaxad[elpv]"
            ) from error
        image, probability, _ = load_dataset()
        intact, defective = (np.flatnonzero(probability == sure) for sure in SURE)
        intact = np.random.default_rng(0).permutation(intact)
        train, rest = np.sort(intact[:TRAIN]), np.sort(intact[TRAIN:])
        test = np.concatenate([rest, defective])
        label = (probability == 1).astype(np.int32)
        image = image[..., None]
        return {
            "train": (image[train], label[train]),
            "test": (image[test], label[test]),
        }
