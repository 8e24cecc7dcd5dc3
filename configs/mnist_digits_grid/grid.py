r"""Digits 4 and 8 left out: the source's six models, smaller bottlenecks, one grid.

    jaxad data prepare mnist --source DIR     # once
    jaxad sweep configs/mnist_digits_grid/grid.py

Source: W. Ambrosetti, "Anomaly detection with Autoencoders". Training on 35,444 normal
digits, settings and thresholds chosen on digit 8 (974, with 8,044 normals), the chosen
ones measured once on digit 4 (982, with 7,088 normals). Models 0 to 5 have the source's
number of layers, bottlenecks and activations; it does not give the sizes of the other
layers. On digit 8, models 0 to 5 are better after 20 epochs than after 40, smaller
bottlenecks, with batch normalisation, the other way round. Its own grid, learning rate
x weight decay x epochs x batch size, up to full batches of 10,000 for 3,000 epochs:

    jaxad sweep configs/mnist_digits_grid/grid.py \
        --optim.kind adamw --optim.schedule constant \
        --grid optim.lr=1e-2,3e-3,1e-3 --grid optim.weight_decay=0,1e-5 \
        --grid train.epochs=1000,3000 --grid train.batch_size=1000,10000

Seen (seeds 0 to 3, two CPU cores, 27 minutes): latent 8 is chosen; on digit 4 its AUROC
is .9264 and its F1 .5962, at a limit from the validation images.
"""

from jaxad.config import (
    Baselines,
    Config,
    Data,
    Deep,
    F1Max,
    FixedFpr,
    Grid,
    LeaveOut,
    MinRecall,
    Optim,
    PrCorner,
    Score,
    Threshold,
    Train,
    linked,
)

config = Config(
    data=Data(
        name="mnist",
        protocol=LeaveOut(
            tune=(8,),
            test=(4,),
            swap_normals=True,
            train_images=35_444,
            test_images=7_088,
        ),
    ),
    model=Deep(hidden=(256,), latent_dim=8, batch_norm=False),
    optim=Optim(lr=1e-3, schedule="cosine"),
    train=Train(epochs=60, batch_size=256),
    score=Score(names=("mse",)),
    threshold=Threshold(rules=(F1Max(), PrCorner(), MinRecall(r=0.95), FixedFpr())),
    baselines=Baselines(names=("pca", "isolation_forest")),
)
MODELS = {
    "model 0": ((256, 64), 32, "relu", False, 20),
    "model 1": ((256, 64), 32, "tanh", False, 20),
    "model 2": ((256,), 64, "relu", False, 20),
    "model 3": ((256,), 64, "tanh", False, 20),
    "model 4": ((256,), 128, "relu", False, 20),
    "model 5": ((256,), 128, "tanh", False, 20),
}
SMALLER = {
    f"latent {size}": ((256, 128), size, "relu", True, 60) for size in (4, 6, 8, 12, 16)
}
grid = Grid(
    axes=(
        linked(
            (
                "model.hidden",
                "model.latent_dim",
                "model.activation",
                "model.batch_norm",
                "train.epochs",
            ),
            MODELS | SMALLER,
            title="model",
        ),
    ),
    seeds=4,
    each="model",
)
