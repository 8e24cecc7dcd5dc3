"""The images of a training as its segments want them: from the device, or from files.

Of images in files each segment gets those of its own steps, in the one global order of
the examples; the next ones are read while the device works.
"""

import functools
import threading
from typing import Any

import jax
import numpy as np

from jaxad.batches import Fed, TrainData, order
from jaxad.config import Train
from jaxad.data import Stored, ahead
from jaxad.parallel import ONE, Layout
from jaxad.streams import stream

BYTES = 2**26
"""Of the images of one segment, at most, if a step has fewer. As many are read ahead,
and as many are on the device."""


class Feeder:
    """The data of segments. Used as a context: threads that read end with it.

    data: of the training; its images may be `Stored`. key: the root key of its stage.
    steps: of an epoch. most: steps that a segment may have. layout: of several
    processes each reads its share of every batch.
    """

    def __init__(
        self,
        data: TrainData,
        key: jax.Array,
        steps: int,
        train: Train,
        layout: Layout = ONE,
    ):
        self.data, self.steps, self.train, self.most = data, steps, train, steps
        self.layout = layout
        self._begin, self._size = layout.share(train.batch_size)
        self._reading: Any = None
        self._next, self._lock = -1, threading.Lock()
        if not isinstance(data.image, Stored):
            return
        self._form = (self._size, *data.image.form)
        step_bytes = int(np.prod(self._form)) * data.image.dtype.itemsize
        self.most = max(1, min(steps, BYTES // step_bytes))
        ordered = layout.gather(
            lambda epoch: order(stream(key, "order"), epoch, data.rows, steps, train)
        )

        def rows(epoch: int) -> np.ndarray:
            found = np.asarray(ordered(layout.replicate(np.int32(epoch))))
            own = found[:, self._begin : self._begin + self._size].ravel()
            return np.where(own < 0, -1 - own, own)

        self._rows = functools.lru_cache(maxsize=2)(rows)

    def __enter__(self) -> "Feeder":
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    @property
    def example(self) -> TrainData:
        """Data of the form that `given` has."""
        if not isinstance(self.data.image, Stored):
            return self.data
        return self._fed(self._empty(), 0)

    def given(self, epoch: int, first: int, last: int) -> TrainData:
        """The data of the steps [first, last) of an epoch, at most `most` of them.

        Raises BadFile where an image is not what it was before.
        """
        if not isinstance(self.data.image, Stored):
            return self.data
        size = self._size
        begin, end = ((epoch * self.steps + step) * size for step in (first, last))
        if begin != self._next:
            self._close()
            places = range(begin, self.train.epochs * self.steps * size)
            self._reading = ahead(places, self._image, self.most * size)
        out = self._empty()
        flat = out.reshape(-1, *self._form[1:])
        for place in range(end - begin):
            flat[place] = next(self._reading)
        self._next = end
        return self._fed(out, first)

    def _image(self, place: int) -> np.ndarray:
        """The image at a place of all epochs' orders, one after the other."""
        epoch, at = divmod(place, self.steps * self._size)
        with self._lock:  # threads would draw the same order once each
            row = self._rows(epoch)[at]
        return self.data.image.image(int(row))

    def _empty(self) -> np.ndarray:
        return np.zeros((self.most, *self._form), self.data.image.dtype)

    def _fed(self, image: np.ndarray, first: int) -> TrainData:
        step = self.layout.replicate(np.int32(first))
        images = self.layout.fed(image, self.train.batch_size)
        return self.data._replace(image=Fed(images, step))

    def _close(self) -> None:
        if self._reading is not None:
            self._reading.close()
        self._reading = None
