"""scikit-learn's 1,797 handwritten digits, enlarged from 8x8 to 28x28."""

import numpy as np
import tensorflow_datasets as tfds
from sklearn.datasets import load_digits

from jaxad.data.builders import Arrays, ImageBuilder
from jaxad.data.images import resize


class Digits(ImageBuilder):
    """Handwritten digits (E. Alpaydin and C. Kaynak, UCI repository), test part."""

    SHAPE = (28, 28, 1)
    VERSION = tfds.core.Version("1.0.0")

    def arrays(self, dl_manager) -> dict[str, Arrays]:
        """One split, `train`; the 17 grey levels are spread over [0, 255]."""
        image, label = load_digits(return_X_y=True)
        grey = np.round(image * (255 / 16)).astype(np.uint8).reshape(-1, 8, 8, 1)
        return {"train": (resize(grey, 28), label)}
