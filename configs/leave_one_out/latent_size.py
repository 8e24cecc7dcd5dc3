"""Each digit left out in turn, over the size of the bottleneck: a curve a digit.

    jaxad data prepare mnist --source DIR     # once
    jaxad sweep configs/leave_one_out/latent_size.py

The field's known failure: an autoencoder of the other nine digits reconstructs a 1 from
strokes that they share, and the better the larger its bottleneck.
"""

from jaxad.config import (
    Axis,
    Baselines,
    Config,
    Data,
    Deep,
    FixedFpr,
    Grid,
    LeaveOut,
    Optim,
    Score,
    Threshold,
    Train,
)

config = Config(
    data=Data(name="mnist", protocol=LeaveOut(tune=(), test=(0,))),
    model=Deep(hidden=(256,), latent_dim=16, batch_norm=False),
    optim=Optim(lr=1e-3),
    train=Train(epochs=10, batch_size=256),
    score=Score(names=("mse",)),
    threshold=Threshold(rules=(FixedFpr(rate=0.05),)),
    baselines=Baselines(names=("pca",)),
)
grid = Grid(
    axes=(
        Axis.of("data.protocol.test", *((digit,) for digit in range(10))),
        Axis.of("model.latent_dim", 2, 4, 8, 16, 32, 64),
    ),
    rank="val_loss",
    each="data.protocol.test",
    every=True,
)
