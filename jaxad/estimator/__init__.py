"""Autoencoders behind scikit-learn's interface, with PyOD's fitted attributes.

detector = jaxad.AutoencoderDetector(epochs=100, contamination=0.05).fit(images)
detector.predict(others)          # 1 normal, -1 anomalous
detector.anomaly_scores(others)   # higher = more anomalous
"""

from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from jaxad.config import Config
from jaxad.estimator import rows, training


class AutoencoderDetector(OutlierMixin, BaseEstimator):
    """Finds anomalous images, or rows of numbers, by any of jaxad's models.

    It learns from all examples of `fit`, without labels; most of them should be normal.
    Nothing is written to disk. scikit-learn and PyOD differ in what their methods
    return; here methods are scikit-learn's and fitted attributes are PyOD's:

    ===================================  =====================================
    `predict`, `fit_predict`             1 normal, -1 anomalous (scikit-learn)
    `decision_function`                  lower = more anomalous, below 0 is -1
    `score_samples`, `offset_`           lower = more anomalous, without zero
    `decision_scores_`, `threshold_`     higher = more anomalous (PyOD), of
                                         the examples of `fit`
    `labels_`                            of these, 0 normal, 1 anomalous (PyOD)
    `anomaly_scores`                     higher = more anomalous, as everywhere
                                         in jaxad; of any examples
    ===================================  =====================================

    An example is anomalous where its anomaly score exceeds `threshold_`, which a share
    `contamination` of the examples of `fit` does. `score_samples` is the anomaly score
    with the other sign, `decision_function` that minus `offset_`.

    Examples are images (N, H, W) or (N, H, W, C), or rows (N, F). uint8 in `fit` is
    divided by 255, and so are others then, whatever their type; numbers in [0, 1] are
    taken as they are. Other numbers are brought to [0, 1] by the least and the largest
    in `fit`: of each feature, or, of images, of all pixels.
    Rows are images too where `image_shape` says so, or where they are as many as the
    pixels of a square; that matters to models with convolutions, and no others.

    config: a `jaxad.Config`, or the path of a file of one (a .py file is executed); its
        groups model, corrupt, loss, optim, train, denoiser and score count, and of
        data augment, tone and validation, the share of the examples that only validate
        (with less than 20 examples, all validate). None: jaxad's default.
    model, latent_dim, lr, epochs, batch_size, score_name: the config's `model.kind`,
        `model.latent_dim`, `optim.lr`, `train.epochs`, `train.batch_size` and the one
        score, in place of what the config says. None: as it says; without a config,
        batches of 32, `mse`, and half as many latents as features, 32 at most. A model
        without `mse` needs a score of its own (`draem`: `defect`, `dcgan`: `residual`),
        a `vae` overrides={"loss.kind": "elbo"}.
    overrides: any other values of the config, by dotted name: {"optim.kind": "adamw"}.
    image_shape: (H, W) or (H, W, C) of rows that are images.
    contamination: share of anomalous examples, in (0, 0.5].
    random_state: None, an integer or a `RandomState`; with the same integer, the same
        examples and machine, all results are the same.

    Fitted, beside what is above: `n_features_in_`, `feature_names_in_` (of data
    frames), `image_shape_`, `config_`, `history_` (column -> a number an epoch),
    `model_` (the arrays that scoring reads).

    `fit` raises ValueError for examples that cannot be used, ConfigError for a config
    that cannot, and DivergedError.
    """

    def __init__(
        self,
        config: Config | str | Path | None = None,
        *,
        model: str | None = None,
        latent_dim: int | None = None,
        lr: float | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        score_name: str | None = None,
        overrides: dict[str, Any] | None = None,
        image_shape: tuple[int, ...] | None = None,
        contamination: float = 0.1,
        random_state: Any = None,
    ):
        self.config = config
        self.model = model
        self.latent_dim = latent_dim
        self.lr = lr
        self.epochs = epochs
        self.batch_size = batch_size
        self.score_name = score_name
        self.overrides = overrides
        self.image_shape = image_shape
        self.contamination = contamination
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Train on examples (N, ...), and set the threshold by their scores.

        y: ignored.
        """
        share = self.contamination
        if not isinstance(share, int | float | np.number) or not 0 < share <= 0.5:
            raise ValueError(f"contamination must lie in (0, 0.5], not {share!r}")
        given, shape = rows.read(self, X, self.image_shape, reset=True)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        self.image_shape_ = shape
        one = self.image_shape is not None or rows.are_images(X)
        self.scale_ = rows.scale(given, whole=one)
        self.config_ = training.resolve(self._options(), self.n_features_in_, seed)
        image = rows.images(given, shape, self.scale_)
        fitted = training.fit(self.config_, image)
        self.model_, self.history_ = fitted.model, fitted.history
        self.n_iter_ = len(self.history_["epoch"])
        self.decision_scores_ = training.values(self.config_, self.model_, image)
        self._threshold()
        return self

    def anomaly_scores(self, X: Any) -> np.ndarray:
        """(N,) float64 of examples (N, ...); higher = more anomalous."""
        image = self._images(X)
        return training.values(self.config_, self.model_, image)

    def anomaly_maps(self, X: Any) -> np.ndarray:
        """(N, H, W) float32 of examples (N, ...), higher where they are anomalous.

        Raises ConfigError where the score has no map.
        """
        image = self._images(X)
        return training.maps(self.config_, self.model_, image)

    def score_samples(self, X: Any) -> np.ndarray:
        """(N,) float64 of examples (N, ...); lower = more anomalous."""
        return -self.anomaly_scores(X)

    def decision_function(self, X: Any) -> np.ndarray:
        """(N,) float64 of examples (N, ...); below 0 is anomalous."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> np.ndarray:
        """(N,) int64 of examples (N, ...): 1 normal, -1 anomalous."""
        return np.where(self.anomaly_scores(X) > self.threshold_, -1, 1)

    def fit_predict(self, X: Any, y: Any = None, **unused: Any) -> np.ndarray:
        """As `fit`, and what `predict` says of the same examples."""
        return np.where(self.fit(X).labels_ == 1, -1, 1)

    def _threshold(self) -> None:
        # By PyOD's rule, so that thresholds of its detectors compare.
        rank = 100 * (1 - self.contamination)
        self.threshold_ = float(np.percentile(self.decision_scores_, rank))
        self.offset_ = -self.threshold_
        self.labels_ = (self.decision_scores_ > self.threshold_).astype(np.int64)

    def _images(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "model_")
        given, shape = rows.read(self, X, self.image_shape_, reset=False)
        return rows.images(given, shape, self.scale_)

    def _options(self) -> training.Options:
        own = self.get_params(deep=False)
        return training.Options(
            **{name: own[name] for name in training.Options._fields}
        )


__all__ = ["AutoencoderDetector"]
