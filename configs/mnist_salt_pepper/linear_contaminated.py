r"""Linear autoencoder, one training image in ten corrupted.

    jaxad data prepare mnist --source DIR     # once
    jaxad train configs/mnist_salt_pepper/linear_contaminated.py

Source: R. Regalo, "Anomaly Detection with Autoencoder" (Eindhoven), question 3.
As `linear`, but 10 % of the training images carry the anomaly's noise and are taken
for normal.
Anomalous: salt and pepper on 50 % of the pixels ("severe").

Seen (seed 0, two CPU cores, 77 s in all, 5 s of training): score mse,
AUROC 1.0000, F1 1.0000 at max_margin, false alarm rate 0.0000; at 1 % of
the pixels AUROC 0.6865 (mse), 0.9077 (top). The source gives pictures only.

The hard setting, 1 % of the pixels; copies left unchanged by chance count as normal:

    jaxad train configs/mnist_salt_pepper/linear_contaminated.py \
        --name linear_contaminated_hard --data.protocol.corruption.level 0.01
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
            contamination=0.1,
            curve=(0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005),
        ),
    ),
    model=Linear(latent_dim=32),
    train=Train(epochs=10),
)
