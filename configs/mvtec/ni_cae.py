r"""Industrial parts: an autoencoder with noise injected into some training images.

    jaxad train configs/mvtec/ni_cae.py --data.root PATH --data.category bottle
    jaxad sweep configs/mvtec/ni_cae.py --data.root PATH \
        --grid data.category=bottle,screw,leather          # without noise and with it

Source: V. Wilmet, S. Verma, T. Redl, H. Sandaker and Z. Li, "A Comparison of Supervised
and Unsupervised Deep Learning Methods for Anomaly Detection in Images"
(CentraleSupélec), NI-CAE: grey images, convolutions of 128, 64, 16, 8 and 4 channels
with pooling, dense 512 (more than the 256 values that enter it at 256x256), mirrored,
1x1 out; Gaussian noise of variance .001 on a tenth of the images, early stopping after
5 epochs. Here at 128x128 for two cores; the source's: `--data.size 256`. What noise in
*test* images does to the detectors is in `plots/robustness_*.png`.
"""

from jaxad.config import (
    Baselines,
    Config,
    Conv,
    Corrupt,
    Corruption,
    Data,
    Defects,
    F1Max,
    FixedFpr,
    Grid,
    Optim,
    Score,
    Threshold,
    Train,
    linked,
)

NOISE = tuple(Corruption(kind="gaussian", level=x) for x in (0.01, 0.0316, 0.1, 0.2))
SPECKS = tuple(Corruption(kind="salt_and_pepper", level=x) for x in (0.001, 0.01, 0.05))

config = Config(
    data=Data(
        root="mvtec",
        size=128,
        channels=1,
        validation=0.2,
        protocol=Defects(tune=0.2, robustness=NOISE + SPECKS),
    ),
    model=Conv(channels=(128, 64, 16, 8, 4), latent_dim=512, output_kernel=1),
    corrupt=Corrupt(kind="gaussian", level=0.0316, fraction=0.1, target="corrupted"),
    optim=Optim(lr=1e-3),
    train=Train(epochs=100, batch_size=16, patience=5),
    score=Score(names=("ssim", "mse", "top")),
    threshold=Threshold(rules=(FixedFpr(rate=0.05), F1Max())),
    baselines=Baselines(names=("pca",)),
)
grid = Grid(
    axes=(
        linked(
            ("corrupt.level", "corrupt.fraction", "corrupt.target"),
            {
                "without": (0.0, 1.0, "clean"),
                "with": (0.0316, 0.1, "corrupted"),
            },
            title="noise",
        ),
    ),
    seeds=3,
    every=True,
)
