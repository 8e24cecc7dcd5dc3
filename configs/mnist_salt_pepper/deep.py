r"""Deep fully connected autoencoder.

    jaxad data prepare mnist --source DIR     # once
    jaxad train configs/mnist_salt_pepper/deep.py

Source: R. Regalo, "Anomaly Detection with Autoencoder" (Eindhoven), question 5.
784-256-64-32-64-256-784 with batch norm, dropout and Adam.
Anomalous: salt and pepper on 50 % of the pixels ("severe").

Seen (seed 0, two CPU cores, 128 s in all, 70 s of training): score mse,
AUROC 1.0000, F1 1.0000 at max_margin, false alarm rate 0.0000; at 1 % of
the pixels AUROC 0.7172 (mse), 0.9173 (top). The source gives pictures only.

The hard setting, 1 % of the pixels; copies left unchanged by chance count as normal:

    jaxad train configs/mnist_salt_pepper/deep.py \
        --name deep_hard --data.protocol.corruption.level 0.01
"""

from jaxad.config import (
    Config,
    Corrupted,
    Corruption,
    Data,
    Deep,
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
    model=Deep(hidden=(256, 64), latent_dim=32, batch_norm=True, dropout=0.1),
    train=Train(epochs=20),
)
