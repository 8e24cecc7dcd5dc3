"""How scores, rows and levels are called in tables and pictures."""

_NAMES = {
    "mse": "MSE",
    "mae": "MAE",
    "bce": "BCE",
    "ssim": "SSIM",
    "top": "top residuals",
    "latent_kde": "latent KDE",
    "latent_mahalanobis": "latent Mahalanobis",
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
    return _NAMES.get(name, name.replace("_", " "))


def shown(kind: str, level: float) -> float:
    """A level as it is shown: shares in per cent, others as they are."""
    return 100 * level if kind in _SHARES else level
