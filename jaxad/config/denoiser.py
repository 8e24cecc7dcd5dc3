"""The spec of the denoising network, a second stage behind any autoencoder."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from jaxad.config.fields import Size, Traced, spec
from jaxad.config.training import Optim, Train


@spec
class Denoiser:
    """The denoising network of Remez et al., trained behind the fitted autoencoder.

    It sees the autoencoder's reconstruction, with noise, and learns what that should
    have been.
    """

    depth: Size = 20
    """Layers."""
    width: Annotated[int, Field(ge=2)] = 64
    """Features of a layer, those that are added to the output included."""
    kernel_size: Size = 3
    taps: tuple[Size, ...] = ()
    """Layers after which the mask so far can be scored too, as `mask_<layer>`."""
    target: Literal["image", "recon"] = "image"
    """What it learns to give back: the image (eq. 6 of its source), or the
    autoencoder's reconstruction without the noise (eq. 5)."""
    loss: Literal["mse", "mae"] = "mse"
    noise: Annotated[float, Field(ge=0), Traced(off=0.0)] = 0.1
    """Standard deviation of the Gaussian noise on its input in training; 0 is off."""
    optim: Optim = Field(default_factory=Optim)
    train: Train = Field(default_factory=Train)
    kind: Literal["remez"] = "remez"

    @model_validator(mode="after")
    def _taps_are_layers(self) -> "Denoiser":
        for tap in self.taps:
            if tap >= self.depth:
                raise ValueError(
                    f"taps: {tap} is not a layer before the last of {self.depth}"
                )
        if self.target == "recon" and self.noise == 0:
            raise ValueError("noise: without any, target recon leaves nothing to learn")
        if self.train.init_from is not None:
            raise ValueError("train.init_from: only the autoencoder can start warm")
        return self
