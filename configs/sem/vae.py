"""Defects in images of nanofibres: a variational autoencoder on patches.

    jaxad train configs/sem/vae.py                       # built-in images, no download
    jaxad train configs/sem/vae.py --data.root PATH      # NanoTWICE or like it

As `ae.py`, without batch normalisation and trained on the evidence lower bound, with a
Gaussian likelihood whose variance is learned. Scores are means over four latent draws.
"""

from jaxad.config import (
    Augment,
    Baselines,
    Config,
    Data,
    Defects,
    F1Max,
    FixedFpr,
    Loss,
    Optim,
    Patches,
    Score,
    Threshold,
    Train,
    Vae,
)

config = Config(
    data=Data(
        name="nanofibres",
        validation=0.2,
        protocol=Defects(tune=0.2),
        patches=Patches(size=32, stride=16, crops=2_000),
        augment=Augment(flip_horizontal=True, flip_vertical=True),
    ),
    model=Vae(channels=(16, 32, 64), latent_dim=64),
    loss=Loss(kind="elbo"),
    optim=Optim(lr=1e-3, b1=0.5),
    train=Train(epochs=12, batch_size=64, validate=2_000, ema=0.999),
    score=Score(names=("mse", "mae", "ssim", "top", "elbo"), samples=4),
    threshold=Threshold(rules=(F1Max(), FixedFpr())),
    baselines=Baselines(names=("pca",)),
)
