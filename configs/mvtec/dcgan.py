r"""A DCGAN of an object or a texture in MVTec AD's layout: new images, and a detector.

    jaxad train configs/mvtec/dcgan.py --data.root PATH --data.category toothbrush

The images it draws are in plots/samples.png. To train an autoencoder on them as well,
which has to hold out the same images (the same data group and seed):

    jaxad train CONFIG --data.generated.run runs/mvtec_dcgan --data.generated.images 500

Source: V. Wilmet et al., "A Comparison of Supervised and Unsupervised Deep Learning
Methods for Anomaly Detection in Images" (CentraleSupélec): a DCGAN (Radford, Metz and
Chintala, 2016) by the losses of eq. 3 and 6 (eq. 4: `--model.generator-loss minimax`).
It used its images neither to train a detector nor to score; scores are those of AnoGAN
and f-AnoGAN. 64x64 pixels and half the paper's channels are for two cores.

Seen so far (seed 0, two busy cores), on the texture `grass` of
`jaxad.data.texture_tree`, with `--model.channels 16 32 64 128 --train.epochs 150
--data.augment.flip-horizontal True --data.augment.flip-vertical True`: after these 600
steps it draws dark and bright blotches and no blades yet, and detects nothing: AUROC
.475 (encoder), .564 (residual), .470 (search), .483 (discriminator); PCA .531. The
epochs below have not been tried.
"""

from jaxad.config import (
    Baselines,
    Config,
    Data,
    Dcgan,
    Defects,
    F1Max,
    FixedFpr,
    Optim,
    Score,
    Threshold,
    Train,
)

config = Config(
    data=Data(size=64, protocol=Defects(tune=0.2)),
    model=Dcgan(channels=(32, 64, 128, 256)),
    optim=Optim(lr=2e-4, b1=0.5),
    train=Train(epochs=400, batch_size=16),
    score=Score(
        names=("encoder", "residual", "features", "search", "discriminator"), block=32
    ),
    threshold=Threshold(rules=(F1Max(), FixedFpr(rate=0.05))),
    baselines=Baselines(names=("pca",)),
)
