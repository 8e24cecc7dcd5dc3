r"""Defects in images of nanofibres: a convolutional autoencoder on patches.

    jaxad train configs/sem/ae.py                       # built-in images, no download
    jaxad train configs/sem/ae.py --data.root PATH      # NanoTWICE, or a folder like it

Source: Ş. Y. Özgümüş and Y. Y. Pilavcı, "Anomaly Detection Based on Autoencoder and
Denoising Convolutional Neural Network" (Politecnico di Milano). Patches of 32x32, tiles
of stride 16 to test, anomalous where the mask marks more than 20 pixels. The network is
a narrow one for two cores; the source's own:

    jaxad train configs/sem/ae.py --model.channels 128 256 512 --model.latent-dim 256 \
        --optim.lr 1e-4 --train.batch-size 32 --data.patches.crops 10240
"""

from jaxad.config import (
    Augment,
    Baselines,
    Config,
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
    optim=Optim(lr=1e-3, b1=0.5),
    train=Train(epochs=12, batch_size=64, validate=2_000, ema=0.999),
    score=Score(names=("mse", "mae", "ssim", "top")),
    threshold=Threshold(rules=(F1Max(), FixedFpr())),
    baselines=Baselines(names=("pca",)),
)
