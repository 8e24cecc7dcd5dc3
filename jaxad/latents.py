"""What a bottleneck holds: the spread of each latent, its divergence, dead ones."""

from typing import Any

import numpy as np

from jaxad.data import Splits, picked
from jaxad.scoring import Scorer

LISTED = 4096
"""Most latents that are listed one by one."""
DEAD_VARIANCE = 0.01
"""A variational latent whose posterior mean varies less than that over images is dead
(Burda, Grosse and Salakhutdinov, arXiv:1509.00519, section 3)."""
DEAD_SHARE = 1e-6
"""A latent that varies less than this share of their mean variance is dead."""


def measure(splits: Splits, scorer: Scorer, model: Any) -> dict[str, Any]:
    """Of the validation normals; {} where the method has no latents of its own.

    size: numbers of a latent. dead: how many of them hold nothing. dimensions: the
    participation ratio of their covariance's eigenvalues, (sum)^2 / sum of squares: how
    many directions are in use; None where there are more latents than LISTED.
    variance, kl: of each latent, largest first; kl in nats, of variational models.
    bandwidth: of a kernel density, `chosen`, and the mean log density of the validation
    normals (`likelihoods`, in nats, of standardised latents) at others (`widths`).
    """
    normals = np.flatnonzero(splits.val.label == 0)
    found = scorer.latent(model, picked(splits.val.image, normals))
    if not found:
        return {}
    latent = found["latent"].reshape(len(found["latent"]), -1).astype(np.float64)
    size, variance = latent.shape[1], latent.var(0)
    limit = DEAD_VARIANCE if "kl" in found else DEAD_SHARE * variance.mean()
    measured: dict[str, Any] = {
        "size": size,
        "dead": int(np.sum(variance <= limit)),
        "dimensions": None,
    }
    if size <= LISTED:
        measured["dimensions"] = _participation(latent)
        measured["variance"] = np.sort(variance)[::-1].tolist()
    if "kl" in found:
        kl = found["kl"].mean(0, dtype=np.float64)
        measured |= {"kl_total": float(kl.sum()), "kl": np.sort(kl)[::-1].tolist()}
    density = model.get("autoencoder", model).get("density", {})
    if "likelihoods" in density:
        lists = {k: np.asarray(density[k]).tolist() for k in ("widths", "likelihoods")}
        measured["bandwidth"] = {"chosen": float(density["bandwidth"]), **lists}
    return measured


def _participation(latent: np.ndarray) -> float | None:
    """Of the eigenvalues, by traces: no decomposition is needed."""
    centred = latent - latent.mean(0)
    covariance = centred.T @ centred
    squares = float(np.sum(np.square(covariance)))
    return float(np.trace(covariance)) ** 2 / squares if squares else None
