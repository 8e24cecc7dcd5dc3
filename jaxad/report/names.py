"""How scores and rows are called in tables and pictures."""

_NAMES = {
    "mse": "MSE",
    "mae": "MAE",
    "bce": "BCE",
    "ssim": "SSIM",
    "top": "top residuals",
    "pca": "PCA",
    "isolation_forest": "Isolation Forest",
    "lof": "LOF",
    "ocsvm": "One-class SVM",
}


def title(name: str) -> str:
    """The field's word for a name of the config, or the name with spaces."""
    return _NAMES.get(name, name.replace("_", " "))
