"""The built-in set of nanofibre images: 5 normal ones, 40 with defects, and masks."""

import tensorflow_datasets as tfds

from jaxad.data.builders import Arrays, ImageBuilder
from jaxad.data.nanofibres import dataset


class Nanofibres(ImageBuilder):
    """Generated images of nanofibres, in the manner of a scanning electron microscope.

    Split `train` holds the normal images, `test` those with beads and films.
    """

    SHAPE = (700, 1024, 1)
    MASKS = True
    VERSION = tfds.core.Version("1.0.0")
    COUNTS = (5, 40)

    def arrays(self, dl_manager) -> dict[str, Arrays]:
        """Half a minute on one core; `source` is not looked at."""
        normal, anomalous = self.COUNTS
        found = dataset(0, normal, anomalous, *self.SHAPE[:2])
        whole = (found.image, found.label, found.mask)
        return {
            "train": tuple(array[:normal] for array in whole),
            "test": tuple(array[normal:] for array in whole),
        }
