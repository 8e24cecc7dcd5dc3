"""Each digit left out in turn, over the bottleneck of a variational autoencoder.

    jaxad data prepare mnist --source DIR     # once
    jaxad sweep configs/leave_one_out/vae_latent_size.py

As `latent_size.py`, by the error of the reconstruction from the mean latent and by the
negative evidence lower bound (Bernoulli likelihood). `every.csv` has both.
"""

from jaxad.config import (
    Axis,
    Baselines,
    Config,
    Data,
    FixedFpr,
    Grid,
    LeaveOut,
    Loss,
    Optim,
    Score,
    Threshold,
    Train,
    Vae,
)

config = Config(
    data=Data(name="mnist", protocol=LeaveOut(tune=(), test=(0,), train_images=12_000)),
    model=Vae(channels=(8, 16), kernel_size=3, latent_dim=16),
    loss=Loss(kind="elbo", likelihood="bernoulli"),
    optim=Optim(lr=1e-3),
    train=Train(epochs=6, batch_size=256),
    score=Score(names=("mse", "elbo"), samples=0),
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
