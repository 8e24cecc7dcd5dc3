"""Convolutional autoencoder, trained noisy -> clean.

    jaxad data prepare mnist --source DIR     # once
    jaxad train configs/mnist_salt_pepper/cae.py

Source: R. Regalo, "Anomaly Detection with Autoencoder" (Eindhoven), questions 6 to 11:
two convolutions with max pooling; noisy images in, clean images as the target.
Anomalous: salt and pepper on 50 % of the pixels ("severe"); training uses the same kind
of noise at the same level.

The hard setting, 1 % of the pixels:

    jaxad train configs/mnist_salt_pepper/cae.py --name cae_hard \
        --data.protocol.corruption.level 0.01 --corrupt.level 0.01
"""

from jaxad.config import Config, Conv, Corrupt, Corrupted, Corruption, Data, Train

config = Config(
    data=Data(
        name="mnist",
        protocol=Corrupted(
            corruption=Corruption(kind="salt_and_pepper", level=0.5),
            curve=(0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005),
        ),
    ),
    model=Conv(channels=(16, 8)),
    corrupt=Corrupt(kind="salt_and_pepper", level=0.5),
    train=Train(epochs=5),
)
