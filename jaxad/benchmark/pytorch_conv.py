"""The SEM networks in PyTorch, as its users write them: NCHW, `nn` modules."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from jaxad.benchmark.pytorch import EAGER, How, stepping
from jaxad.config import Config, Denoiser, Strided

Params = dict[str, Any]


class StridedNet(nn.Module):
    """`StridedAE` with leaky ReLU, batch norm and sigmoid, for sides that halve evenly.

    params, stats: of the Flax module, whose weights it starts with.
    """

    def __init__(self, spec: Strided, shape: tuple[int, ...], params: Params):
        super().__init__()
        height, width, channels = shape
        assert spec.activation == "leaky_relu"
        before, layers = channels, []
        for i, after in enumerate(spec.channels):
            block = params["encoder"][f"_Block_{i}"]
            layers += _block(before, after, spec, block, stride=2, plain=i == 0)
            before = after
        down = 2 ** len(spec.channels)
        self.form = (before, height // down, width // down)
        self.encoder = nn.Sequential(*layers)
        flat = int(np.prod(self.form))
        self.latent = nn.Linear(flat, spec.latent_dim)
        self.from_latent = nn.Linear(spec.latent_dim, flat)
        _dense(self.latent, params["latent"], inputs=self.form)
        _dense(self.from_latent, params["decoder"]["from_latent"], outputs=self.form)
        layers = []
        for i, after in enumerate(reversed(spec.channels[:-1])):
            block = params["decoder"][f"_Block_{i}"]
            layers += [nn.Upsample(scale_factor=2)]
            layers += _block(before, after, spec, block)
            before = after
        output = nn.Conv2d(before, channels, spec.kernel_size, padding="same")
        _conv(output, params["decoder"]["output"])
        layers += [nn.Upsample(scale_factor=2), output, nn.Sigmoid()]
        self.decoder = nn.Sequential(*layers)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        latent = self.latent(self.encoder(image).flatten(1))
        features = nn.functional.leaky_relu(self.from_latent(latent), 0.2)
        return self.decoder(features.unflatten(1, self.form))


class RemezNet(nn.Module):
    """`RemezDenoiser` for images of one channel."""

    def __init__(self, spec: Denoiser, params: Params):
        super().__init__()
        self.layers = nn.ModuleList()
        before = 1
        for layer in range(1, spec.depth + 1):
            after = 1 if layer == spec.depth else spec.width
            conv = nn.Conv2d(before, after, spec.kernel_size, padding="same")
            _conv(conv, params[f"layer_{layer}"])
            self.layers.append(conv)
            before = after - 1

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = output = image
        for layer in self.layers:
            features = layer(x)
            output = output + features[:, :1]
            x = nn.functional.relu(features[:, 1:])
        return output


def trainer(
    config: Config,
    image: np.ndarray,
    params: Params,
    before: Params | None,
    how: How = EAGER,
) -> Callable[[torch.Tensor], torch.Tensor]:
    """A function that takes a step on each batch of rows and returns their losses (n,).

    config: a `Strided` autoencoder, or, with a denoiser, of that behind the frozen
        autoencoder of `before`. image: (N, H, W, 1) uint8. params: to start with.
    """
    spec, shape = config.model, image.shape[1:]
    assert isinstance(spec, Strided)
    if before is None or config.denoiser is None:
        alone = StridedNet(spec, shape, params)
        return stepping(alone, config.optim, image, lambda target: target, how)
    frozen = StridedNet(spec, shape, before).eval().to(how.device)
    first = torch.compile(frozen) if how.compiled else frozen
    noise = config.denoiser.noise

    def given(target: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            made = first(target)
            return made + noise * torch.randn_like(made)

    model = RemezNet(config.denoiser, params)
    return stepping(model, config.optim, image, given, how)


def _block(
    before: int, after: int, spec: Strided, params: Params, stride=1, plain=False
) -> list[nn.Module]:
    """Convolution, batch norm, leaky ReLU."""
    norm, size = spec.batch_norm and not plain, spec.kernel_size
    layers: list[nn.Module] = []
    if stride == 1:
        conv = nn.Conv2d(before, after, size, padding="same", bias=not norm)
    else:  # as XLA pads an even side
        low = (size - 2) // 2
        layers.append(nn.ZeroPad2d((low, size - 2 - low) * 2))
        conv = nn.Conv2d(before, after, size, stride, bias=not norm)
    _conv(conv, params["Conv_0"])
    layers.append(conv)
    if norm:
        layers.append(nn.BatchNorm2d(after))
    return [*layers, nn.LeakyReLU(0.2)]


def _conv(layer: nn.Conv2d, params: Params) -> None:
    _copy(layer.weight, params["kernel"].transpose(3, 2, 0, 1))
    if layer.bias is not None:
        _copy(layer.bias, params["bias"])


def _dense(layer: nn.Linear, params: Params, inputs=None, outputs=None) -> None:
    """inputs, outputs: (C, H, W) of a feature map, which Flax flattens as (H, W, C)."""
    kernel, bias = params["kernel"], params["bias"]
    for axis, form in ((0, inputs), (1, outputs)):
        if form is not None:
            order = np.arange(np.prod(form)).reshape(*form[1:], form[0])
            kernel = kernel.take(order.transpose(2, 0, 1).ravel(), axis)
            bias = bias.take(order.transpose(2, 0, 1).ravel()) if axis else bias
    _copy(layer.weight, kernel.T)
    _copy(layer.bias, bias)


def _copy(parameter: torch.Tensor, value: np.ndarray) -> None:
    with torch.no_grad():
        # A copy: PyTorch warns about memory that it may not write to.
        parameter.copy_(torch.from_numpy(np.array(value)))
