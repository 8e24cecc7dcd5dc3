"""How scores, rows and levels are called in tables and pictures."""

_NAMES = {
    "mse": "MSE",
    "mae": "MAE",
    "bce": "BCE",
    "ssim": "SSIM",
    "top": "top residuals",
    "elbo": "negative ELBO",
    "smooth": "smooth, L2",
    "smooth_mae": "smooth, L1",
    "smooth_ssim": "smooth, SSIM",
    "smooth_top": "smooth, top residuals",
    "mask": "feature mask, L2",
    "mask_mae": "feature mask, L1",
    "mask_top": "feature mask, top residuals",
    "superposed": "mask on the image",
    "logit": "log odds",
    "defect": "defect, local mean",
    "defect_top": "defect, top pixels",
    "defect_mse": "defect undone, MSE",
    "latent_kde": "latent KDE",
    "latent_mahalanobis": "latent Mahalanobis",
    "zmap": "z-scores by pixel",
    "zimage": "unusual pixels",
    "zdark": "unusually dark pixels",
    "zbright": "unusually bright pixels",
    "either": "either (largest rank)",
    "encoder": "encoder, pixels and features",
    "residual": "encoder, pixels",
    "features": "encoder, features",
    "search": "search for a latent",
    "pca": "PCA",
    "isolation_forest": "Isolation Forest",
    "knn": "kNN",
    "lof": "LOF",
    "mahalanobis": "Mahalanobis",
    "ocsvm": "One-class SVM",
}
_SHARES = ("salt_and_pepper", "masking")
UNITS = {
    "gaussian": "standard deviation (range 0 to 1)",
    "speckle": "standard deviation of the factor",
    "poisson": "1 / photons at white",
    **dict.fromkeys(_SHARES, "share of the pixels (%)"),
}
"""What the level of a corruption is, by kind."""


def title(name: str) -> str:
    """The field's word for a name of the config, or the name with spaces."""
    head, _, layer = name.rpartition("_")
    if head == "mask" and layer.isdecimal():
        return f"feature mask of {layer} layers"
    return _NAMES.get(name, name.replace("_", " "))


def shown(kind: str, level: float) -> float:
    """A level as it is shown: shares in per cent, others as they are."""
    return 100 * level if kind in _SHARES else level
