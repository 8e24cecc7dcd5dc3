"""Specs of the models; the modules themselves are in `jaxad.models`."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from jaxad.config.classifier import Classifier
from jaxad.config.dcgan import Dcgan
from jaxad.config.draem import Draem
from jaxad.config.fields import Probability, Size, spec

Activation = Literal["relu", "leaky_relu", "tanh", "gelu", "silu"]
Head = Literal["sigmoid", "linear"]
Sizes = Annotated[tuple[Size, ...], Field(min_length=1)]


@spec
class Linear:
    """One linear layer down, one up."""

    latent_dim: Size = 32
    """Size of the bottleneck."""
    head: Head = "linear"
    """What ends the network: `sigmoid` keeps the output in [0, 1]."""
    kind: Literal["linear"] = "linear"


@spec
class Deep:
    """Fully connected layers down to the bottleneck and mirrored up again."""

    hidden: Sizes = (256, 64)
    """Sizes of the hidden layers of the encoder."""
    latent_dim: Size = 32
    """Size of the bottleneck."""
    activation: Activation = "relu"
    batch_norm: bool = True
    dropout: Probability = 0.0
    """Share of hidden units dropped in training; 0 is off."""
    head: Head = "sigmoid"
    """What ends the network: `sigmoid` keeps the output in [0, 1]."""
    kind: Literal["deep"] = "deep"


@spec
class Conv:
    """Convolutions with max pooling down, up-sampling and convolutions up."""

    channels: Sizes = (16, 8)
    """Channels of the encoder's convolutions; each is followed by max pooling."""
    pools: tuple[Size, ...] = ()
    """Side of the pooling after each of them; none: 2."""
    kernel_size: Size = 3
    output_kernel: Size | None = None
    """Kernel of the last convolution; none: `kernel_size`."""
    latent_dim: Size | None = None
    """Size of a dense bottleneck; none: the last feature map is the bottleneck."""
    activation: Activation = "relu"
    batch_norm: bool = False
    dropout: Probability = 0.0
    """Share of feature-map values dropped in training; 0 is off."""
    head: Head = "sigmoid"
    """What ends the network: `sigmoid` keeps the output in [0, 1]."""
    kind: Literal["conv"] = "conv"

    @model_validator(mode="after")
    def _a_pool_each(self) -> "Conv":
        if self.pools and len(self.pools) != len(self.channels):
            raise ValueError(
                f"pools: {len(self.pools)} for {len(self.channels)} convolutions"
            )
        return self


@spec
class Strided:
    """Strided convolutions down to a dense bottleneck and mirrored up again.

    Özgümüş and Pilavci's autoencoder, up-sampling in place of transposed convolutions.
    """

    channels: Sizes = (128, 256, 512)
    """Channels of the encoder's convolutions; each halves height and width."""
    kernel_size: Size = 5
    latent_dim: Size = 256
    """Size of the bottleneck."""
    activation: Activation = "leaky_relu"
    batch_norm: bool = True
    """After every convolution but the encoder's first and the last."""
    dropout: Probability = 0.0
    """Share of feature-map values dropped in training; 0 is off."""
    head: Head = "sigmoid"
    """What ends the network: `sigmoid` keeps the output in [0, 1]."""
    kind: Literal["strided"] = "strided"


@spec
class Vae:
    """Convolutional variational autoencoder: `Strided` with a Gaussian bottleneck.

    It is trained on the ELBO (`loss.kind elbo`). Without batch normalisation, as its
    source has it: statistics of a batch would tie the examples' posteriors together.
    """

    channels: Sizes = (128, 256, 512)
    """Channels of the encoder's convolutions; each halves height and width."""
    kernel_size: Size = 5
    latent_dim: Size = 256
    """Size of the bottleneck."""
    activation: Activation = "leaky_relu"
    head: Head = "sigmoid"
    """What ends the network: `sigmoid` keeps the output in [0, 1]."""
    kind: Literal["vae"] = "vae"


Model = Annotated[
    Linear | Deep | Conv | Strided | Vae | Classifier | Dcgan | Draem,
    Field(discriminator="kind"),
]
