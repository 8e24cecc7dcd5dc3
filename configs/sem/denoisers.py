"""What makes the denoising network's scores: its loss, noise and depth.

    jaxad sweep configs/sem/denoisers.py

Behind the denoising autoencoder of `tables.py` (one seed), networks trained towards the
image (eq. 6 of its source) or towards the reconstruction without the noise (eq. 5),
with more noise or none, with half and twice the layers, and with absolute errors. Test
tiles do not overlap here (stride 32). `every.csv` has each one's smooth and mask scores
beside the reconstruction's own, which is the same in all.

Seen (two CPU cores, half an hour beside other work): on test tiles the reconstruction's
AUROC is .7252. The network makes it .7625 when its input has no noise, .7215 with noise
of .1 and .7046 with .3. The root mean square error of the reconstruction is .06: larger
noise hides what there is to learn. Beside that, loss and depth change little.
"""

from jaxad.config import (
    Augment,
    Baselines,
    Config,
    Corrupt,
    Data,
    Defects,
    Denoiser,
    F1Max,
    Grid,
    Optim,
    Patches,
    Score,
    Strided,
    Threshold,
    Train,
    linked,
)

config = Config(
    data=Data(
        name="nanofibres",
        seed=0,
        validation=0.2,
        protocol=Defects(tune=0.2),
        patches=Patches(size=32, stride=32, crops=2_000),
        augment=Augment(flip_horizontal=True, flip_vertical=True),
    ),
    model=Strided(channels=(16, 32, 64), latent_dim=64),
    corrupt=Corrupt(kind="gaussian", level=0.1),
    optim=Optim(lr=1e-3, b1=0.5),
    train=Train(epochs=12, batch_size=64, validate=2_000, ema=0.999),
    denoiser=Denoiser(
        depth=10,
        width=9,
        noise=0.1,
        optim=Optim(lr=1e-3),
        train=Train(epochs=5, batch_size=64, validate=2_000, ema=0.999),
    ),
    score=Score(names=("mse", "top", "smooth", "smooth_top", "mask", "superposed")),
    threshold=Threshold(rules=(F1Max(),)),
    baselines=Baselines(names=()),
)
grid = Grid(
    axes=(
        linked(
            (
                "denoiser.target",
                "denoiser.noise",
                "denoiser.depth",
                "denoiser.loss",
            ),
            {
                "eq. 6": ("image", 0.1, 10, "mse"),
                "eq. 5": ("recon", 0.1, 10, "mse"),
                "no noise": ("image", 0.0, 10, "mse"),
                "noise .3": ("image", 0.3, 10, "mse"),
                "5 layers": ("image", 0.1, 5, "mse"),
                "20 layers": ("image", 0.1, 20, "mse"),
                "L1": ("image", 0.1, 10, "mae"),
            },
            title="denoiser",
        ),
    ),
    score="smooth",
    each="denoiser",
    every=True,
)
