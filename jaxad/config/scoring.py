"""Scores, and the detectors that stand beside a run."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, model_validator

from jaxad.config.fields import Above, Rate, Size, spec

ScoreName = (
    Literal[
        "mse",
        "mae",
        "bce",
        "ssim",
        "top",
        "elbo",
        "latent_kde",
        "latent_mahalanobis",
        "zmap",
        "zimage",
        "zdark",
        "zbright",
        "either",
        "smooth",
        "smooth_mae",
        "smooth_ssim",
        "smooth_top",
        "mask",
        "mask_mae",
        "mask_top",
        "superposed",
        "logit",
        "probability",
        "encoder",
        "residual",
        "features",
        "search",
        "discriminator",
        "defect",
        "defect_top",
        "defect_mse",
    ]
    | Annotated[str, Field(pattern="^mask_[1-9][0-9]*$")]
)
BaselineName = Literal["isolation_forest", "knn", "lof", "mahalanobis", "ocsvm", "pca"]
PIXELS = 2**19
"""Of all images that are looked at together, at most."""
FITTED = ("latent_kde", "latent_mahalanobis", "zmap")
"""Scores of autoencoders that are fitted to images once, after the training."""
USUAL = ("zimage", "zdark", "zbright")
"""Scores of the image itself, fitted likewise, beside those of any model that learns
from normal images alone."""

OWN_SCORES: dict[str, tuple[str, ...]] = {
    "cnn": ("logit", "probability"),
    "dcgan": ("encoder", "residual", "features", "search", "discriminator"),
    "draem": ("defect", "defect_top", "defect_mse"),
}
"""Kind of a model that is no autoencoder -> the scores it has, and no other has."""


def of_denoiser(name: str) -> bool:
    """Whether a score is made by the denoising network."""
    return name.split("_")[0] in ("smooth", "mask", "superposed")


def at_a_time(most: int, shape: Sequence[int]) -> int:
    """So many images of `shape` (H, W), or fewer if these are large.

    What a network makes of an image, for a hundred channels, is hundreds of times as
    large as the image: 256 images of 96x96 took 16 GB.
    """
    return max(1, min(most, PIXELS // (shape[0] * shape[1])))


@spec
class Score:
    """What is computed from an image, its latent and reconstruction; the first counts.

    Scores of the latent are fitted to training latents, once, after the training.
    `zimage`, `zdark` and `zbright` look at no model: how far a pixel is from the mean
    of the training images there, in standard deviations; in `zdark` only where it is
    darker, in `zbright` brighter. For images whose parts all lie in the same way.
    Behind a denoising network, `smooth` compares the image with its output, `mask` with
    what it adds (`mask_<layer>`: has added up to there), `superposed` is the mean
    square of the mask; all others are of the autoencoder.
    A classifier has the `probability` of an anomaly, and its log odds, the `logit`, in
    the same order but without the ties at 0 and 1 that float32 puts there.
    Of a GAN, `residual` is the mean squared error of the image drawn from the encoder's
    latent, `features` that of the discriminator's features of both, `encoder` the
    weighted sum of the two; `search` goes on from that latent to a better one, and is
    the weighted sum of absolute errors there; `discriminator` is how unreal it finds
    the image.
    Of a model trained on synthetic defects, `defect` is the largest local mean of the
    map that it gives, `defect_top` the mean of its largest values, `defect_mse` of its
    reconstruction.
    """

    names: Annotated[tuple[ScoreName, ...], Field(min_length=1)] = ("mse", "top")
    top: Rate = 0.01
    """`top` is the mean of so large a share of the largest squared residuals, `zmap`
    that of the largest absolute residuals in standard deviations of their pixel,
    `zimage`, `zdark` and `zbright` of the pixels themselves."""
    either: tuple[ScoreName, ...] = ("mse", "latent_kde")
    """`either` is high where one of these is: the largest of their ranks among the
    validation normals."""
    blur: Annotated[float, Field(ge=0)] = 0.0
    """Standard deviation in pixels of the Gaussian that smooths anomaly maps, before
    scores are taken from them; 0: none. `zimage`, `zdark` and `zbright` smooth the
    image. The maps of `model.kind draem` are left as they are."""
    bandwidth: Literal["validation", "scott", "silverman"] | Above = "validation"
    """Kernel width of `latent_kde`: a rule, the likelihood of validation normals, or a
    number, in standard deviations of the latents.

    The rules suit one cluster; normals of many classes need narrower kernels (eight
    digits against digit 4, latent of 8: AUROC .69 by validation, .66 by Scott's rule).
    """
    kde_points: Size = 10_000
    """Training latents that `latent_kde` keeps at most, drawn by the seed."""
    samples: Annotated[int, Field(ge=0)] = 1
    """Latent draws of a variational model that scores are averaged over, the same for
    all images; 0: none, its mean latent."""
    search_steps: Size = 50
    """Steps of gradient descent (Adam) to the latent of `search`."""
    search_rate: Above = 0.02
    """Their step size; latents are standard normal."""
    views: Literal["one", "flips", "square"] = "one"
    """What a score is the mean over: the image alone, the image and its three mirror
    images, or all eight symmetries of a square. For images that may lie any way round;
    it takes four or eight times the time."""
    block: Size | None = None
    """Images scored at a time; a run's scores belong to this number. None: 256, or
    fewer of more than 45x45 pixels, so that they are half a million pixels together."""

    def together(self, shape: Sequence[int]) -> int:
        """Images of `shape` (H, W) that are scored at a time."""
        return self.block or at_a_time(256, shape)

    @model_validator(mode="after")
    def _parts_of_either_are_scores(self) -> "Score":
        if "either" not in self.names:
            return self
        parts = {*self.either} - {"either"}
        if len(parts) < 2 or len(parts) != len(self.either):
            raise ValueError("either: name two or more other scores")
        if missing := sorted(parts - {*self.names}):
            raise ValueError(f"either: {missing[0]} is not among score.names")
        return self


@spec
class Baselines:
    """scikit-learn's detectors on pixels, in the same tables, timed apart."""

    names: tuple[BaselineName, ...] = ("pca", "isolation_forest", "lof", "ocsvm")
    components: Size | None = None
    """Components of the PCA reconstruction. None: 32, or as many as there can be."""
    subsample: Size = 5000
    """Training images that LOF and the one-class SVM see at most (the first by id)."""
