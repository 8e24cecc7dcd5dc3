"""Defects in photographs of objects and textures: a classifier that learns from labels.

    jaxad train configs/mvtec/cnn.py --data.root PATH --data.category bottle
    jaxad train configs/mvtec/cnn.py --data.root PATH --data.channels 1      # grey

PATH is MVTec AD, or any folder in its layout. The supervised CNN of Wilmet et al., "A
Comparison of Supervised and Unsupervised Deep Learning Methods for Anomaly Detection in
Images", section 3.4: five convolutions of 16 filters with pooling, a hidden layer,
RMSprop, binary cross-entropy. Its images have 200x200 pixels, and how it was given
defects to learn from is left open: here 40 % of each kind, and of the normal images of
the test split, are trained on with their labels, 20 % of the defects are for
validation, and the rest is the test. With the same data group, any other model is
tested on the same images.

Validation normals are of the training split. Where those of the test split look
different, a classifier can learn that difference, and validation does not tell.
"""

from jaxad.config import (
    Augment,
    Baselines,
    Classifier,
    Config,
    Data,
    Defects,
    F1Max,
    FixedFpr,
    Loss,
    MaxMargin,
    Optim,
    Score,
    Threshold,
    Train,
)

config = Config(
    data=Data(
        size=128,
        validation=0.2,
        protocol=Defects(tune=0.2, train=0.4),
        augment=Augment(flip_horizontal=True, flip_vertical=True),
    ),
    model=Classifier(),
    loss=Loss(kind="bce"),
    optim=Optim(kind="rmsprop", lr=1e-3, b2=0.9),
    train=Train(epochs=60, batch_size=16, patience=30),
    score=Score(names=("logit", "probability")),
    threshold=Threshold(rules=(F1Max(), MaxMargin(), FixedFpr())),
    baselines=Baselines(names=("pca",)),
)
