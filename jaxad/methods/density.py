"""Densities of latents: a Gaussian, and a kernel estimate, both fitted in JAX.

Latents are standardised first: each dimension by its standard deviation, then all by
the inverse Cholesky factor of their shrunk correlation matrix. In those coordinates
the Gaussian's distance is Euclidean and the kernel is round, so neither depends on the
arbitrary scale of a latent's axes, nor counts correlated ones twice. (Kernels on
one-class MNIST, digits 0, 2, 4 and 8, 64 numbers of a linear encoder: AUROC .920 so,
.893 by standard deviations alone, .895 on the latents as they are.)

A dimension that is constant on the training data has no scale of its own. It is given
the mean variance of the others: a change of it counts as in an average dimension,
neither nothing nor infinitely much. For the same reason no direction is stretched more
than `1 / sqrt(RIDGE)` times. Latents of more than LARGEST numbers are standardised by
their standard deviations alone.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from jaxad.config import Score
from jaxad.errors import ConfigError
from jaxad.methods import kernels
from jaxad.methods.base import Blocks

Density = dict[str, jax.Array]

NAMES = ("latent_kde", "latent_mahalanobis")
RIDGE = 1e-3
"""Least shrinkage of the correlation matrix towards the identity."""
LARGEST = 4096
"""Most numbers in a latent whose covariance is used: it has the square of that."""
_FAR = 1e15
"""Standardised latents end here, so that their squared distances are finite."""
_EXACT = jax.lax.Precision.HIGHEST


def latents(
    encode: Callable[[jax.Array], jax.Array], blocks: Blocks
) -> tuple[jax.Array, jax.Array]:
    """Latents (count, size, D) float32 of all blocks, and valid (count, size).

    encode: image (B, H, W, C) -> latent (B, ...).
    """

    def one(index):
        batch = blocks.take(index)
        return flat(encode(batch.image)), batch.valid

    return jax.lax.map(one, jnp.arange(blocks.count))


def flat(latent: jax.Array) -> jax.Array:
    """(B, ...) -> (B, D)."""
    return latent.reshape(latent.shape[0], -1)


def fit(
    key: jax.Array,
    spec: Score,
    encode: Callable[[jax.Array], jax.Array],
    train: Blocks,
    val: Blocks,
) -> Density:
    """The density that the scores of `spec` read, from training latents.

    The latents are held at once, (N, D) float32; the images never are. Padding counts
    nowhere. With a kernel density and validation normals comes `likelihoods` (G,): the
    mean log density of these at the bandwidths `widths` (G,).
    Raises ConfigError where `spec.bandwidth` is "validation" and there are none.
    """
    values, valid = latents(encode, train)
    values, valid = values.reshape(-1, values.shape[-1]), valid.reshape(-1)
    density = gaussian(values, valid)
    if "latent_kde" not in spec.names:
        return density
    most, rule = spec.kde_points, spec.bandwidth
    points, kept = kernels.drawn(key, standardised(density, values), valid, most)
    density |= {"points": points, "valid": kept}
    count = jnp.sum(kept.astype(jnp.float32))
    if val.count:
        scott = kernels.rule("scott", count, values.shape[-1])
        widths = scott * jnp.asarray(kernels.FACTORS, jnp.float32)
        density |= {
            "widths": widths,
            "likelihoods": _held_out(encode, density, val, widths),
        }
    if rule != "validation":
        width = kernels.rule(rule, count, values.shape[-1])
    elif val.count:
        width = widths[jnp.argmax(density["likelihoods"])]
    else:
        raise ConfigError(
            "score.bandwidth: validation needs validation normals; take scott"
        )
    return density | {"bandwidth": width}


def _held_out(encode, density: Density, val: Blocks, widths: jax.Array) -> jax.Array:
    """Mean log density (G,) of validation normals, in nats and of standardised latents,
    for each of `widths` (G,)."""
    held, counted = latents(encode, val)
    form, held = held.shape, held.reshape(-1, held.shape[-1])
    held = standardised(density, held).reshape(form)
    points = density["points"], density["valid"]
    return kernels.likelihoods(*points, held, counted, widths)


def scores(spec: Score, density: Density, latent: jax.Array) -> dict[str, jax.Array]:
    """Name -> (B,) float32, finite for every finite latent (B, ...)."""
    z = standardised(density, flat(latent))
    values = {}
    if "latent_mahalanobis" in spec.names:
        values["latent_mahalanobis"] = jnp.mean(jnp.square(z), 1)
    if "latent_kde" in spec.names:
        width = density["bandwidth"][None]
        points = density["points"], density["valid"]
        logs = kernels.log_density(*points, z, width)[0]
        values["latent_kde"] = -(logs + density["log_det"])
    return values


def gaussian(values: jax.Array, valid: jax.Array) -> Density:
    """Mean (D,), whitening matrix (D, D) and its log determinant, of valid values.

    values: (N, D) float32. Standardised, the covariance is the correlation matrix,
    shrunk towards the identity by Ledoit and Wolf (2004), eq. 14, at least by RIDGE;
    above LARGEST dimensions the identity, and the matrix a vector (D,).
    """
    weight = valid.astype(jnp.float32)[:, None]
    count = jnp.maximum(jnp.sum(weight), 1.0)
    mean = jnp.sum(values * weight, 0) / count
    # Again: the first sum's rounding would look like spread in a constant dimension.
    mean = mean + jnp.sum((values - mean[None]) * weight, 0) / count
    centred = (values - mean[None]) * weight
    scale, live = _scale(mean, jnp.sum(jnp.square(centred), 0) / count)
    if values.shape[1] > LARGEST:
        log_det = -jnp.sum(jnp.log(scale))
        return {"mean": mean, "whiten": 1 / scale, "log_det": log_det}
    rows = jnp.where(live[None], centred / scale[None], 0.0)
    whole = jnp.matmul(rows.T, rows, precision=_EXACT) / count
    size = values.shape[1]
    identity = jnp.eye(size)
    correlation = whole + jnp.diag(1 - live.astype(jnp.float32))
    shrinkage = jnp.clip(_ledoit_wolf(rows, correlation, whole, count), RIDGE, 1.0)
    shrunk = (1 - shrinkage) * correlation + shrinkage * identity
    factor = jnp.linalg.cholesky(shrunk)
    inverse = jax.scipy.linalg.solve_triangular(factor, identity, lower=True)
    log_det = -jnp.sum(jnp.log(jnp.diag(factor))) - jnp.sum(jnp.log(scale))
    return {"mean": mean, "whiten": inverse.T / scale[:, None], "log_det": log_det}


def standardised(density: Density, values: jax.Array) -> jax.Array:
    """Values (N, D) in coordinates where the Gaussian is round, within 1e15."""
    near = jnp.clip(values, -_FAR, _FAR) - density["mean"][None]
    whiten = density["whiten"]
    if whiten.ndim == 1:
        return jnp.clip(near * whiten[None], -_FAR, _FAR)
    return jnp.clip(jnp.matmul(near, whiten, precision=_EXACT), -_FAR, _FAR)


def _scale(mean: jax.Array, variance: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Standard deviations (D,), and which dimensions are alive; see the top."""
    noise = 1e-8 * jnp.mean(variance) + 1e-10 * jnp.square(mean)
    live = variance > noise
    count = jnp.sum(live.astype(jnp.float32))
    typical = jnp.sum(jnp.where(live, variance, 0.0)) / jnp.maximum(count, 1.0)
    typical = jnp.where(count > 0, typical, 1.0)
    return jnp.sqrt(jnp.where(live, variance, typical)), live


def _ledoit_wolf(rows, correlation, whole, count) -> jax.Array:
    """The share of the identity with the least expected squared error, () in [0, 1]."""
    away = jnp.sum(jnp.square(correlation - jnp.eye(len(correlation))))
    fourth = jnp.sum(jnp.square(jnp.sum(jnp.square(rows), 1)))
    noise = (fourth / count - jnp.sum(jnp.square(whole))) / count
    return jnp.where(away > 0, jnp.minimum(noise, away) / jnp.maximum(away, 1e-30), 0.0)
