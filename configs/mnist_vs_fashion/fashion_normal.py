"""The hard direction: Fashion-MNIST is normal, MNIST anomalous.

    jaxad data prepare fashion_mnist --source DIR     # once, and so mnist
    jaxad train configs/mnist_vs_fashion/fashion_normal.py

Not in the source. Digits are mostly black, and black costs little cross-entropy, while
the greys of clothes cost much of it even where they are reconstructed well: by the
cross-entropy, digits look more normal than clothes. The squared error is zero for a
perfect reconstruction whatever the greys, and the largest residuals tell best.

Seen (seed 0, two CPU cores, 98 s in all): AUROC .9927 (top), .9862 (mse), .2725 (bce);
at the two-sided z-score with k = 2 96.8 % of MNIST are found, false alarm rate .0461.
"""

from jaxad.config import (
    Baselines,
    Config,
    Data,
    Deep,
    F1Max,
    FixedFpr,
    Loss,
    Optim,
    OtherDataset,
    Score,
    Threshold,
    Train,
    ZScore,
)

config = Config(
    data=Data(name="fashion_mnist", protocol=OtherDataset(name="mnist")),
    model=Deep(hidden=(256,), latent_dim=16, batch_norm=False),
    loss=Loss(kind="bce"),
    optim=Optim(kind="adam", lr=1e-3),
    train=Train(epochs=25, batch_size=128),
    score=Score(names=("top", "mse", "mae", "ssim", "bce", "latent_kde")),
    threshold=Threshold(
        rules=(
            ZScore(k=2.0, sides="both"),
            ZScore(k=3.0, sides="both"),
            FixedFpr(),
            F1Max(),
        )
    ),
    baselines=Baselines(names=("pca", "isolation_forest", "lof", "ocsvm")),
)
