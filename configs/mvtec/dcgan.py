r"""A DCGAN of an object or a texture in MVTec AD's layout: new images, and a detector.

    jaxad train configs/mvtec/dcgan.py --data.root PATH --data.category toothbrush

The images it draws are in plots/samples.png. To train an autoencoder on them as well,
which has to hold out the same images (the same data group and seed):

    jaxad train CONFIG --data.generated.run runs/mvtec_dcgan --data.generated.images 500

Defects for a classifier (configs/mvtec/cnn.py, whose shares these are): the model then
learns the anomalous images alone that are set apart for training.

    jaxad train configs/mvtec/dcgan.py --data.root PATH --data.category bottle \
        --model.of anomalous --data.protocol.train 0.4 --data.validation 0.2 \
        --out runs/defects
    jaxad train configs/mvtec/cnn.py --data.root PATH --data.category bottle \
        --data.size 64 --data.generated.run runs/defects --data.generated.images 100

Source: V. Wilmet et al., "A Comparison of Supervised and Unsupervised Deep Learning
Methods for Anomaly Detection in Images" (CentraleSupélec): a DCGAN (Radford, Metz and
Chintala, 2016) by the losses of eq. 3 and 6 (eq. 4: `--model.generator-loss minimax`).
It used its images neither to train a detector nor to score; scores are those of AnoGAN
and f-AnoGAN (`search` takes longest and is left out below). It tells neither sizes nor
rates. Of the paper's: b1 .5, and lr 2e-4 for the discriminator. Not the paper's: five
times that rate for the other networks, fewer channels, kernels of 4 (5 take about twice
the time on a CPU), one-sided label smoothing, 64x64 pixels.

Seen (seed 0, one of two cores). The crops of `jaxad data textures`, by the values below
(153 to 276 s of training): of brick two or three walls with joints of the right width
and distance (AUROC of the discriminator .806, of the encoder .666), of grass and gravel
one blotchy picture each (encoder .679 and .644): about a hundred training images are
too few, and the generator collapses. MNIST's zeros (28x28, `--model.channels 32 64`,
batches of 64, 5e-4 for all networks, no smoothing): its samples are zeros after 640
steps. Where the discriminator won (the generator's loss stayed between 1.7 and 2.6; of
the zeros it fell to .5), a lower rate for it helped. The average of the weights
(`train.ema .99`) drew fainter images.
"""

from jaxad.config import (
    Baselines,
    Config,
    Data,
    Dcgan,
    Defects,
    F1Max,
    FixedFpr,
    Optim,
    Score,
    Threshold,
    Train,
)

config = Config(
    data=Data(size=64, protocol=Defects(tune=0.2)),
    model=Dcgan(
        channels=(16, 32, 64, 128),
        kernel_size=4,
        discriminator_rate=0.2,
        smoothing=0.1,
        feature_weight=0.1,
    ),
    optim=Optim(lr=1e-3, b1=0.5),
    train=Train(epochs=400, batch_size=16),
    score=Score(names=("encoder", "residual", "features", "discriminator"), block=32),
    threshold=Threshold(rules=(F1Max(), FixedFpr(rate=0.05))),
    baselines=Baselines(names=("pca",)),
)
