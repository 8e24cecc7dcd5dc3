"""The pytrees that every room shares. They hold arrays only, so they can be mapped
by `vmap`, sharded, donated and saved.

How scores show themselves in a notebook is in `jaxad.display`, which needs no jaxad
above it and is loaded when it is asked for.

Images are NHWC float32 in [0, 1]. Label 0 is normal, 1 is anomalous. A higher score
means more anomalous.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import jax

from jaxad.display import tables

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes


class Batch(NamedTuple):
    """Examples that a step sees.

    image: (B, H, W, C) float32 in [0, 1].
    label: (B,) int32, 0 normal, 1 anomalous.
    valid: (B,) bool, False for padding, which must not influence any result.
    mask: (B, H, W) bool or None, True where a pixel is anomalous.
    """

    image: jax.Array
    label: jax.Array
    valid: jax.Array
    mask: jax.Array | None = None


class Output(NamedTuple):
    """What a model returns.

    recon: (B, H, W, C) float32.
    latent: (B, ...) float32, the bottleneck.
    mean, logvar: (B, D) float32 or None, the posterior of a variational model.
    noise_logvar: () float32 or None, its log variance of the pixels.
    pictures: name -> (B, H, W, C), what else there is to be looked at; or None.
    """

    recon: jax.Array
    latent: jax.Array
    mean: jax.Array | None = None
    logvar: jax.Array | None = None
    noise_logvar: jax.Array | None = None
    pictures: dict[str, jax.Array] | None = None


class Scores(NamedTuple):
    """Anomaly scores, higher = more anomalous.

    values: name -> (B,) float32.
    maps: name -> (B, H, W) float32, an anomaly map for each score that has one.
    On the host, after scoring, they are NumPy arrays.
    """

    values: dict[str, Any]
    maps: dict[str, Any]

    def plot_values(
        self, label: Any = None, name: str | None = None, ax: "Axes | None" = None
    ) -> "Axes":
        """A histogram of a score on `ax` (none: on a new figure), which it returns.

        label: (B,) 0 normal, 1 anomalous, for a histogram of each class. name: of the
        score; none: the first. Raises DataError for scores that are not finite.
        """
        from jaxad.display import scores

        return scores.plot_values(self.values, label, name, ax)

    def plot_maps(
        self,
        images: Any,
        name: str | None = None,
        rows: Sequence[int] | None = None,
        count: int = 8,
    ) -> "np.ndarray":
        """Images above their anomaly maps, in one scale of colours; (2, n) axes.

        images: those that were scored, (B, H, W, C) or (B, H, W), uint8 or float in
            [0, 1]. name: of the map; none: the first.
        rows: which images; none: the `count` of the highest score, highest first.
        Raises DataError where there is no such map, or images and maps do not fit.
        """
        from jaxad.display import scores

        return scores.plot_maps(self, images, name, rows, count)

    def __repr__(self) -> str:
        words = tables.scores_words(self.values, self.maps)
        if words is None:
            return f"Scores(values={self.values!r}, maps={self.maps!r})"
        return f"Scores({words})"

    def _repr_html_(self) -> str | None:
        words = tables.scores_words(self.values, self.maps)
        if words is None or isinstance(
            next(iter(self.values.values())), jax.core.Tracer
        ):
            return None
        return tables.scores_html(self.values, self.maps)


class State(NamedTuple):
    """What a method carries from step to step.

    model: all that scoring reads (parameters, batch statistics, densities).
    rest: all that training needs beside it (optimiser state, second networks).
    """

    model: Any
    rest: Any
