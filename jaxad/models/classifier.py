"""The convolutional classifier."""

import flax.linen as nn
import jax

from jaxad.config.classifier import Classifier
from jaxad.models.layers import ACTIVATIONS, EVAL, BatchNorm, Conv, Dropout, Mode
from jaxad.models.pooling import max_pool


class ConvClassifier(nn.Module):
    """Convolutions with 2x2 max pooling, one hidden layer, one output (V. Wilmet et
    al., CentraleSupélec, section 3.4).

    image (B, H, W, C) -> logit (B,), the log odds of an anomaly. As in its source, a
    row or column that fills no tile of a pooling is dropped. A side of one pixel is
    pooled no further, so that images of any size can be classified.
    """

    spec: Classifier

    @nn.compact
    def __call__(self, image: jax.Array, mode: Mode = EVAL) -> jax.Array:
        spec, x = self.spec, image
        activation = ACTIVATIONS[spec.activation]
        for i, channels in enumerate(spec.channels):
            # A bias before batch norm has no gradient but rounding noise.
            bias = not spec.batch_norm
            x = Conv(channels, spec.kernel_size, bias, name=f"conv_{i}")(x)
            if spec.batch_norm:
                x = BatchNorm(name=f"norm_{i}")(x, mode)
            x = activation(x)
            if min(x.shape[1:3]) > 1:
                x = max_pool(x)
        x = nn.Dense(spec.hidden, name="hidden")(x.reshape(x.shape[0], -1))
        x = Dropout()(activation(x), mode)
        return nn.Dense(1, name="logit")(x).reshape(-1)
