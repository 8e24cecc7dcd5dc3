"""Defects in images of nanofibres: a denoising autoencoder on patches.

    jaxad train configs/sem/dae.py                       # built-in images, no download
    jaxad train configs/sem/dae.py --data.root PATH      # NanoTWICE or like it

As `ae.py`, with Gaussian noise on the network's input; `--corrupt.kind poisson` for the
other noise of its source.
"""

from jaxad.config import (
    Augment,
    Baselines,
    Config,
    Corrupt,
    Data,
    Defects,
    F1Max,
    FixedFpr,
    Optim,
    Patches,
    Score,
    Strided,
    Threshold,
    Train,
)

config = Config(
    data=Data(
        name="nanofibres",
        validation=0.2,
        protocol=Defects(tune=0.2),
        patches=Patches(size=32, stride=16, crops=2_000),
        augment=Augment(flip_horizontal=True, flip_vertical=True),
    ),
    model=Strided(channels=(16, 32, 64), latent_dim=64),
    corrupt=Corrupt(kind="gaussian", level=0.1),
    optim=Optim(lr=1e-3, b1=0.5),
    train=Train(epochs=12, batch_size=64, validate=2_000, ema=0.999),
    score=Score(names=("mse", "mae", "ssim", "top")),
    threshold=Threshold(rules=(F1Max(), FixedFpr())),
    baselines=Baselines(names=("pca",)),
)
