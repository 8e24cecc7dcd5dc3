r"""Convolutional autoencoder without noise: it learns the identity.

    jaxad data prepare mnist --source DIR     # once
    jaxad train configs/mnist_salt_pepper/cae_clean.py

Source: R. Regalo, "Anomaly Detection with Autoencoder" (Eindhoven), question 6.
As `cae`, trained on clean images alone. It gives the noise back as well, so its
identity gap (error on anomalous over error on normal images) is far smaller.
Anomalous: salt and pepper on 50 % of the pixels ("severe").

Seen (seed 0, two CPU cores, 142 s in all, 90 s of training): score mse,
AUROC 1.0000, F1 1.0000 at max_margin, false alarm rate 0.0000; at 1 % of
the pixels AUROC 0.9134 (mse), 0.9638 (top). The source gives pictures only.

The hard setting, 1 % of the pixels; copies left unchanged by chance count as normal:

    jaxad train configs/mnist_salt_pepper/cae_clean.py \
        --name cae_clean_hard --data.protocol.corruption.level 0.01
"""

from jaxad.config import (
    Config,
    Conv,
    Corrupted,
    Corruption,
    Data,
    Optim,
    Train,
)

config = Config(
    data=Data(
        name="mnist",
        protocol=Corrupted(
            corruption=Corruption(kind="salt_and_pepper", level=0.5),
            curve=(0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005),
        ),
    ),
    model=Conv(channels=(16, 8), batch_norm=True),
    optim=Optim(lr=3e-3),
    train=Train(epochs=5),
)
