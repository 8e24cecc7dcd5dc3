r"""Industrial parts: reconstruction error or latent kernel density of an autoencoder.

    jaxad train configs/mvtec/kd_cae.py --data.root PATH --data.category bottle
    jaxad sweep configs/mvtec/kd_cae.py --data.root PATH \
        --grid data.category=bottle,screw,leather
    jaxad train configs/mvtec/kd_cae.py --data.root my_parts   # good/ and some defects

Source: V. Wilmet, S. Verma, T. Redl, H. Sandaker and Z. Li, "A Comparison of Supervised
and Unsupervised Deep Learning Methods for Anomaly Detection in Images"
(CentraleSupélec), KD-CAE. Images of 128x128, convolutions of 32, 64 and 128 channels
down to 8x8x128 (its code pools by 4, 2 and 2). An image is anomalous where its
reconstruction error or its density is out of the ordinary: `either`. Both limits come
from validation images; the source typed them by hand. Its kernel of .2 in 8,192
dimensions: `--score.bandwidth .2`, see `plots/bandwidth.png`.
"""

from jaxad.config import (
    Baselines,
    Config,
    Conv,
    Data,
    Defects,
    F1Max,
    FixedFpr,
    Optim,
    Score,
    Threshold,
    Train,
)

config = Config(
    data=Data(root="mvtec", size=128, validation=0.2, protocol=Defects(tune=0.2)),
    model=Conv(channels=(32, 64, 128), pools=(4, 2, 2)),
    optim=Optim(lr=1e-3),
    train=Train(epochs=100, batch_size=16, patience=20),
    score=Score(names=("either", "mse", "latent_kde", "zmap", "ssim", "top"), blur=1.0),
    threshold=Threshold(rules=(FixedFpr(rate=0.05), F1Max())),
    baselines=Baselines(names=("pca",)),
)
