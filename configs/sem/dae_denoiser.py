r"""Defects in images of nanofibres: a denoising autoencoder, and a denoising network.

    jaxad train configs/sem/dae_denoiser.py                    # built-in images
    jaxad train configs/sem/dae_denoiser.py --data.root PATH   # NanoTWICE or like it
    jaxad score runs/dae_denoiser image.tif --maps             # images of any size

Source: Ş. Y. Özgümüş and Y. Y. Pilavcı, "Anomaly Detection Based on Autoencoder and
Denoising Convolutional Neural Network" (Politecnico di Milano). The autoencoder of
`dae.py` is fitted and frozen; behind it, the network of Remez et al. learns to turn its
reconstruction, with a little noise, into the image (eq. 6). The first score compares
the image with the network's output, `mask` with what it adds (the feature mask). The
network is a narrow one for two cores; the source's own, behind its own autoencoder:

    jaxad train configs/sem/dae_denoiser.py --model.channels 128 256 512 \
        --model.latent-dim 256 --optim.lr 1e-4 --train.batch-size 32 \
        --data.patches.crops 10240 --denoiser.depth 20 --denoiser.width 64 \
        --denoiser.taps 10 --denoiser.optim.lr 1e-4 --denoiser.train.batch-size 32 \
        --score.names mask mask_10 smooth superposed mse
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
    denoiser=Denoiser(
        depth=10,
        width=9,
        taps=(5,),
        noise=0.01,
        optim=Optim(lr=1e-3),
        train=Train(epochs=5, batch_size=64, validate=2_000, ema=0.999),
    ),
    score=Score(names=("smooth", "smooth_top", "mse", "mask", "mask_5", "superposed")),
    threshold=Threshold(rules=(F1Max(), FixedFpr())),
    baselines=Baselines(names=("pca",)),
    name="dae_denoiser",
)
