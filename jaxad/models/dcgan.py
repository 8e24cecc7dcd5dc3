"""The deep convolutional GAN of Radford, Metz and Chintala (2016), and an encoder."""

from typing import Any

import flax.linen as nn
import jax

from jaxad.config.dcgan import Dcgan
from jaxad.errors import ConfigError
from jaxad.models.layers import ACTIVATIONS, EVAL, BatchNorm, Conv, Mode
from jaxad.models.upsampling import transposed_conv2d
from jaxad.types import Output

VERBS = {"generator": "generate", "discriminator": "discriminate", "encoder": "encode"}
"""What each of the networks does: the name of its method of the module."""
# "All weights were initialized from a zero-centered Normal distribution with standard
# deviation 0.02" (section 4).
_WEIGHTS = nn.initializers.normal(0.02)


class DCGAN(nn.Module):
    """Three networks; called as a whole, it is the autoencoder of two of them.

    image (B, H, W, C) in [0, 1] -> recon (B, H, W, C) in [0, 1], latent
    (B, latent_dim): what the generator draws from the encoder's latent. Inside, images
    are in [-1, 1], where the generator's tanh ends.
    """

    spec: Dcgan

    def setup(self) -> None:
        self.generator = _Generator(self.spec)
        self.discriminator = _Halving(self.spec, 1)
        self.encoder = _Halving(self.spec, self.spec.latent_dim)

    def __call__(self, image: jax.Array, mode: Mode = EVAL) -> Output:
        if self.is_initializing():
            _check_sides(self.spec, image)
            self.discriminate(image, mode)
        latent = self.encode(image, mode)
        return Output(self.generator(latent, mode, image.shape[1:]), latent)

    def generate(self, latent: jax.Array, mode: Mode = EVAL) -> jax.Array:
        """latent (B, latent_dim) -> image (B, H, W, C) in [0, 1]."""
        return self.generator(latent, mode)

    def discriminate(self, image: jax.Array, mode: Mode = EVAL):
        """image -> logit (B,) of being real, and its last features (B, h, w, c)."""
        logit, features = self.discriminator(image, mode)
        return logit[:, 0], features

    def encode(self, image: jax.Array, mode: Mode = EVAL) -> jax.Array:
        """image -> latent (B, latent_dim)."""
        return self.encoder(image, mode)[0]


def apply_part(
    module: nn.Module,
    name: str,
    variables: dict[str, Any],
    given: jax.Array,
    mode: Mode = EVAL,
) -> tuple[Any, dict[str, Any]]:
    """Apply one network of a module like `DCGAN`; also returns its updated variables.

    name: of VERBS. variables: of that network alone, by collection.
    """
    inside = {collection: {name: tree} for collection, tree in variables.items()}
    kept = ["batch_stats"] if mode.train else []
    made, updated = module.apply(inside, given, mode, method=VERBS[name], mutable=kept)
    changed = {key: tree[name] for key, tree in updated.items() if name in tree}
    return made, {**variables, **changed}


def made(module: nn.Module, generator: Any, latent: jax.Array, mode: Mode = EVAL):
    """(B, H, W, C) in [0, 1], what a generator of these variables draws."""
    return apply_part(module, "generator", generator, latent, mode)[0]


def features(module: nn.Module, discriminator: Any, image: jax.Array) -> jax.Array:
    """(B, h, w, c), the last features of a discriminator, by fixed statistics."""
    return apply_part(module, "discriminator", discriminator, image)[0][1]


def part_of(model: Any, name: str) -> dict[str, Any]:
    """The variables of one network, by collection."""
    return {key: tree[name] for key, tree in model.items() if name in tree}


def whole(parts: dict[str, Any]) -> dict[str, Any]:
    """The inverse of `part_of`, of all networks."""
    model: dict[str, Any] = {}
    for name, part in parts.items():
        for collection, tree in part.items():
            model.setdefault(collection, {})[name] = tree
    return model


class _Generator(nn.Module):
    """A projection to small maps and fractionally strided convolutions up from there.

    shape: (H, W, C) of the image; read where variables are made, and there only.
    """

    spec: Dcgan

    @nn.compact
    def __call__(self, latent, mode: Mode, shape: tuple[int, ...] = ()) -> jax.Array:
        spec = self.spec
        small = self._small(latent.shape[1], shape)
        kernel = self.param("project", _WEIGHTS, small)
        x = latent @ kernel.reshape(kernel.shape[0], -1)
        x = nn.relu(BatchNorm()(x.reshape(-1, *kernel.shape[1:]), mode))
        for channels in reversed(spec.channels[:-1]):
            x = _Doubling(channels, spec.kernel_size)(x, mode)
        last = _Doubling(shape[-1] if shape else 0, spec.kernel_size, last=True)
        return (nn.tanh(last(x, mode)) + 1) / 2

    @nn.nowrap
    def _small(self, size: int, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Of the projection: latents, and height, width and channels of the maps."""
        if not shape:
            return self.get_variable("params", "project").shape
        scale = 2 ** len(self.spec.channels)
        return size, shape[0] // scale, shape[1] // scale, self.spec.channels[-1]


class _Doubling(nn.Module):
    """A transposed convolution of stride 2, batch norm, ReLU.

    last: with a bias in place of both. features 0: as many as its variables have.
    """

    features: int
    kernel_size: int
    last: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, mode: Mode) -> jax.Array:
        features = self.features or self.get_variable("params", "kernel").shape[-1]
        size = (self.kernel_size, self.kernel_size, x.shape[-1], features)
        x = transposed_conv2d(x, self.param("kernel", _WEIGHTS, size))
        if not self.last:
            return nn.relu(BatchNorm()(x, mode))
        bias = self.param("bias", nn.initializers.zeros, (features,))
        return x + bias.reshape(1, 1, 1, -1)


class _Halving(nn.Module):
    """Convolutions of stride 2 with LeakyReLU, batch norm but after the first one.

    image (B, H, W, C) in [0, 1] -> (B, out), and the last features (B, h, w, c). No
    hidden layer is fully connected.
    """

    spec: Dcgan
    out: int

    @nn.compact
    def __call__(self, image: jax.Array, mode: Mode) -> tuple[jax.Array, jax.Array]:
        x = 2 * image - 1
        for i, channels in enumerate(self.spec.channels):
            # A bias before batch norm has no gradient but rounding noise.
            bias = i == 0
            x = _Conv(channels, self.spec.kernel_size, bias, strides=2)(x)
            x = x if i == 0 else BatchNorm()(x, mode)
            x = ACTIVATIONS["leaky_relu"](x)
        dense = nn.Dense(self.out, kernel_init=_WEIGHTS, name="output")
        return dense(x.reshape(x.shape[0], -1)), x


class _Conv(Conv):
    def _kernel(self, key: jax.Array, size: tuple[int, ...]) -> jax.Array:
        return _WEIGHTS(key, size)


def _check_sides(spec: Dcgan, image: jax.Array) -> None:
    height, width = image.shape[1:3]
    scale = 2 ** len(spec.channels)
    if height % scale or width % scale:
        raise ConfigError(
            f"model.channels: {len(spec.channels)} convolutions halve sides that are "
            f"multiples of {scale}, not {height}x{width}; take fewer, or another "
            "data.size"
        )
