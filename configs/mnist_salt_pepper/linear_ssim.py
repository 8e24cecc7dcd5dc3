r"""Linear autoencoder, trained for structural similarity.

    jaxad data prepare mnist --source DIR     # once
    jaxad train configs/mnist_salt_pepper/linear_ssim.py

Source: R. Regalo, "Anomaly Detection with Autoencoder" (Eindhoven), question 4.
As `linear`, with 1 - SSIM (11x11 Gaussian window) as the loss and as the first score.
A sigmoid keeps the output in [0, 1]: SSIM hardly sees how far flat regions leave it.
Anomalous: salt and pepper on 50 % of the pixels ("severe").

Seen (seed 0, two CPU cores, 56 s in all, 21 s of training): score ssim,
AUROC 1.0000, F1 1.0000 at max_margin, false alarm rate 0.0000; at 1 % of
the pixels AUROC 0.8057 (ssim), 0.8377 (top). The source gives pictures only.

The hard setting, 1 % of the pixels; copies left unchanged by chance count as normal:

    jaxad train configs/mnist_salt_pepper/linear_ssim.py \
        --name linear_ssim_hard --data.protocol.corruption.level 0.01
"""

from jaxad.config import (
    Config,
    Corrupted,
    Corruption,
    Data,
    Linear,
    Loss,
    Score,
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
    model=Linear(latent_dim=32, head="sigmoid"),
    loss=Loss(kind="ssim"),
    train=Train(epochs=10),
    score=Score(names=("ssim", "mse", "top")),
)
