r"""Convolutional autoencoder, trained noisy -> clean.

    jaxad data prepare mnist --source DIR     # once
    jaxad train configs/mnist_salt_pepper/cae.py

Source: R. Regalo, "Anomaly Detection with Autoencoder" (Eindhoven), questions 6 to 11.
Two convolutions with max pooling, mirrored; noisy images in, clean ones as the target.
Training uses the same kind of noise as the anomalies, at the same level. Batch norm is
added: without it, under mean squared error, the network can stay at a black image.
Anomalous: salt and pepper on 50 % of the pixels ("severe").

Seen (seed 0, two CPU cores, 173 s in all, 75 s of training): score mse,
AUROC 1.0000, F1 1.0000 at max_margin, false alarm rate 0.0000; at 1 % of
the pixels AUROC 0.9251 (mse), 0.9779 (top). The source gives precision = recall = F1
= 1, its threshold chosen on the test set.

The hard setting, 1 % of the pixels; copies left unchanged by chance count as normal:

    jaxad train configs/mnist_salt_pepper/cae.py \
        --name cae_hard --data.protocol.corruption.level 0.01 --corrupt.level 0.01
"""

from jaxad.config import (
    Config,
    Conv,
    Corrupt,
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
    corrupt=Corrupt(kind="salt_and_pepper", level=0.5),
    optim=Optim(lr=3e-3),
    train=Train(epochs=5),
)
