"""The spec of the classifier, which learns from labelled images."""

from typing import Annotated, Literal

from pydantic import Field

from jaxad.config.fields import Probability, Size, spec


@spec
class Classifier:
    """Convolutions with max pooling, one hidden layer, and the odds of an anomaly.

    Wilmet et al.'s CNN. It is trained on labels (`data.protocol.train`) by binary
    cross-entropy (`loss.kind bce`). The source tells no size of the hidden layer.
    """

    channels: Annotated[tuple[Size, ...], Field(min_length=1)] = (16,) * 5
    """Channels of the convolutions; each is followed by 2x2 max pooling, as long as
    both sides have two pixels to pool."""
    kernel_size: Size = 3
    hidden: Size = 64
    """Units of the hidden layer."""
    activation: Literal["relu", "leaky_relu", "tanh", "gelu", "silu"] = "relu"
    batch_norm: bool = False
    """After every convolution."""
    dropout: Probability = 0.0
    """Share of hidden units dropped in training; 0 is off."""
    weights: Literal["balanced", "none"] = "balanced"
    """What an image counts in the loss: `balanced` makes normal and anomalous training
    images count the same in sum, by the inverse of their number."""
    kind: Literal["cnn"] = "cnn"
