r"""Linear autoencoder.

    jaxad data prepare mnist --source DIR     # once
    jaxad train configs/mnist_salt_pepper/linear.py

Source: R. Regalo, "Anomaly Detection with Autoencoder" (Eindhoven), questions 2 and 3.
One dense layer down to 32 values and one up, mean squared error. The source does not
name its optimiser; Adam here.
Anomalous: salt and pepper on 50 % of the pixels ("severe").

Seen (seed 0, two CPU cores, 74 s in all, 7 s of training): score mse,
AUROC 1.0000, F1 1.0000 at max_margin, false alarm rate 0.0000; at 1 % of
the pixels AUROC 0.6978 (mse), 0.9086 (top). The source gives pictures only.

The hard setting, 1 % of the pixels; copies left unchanged by chance count as normal:

    jaxad train configs/mnist_salt_pepper/linear.py \
        --name linear_hard --data.protocol.corruption.level 0.01
"""

from jaxad.config import (
    Config,
    Corrupted,
    Corruption,
    Data,
    Linear,
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
    model=Linear(latent_dim=32),
    train=Train(epochs=10),
)
