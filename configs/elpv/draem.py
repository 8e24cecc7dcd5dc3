"""Defective solar cells: dimmed places, and pixels that are unusually dark.

    jaxad train configs/elpv/draem.py
    jaxad sweep configs/elpv/draem.py --grid seed=0,1,2

The images and their split are those of `configs/elpv/ae.py`. A defect takes light away:
from a cell, a part of it, or a line. So synthetic defects are dimmed lines, pieces,
spots and whole images, and the network sees the logarithm of the intensity. There is
nothing to reconstruct: the network that undoes defects is left without a loss. Beside
it stands what needs no network: how much darker a pixel is than in intact cells
(`zdark`). A cell is called defective where one of the two finds it so (`either`).

Seen: AUROC .8236 (seeds 0 to 2: .8276, .8220, .8213), `zdark` alone .8274, the network
alone .8177; about 4 minutes each on one of two cores.
"""

from jaxad.config import (
    Augment,
    Baselines,
    Config,
    Data,
    Defects,
    Draem,
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
        tone="log",
        protocol=Defects(tune=0.0),
        augment=Augment(flip_horizontal=True, flip_vertical=True),
    ),
    model=Draem(
        recon=(8,),
        shapes=("noise", "piece", "scar", "spot", "whole"),
        fillings=("dimmed",),
        mse=0.0,
        ssim=0.0,
        gamma=0.0,
    ),
    optim=Optim(lr=2e-3, schedule="cosine", warmup=0.05),
    train=Train(epochs=32, batch_size=16, select="last", ema=0.99),
    score=Score(
        names=("either", "defect_top", "defect", "zdark"),
        either=("defect_top", "zdark"),
        blur=4.0,
        block=16,
    ),
    threshold=Threshold(rules=(FixedFpr(rate=0.05),)),
    baselines=Baselines(names=("pca",)),
)
