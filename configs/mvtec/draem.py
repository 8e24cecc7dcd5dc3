"""Defects in textures and objects: learn to find synthetic ones, test on real ones.

    jaxad train configs/mvtec/draem.py --data.root PATH --data.category NAME

PATH is a folder in MVTec AD's layout, NAME a folder in it.
"""

from jaxad.config import (
    Augment,
    Baselines,
    Config,
    Data,
    Defects,
    Draem,
    F1Max,
    FixedFpr,
    Optim,
    Score,
    Threshold,
    Train,
)

config = Config(
    data=Data(
        root="mvtec_anomaly_detection",
        category="leather",
        size=128,
        protocol=Defects(tune=0.2),
        augment=Augment(flip_horizontal=True, flip_vertical=True),
    ),
    model=Draem(),
    optim=Optim(lr=2e-3, schedule="cosine", warmup=0.05),
    train=Train(epochs=150, batch_size=8, select="last", ema=0.99),
    score=Score(names=("defect", "defect_top", "defect_mse"), block=16),
    threshold=Threshold(rules=(F1Max(), FixedFpr())),
    baselines=Baselines(names=("pca",)),
)
