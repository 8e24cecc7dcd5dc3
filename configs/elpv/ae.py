"""Defective solar cells: a plain autoencoder, the floor of this data set.

    jaxad train configs/elpv/ae.py
    jaxad sweep configs/elpv/ae.py --grid seed=0,1,2

2,624 electroluminescence images (`pip install jaxad[elpv]`; the split of
`jaxad.data.elpv`), of which the cells that experts agreed on are taken: trained on
intact ones, tested on the other 377 and on all 715 defective ones.

Seen (seed 0, 5 minutes on one of two cores): AUROC of the MSE .690, of its z-scores by
pixel .706; of `zdark`, which looks at no network, .816.
"""

from jaxad.config import (
    Augment,
    Baselines,
    Config,
    Conv,
    Data,
    Defects,
    FixedFpr,
    Optim,
    Score,
    Threshold,
    Train,
)

config = Config(
    data=Data(
        name="elpv",
        size=96,
        protocol=Defects(tune=0.0),
        augment=Augment(flip_horizontal=True, flip_vertical=True),
    ),
    model=Conv(channels=(16, 32, 64), latent_dim=64),
    optim=Optim(lr=1e-3, schedule="cosine"),
    train=Train(epochs=30, batch_size=32),
    score=Score(names=("mse", "ssim", "top", "zmap", "zdark")),
    threshold=Threshold(rules=(FixedFpr(rate=0.05),)),
    baselines=Baselines(names=("pca",)),
)
