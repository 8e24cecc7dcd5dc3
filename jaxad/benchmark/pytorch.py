"""The same networks and steps in PyTorch, written as its users write them: one Python
loop, NCHW, the defaults of `torch.optim.Adam`.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from jaxad.config import Config, Conv, Deep, Linear, Optim
from jaxad.config.models import Model

Weights = Sequence[tuple[np.ndarray, np.ndarray]]
Images = Callable[[torch.Tensor], torch.Tensor]
NOT_COMPILED = (torch._dynamo.exc.TorchDynamoException, OSError)
"""What `torch.compile` raises where it finds no compiler."""


class How(NamedTuple):
    """Where and how PyTorch trains: eager or by `torch.compile`; in float32, or with
    autocast to bfloat16."""

    device: str = "cpu"
    compiled: bool = False
    precision: str = "float32"

    def autocast(self) -> torch.autocast:
        half = self.precision == "bfloat16"
        return torch.autocast(self.device, torch.bfloat16, enabled=half)


EAGER = How()


def trainer(
    config: Config, image: np.ndarray, weights: Weights, how: How = EAGER
) -> Callable[[torch.Tensor], torch.Tensor]:
    """A function that takes a step on each batch of rows and returns their losses (n,).

    config: a `Linear`, `Deep` or `Conv` autoencoder with ReLU and sigmoid, MSE, Adam;
        trained as a denoiser where `corrupt.level` is above 0.
    image: (N, H, W, C) uint8.
    weights: (kernel, bias) of each layer from input to output, in the layout of JAX.
    """
    model = network(config.model, image.shape[1:])
    load(model, weights)
    level = config.corrupt.level
    return stepping(
        model, config.optim, image, lambda x: salt_and_pepper(x, level), how
    )


def stepping(
    model: nn.Module, optim: Optim, image: np.ndarray, given: Images, how: How
) -> Callable[[torch.Tensor], torch.Tensor]:
    """As `trainer`, for any model; `given` makes its input of (B, C, H, W) images."""
    stored = torch.from_numpy(image).permute(0, 3, 1, 2).contiguous().to(how.device)
    model = model.to(how.device)
    adam = torch.optim.Adam(model.parameters(), lr=optim.lr, betas=(optim.b1, optim.b2))
    forward = torch.compile(model) if how.compiled else model

    def step(rows: torch.Tensor) -> torch.Tensor:
        target = stored[rows].float() / 255
        with how.autocast():
            output = forward(given(target))
        loss = nn.functional.mse_loss(output.float(), target)
        adam.zero_grad()
        loss.backward()
        adam.step()
        return loss.detach()

    return lambda rows: torch.stack([step(x) for x in rows.to(how.device)]).cpu()


def shuffled(count: int, steps: int, size: int) -> torch.Tensor:
    """(steps, size) rows below `count`, in a new random order every epoch."""
    epochs = -(-steps * size // count)
    order = torch.cat([torch.randperm(count) for _ in range(epochs)])
    return order[: steps * size].reshape(steps, size)


def salt_and_pepper(image: torch.Tensor, level: float) -> torch.Tensor:
    """Half of the changed pixels white, half black. image: (B, C, H, W) in [0, 1]."""
    if level == 0:
        return image
    draw = torch.rand(image.shape[0], 1, *image.shape[2:], device=image.device)
    value = torch.where(draw < level / 2, 0.0, 1.0)
    return torch.where(draw < level, value, image)


def network(spec: Model, shape: tuple[int, ...]) -> nn.Sequential:
    """The network of a spec for images of shape (H, W, C), without batch norm."""
    height, width, channels = shape
    if isinstance(spec, Linear | Deep):
        hidden = spec.hidden if isinstance(spec, Deep) else ()
        inner = (*hidden, spec.latent_dim, *reversed(hidden))
        sizes = (height * width * channels, *inner, height * width * channels)
        layers: list[nn.Module] = [nn.Flatten()]
        for i, pair in enumerate(pairwise(sizes)):
            layers.append(nn.Linear(*pair))
            if i not in (len(hidden), len(sizes) - 2):  # the bottleneck is linear
                layers.append(nn.ReLU())
        return nn.Sequential(
            *layers, nn.Sigmoid(), nn.Unflatten(1, (channels, height, width))
        )
    assert isinstance(spec, Conv), f"no {spec.kind} here"
    layers, before = [], channels
    for after in spec.channels:
        layers += [_conv(before, after, spec), nn.ReLU(), nn.MaxPool2d(2)]
        before = after
    for after in reversed(spec.channels):
        layers += [_conv(before, after, spec), nn.ReLU(), nn.Upsample(scale_factor=2)]
        before = after
    return nn.Sequential(*layers, _conv(before, channels, spec), nn.Sigmoid())


def load(model: nn.Sequential, weights: Weights) -> None:
    """Copy the weights into the layers, which have a weight and a bias each."""
    values = []
    for kernel, bias in weights:
        axes = (1, 0) if kernel.ndim == 2 else (3, 2, 0, 1)
        values += [kernel.transpose(axes), bias]
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), values, strict=True):
            # A copy: PyTorch warns about memory that it may not write to.
            parameter.copy_(torch.from_numpy(value.copy()))


def size(model: nn.Module) -> int:
    """Number of parameters."""
    return sum(parameter.numel() for parameter in model.parameters())


def _conv(before: int, after: int, spec: Conv) -> nn.Conv2d:
    return nn.Conv2d(before, after, spec.kernel_size, padding=spec.kernel_size // 2)
