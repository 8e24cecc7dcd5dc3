"""The spec of the deep convolutional GAN and of the encoder beside it."""

from typing import Annotated, Literal

from pydantic import Field

from jaxad.config.fields import NonNegative, Positive, Size, Traced, spec


@spec
class Dcgan:
    """A generator of images and a discriminator that tells them from real ones.

    Radford, Metz and Chintala, "Unsupervised Representation Learning with Deep
    Convolutional Generative Adversarial Networks", 2016. An encoder, trained beside
    them, finds the latent of an image, so that what the generator cannot draw can be
    scored. Their optimisers are all of the group `optim`; the paper's has lr 2e-4 and
    b1 .5. `loss` is of the encoder: the pixels' part.
    """

    channels: Annotated[tuple[Size, ...], Field(min_length=1)] = (64, 128, 256, 512)
    """Channels of the discriminator's convolutions, each of which halves height and
    width; the generator mirrors them. Sides are multiples of 2 to their number."""
    kernel_size: Literal[4, 5] = 5
    latent_dim: Size = 100
    """Size of what images are drawn from, standard normal."""
    generator_loss: Literal["minimax", "non_saturating"] = "non_saturating"
    """`minimax` lowers log(1 - D(G(z))), `non_saturating` raises log D(G(z))."""
    discriminator_steps: Size = 1
    """Steps of the discriminator before each one of the generator."""
    discriminator_rate: Positive = 1.0
    """Learning rate of the discriminator, as a multiple of optim.lr."""
    smoothing: Annotated[float, Field(ge=0, lt=0.5), Traced(off=0.0)] = 0.0
    """Real images are real with one minus this probability, for the discriminator
    (one-sided label smoothing, Salimans et al., 2016); 0 is off."""
    of: Literal["normal", "anomalous"] = "normal"
    """What it is trained on: `normal` images, or the `anomalous` ones alone that
    `data.protocol.train` sets apart. Then what is drawn well is anomalous: scores
    change their sign, and have no map."""
    feature_weight: NonNegative = 1.0
    """Weight of the discriminator's features beside the pixels, in the encoder's loss
    and in scores; 0 is off."""
    kind: Literal["dcgan"] = "dcgan"
