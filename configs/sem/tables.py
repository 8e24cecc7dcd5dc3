"""The three tables of the nanofibre images: reconstruction, smoothing, feature mask.

    jaxad sweep configs/sem/tables.py
    jaxad report runs/sem_tables --markdown

Source: Ş. Y. Özgümüş and Y. Y. Pilavcı, "Anomaly Detection Based on Autoencoder and
Denoising Convolutional Neural Network" (Politecnico di Milano). Three autoencoders
(plain, denoising, variational), each alone and with the denoising network of Remez et
al. behind it, three random seeds on the same patches. Limits are fitted on patches of
the images set aside for tuning, a fifth of the anomalous ones.

Seen (two CPU cores with other work, 50 minutes), AUROC on test tiles, mean of 3 seeds:
AE .729, DAE .734, CVAE .620; smoothed .767, .764, .640; feature mask .659, .659, .657.
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
    FixedFpr,
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
        patches=Patches(size=32, stride=16, crops=2_000),
        augment=Augment(flip_horizontal=True, flip_vertical=True),
    ),
    model=Strided(channels=(16, 32, 64), latent_dim=64),
    corrupt=Corrupt(kind="gaussian"),
    optim=Optim(lr=1e-3, b1=0.5),
    train=Train(epochs=12, batch_size=64, validate=2_000, ema=0.999),
    denoiser=Denoiser(
        depth=10,
        width=9,
        taps=(5,),
        noise=0.01,
        optim=Optim(lr=1e-3),
        train=Train(epochs=5, batch_size=64, validate=2_000, ema=0.999),
    ),
    score=Score(
        names=("mse", "top", "smooth", "smooth_top", "mask", "mask_5", "superposed"),
        samples=4,
    ),
    threshold=Threshold(rules=(F1Max(), FixedFpr())),
    baselines=Baselines(names=("pca",)),
)
grid = Grid(
    axes=(
        linked(
            ("model.kind", "corrupt.level", "loss.kind"),
            {
                "AE": ("strided", 0.0, "mse"),
                "DAE": ("strided", 0.1, "mse"),
                "CVAE": ("vae", 0.0, "elbo"),
            },
            title="model",
        ),
    ),
    seeds=3,
    each="model",
    every=True,
)
