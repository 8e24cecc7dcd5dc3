"""Cracked solar cells: learn to find synthetic defects, test on real ones.

jaxad train configs/elpv/draem.py
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
        name="elpv",
        size=128,
        protocol=Defects(tune=0.2),
        augment=Augment(flip_horizontal=True, flip_vertical=True),
    ),
    model=Draem(),
    optim=Optim(lr=2e-3, schedule="cosine", warmup=0.05),
    train=Train(epochs=8, batch_size=16, select="last", ema=0.99),
    score=Score(names=("defect", "defect_top", "defect_mse"), block=16),
    threshold=Threshold(rules=(F1Max(), FixedFpr())),
    baselines=Baselines(names=("pca",)),
)
