"""How a run learns: loss, optimiser, loop."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from jaxad.config.fields import (
    Decay,
    NonNegative,
    Positive,
    Probability,
    Size,
    Traced,
    spec,
)


@spec
class Loss:
    """Reconstruction loss, averaged over pixels, and penalties on the kernels."""

    kind: Literal["mse", "mae", "bce", "ssim", "elbo"] = "mse"
    """`elbo` is the negative evidence lower bound of a variational model; `bce` of a
    classifier is that of its labels."""
    likelihood: Literal["gaussian", "bernoulli"] = "gaussian"
    """Of the pixels in `elbo`; `bernoulli` takes grey values for probabilities."""
    variance: Annotated[float, Field(gt=0)] | None = None
    """Of the pixels under `gaussian`; none: one number, learned with the rest."""
    beta: Annotated[float, Field(ge=0), Traced(off=1.0)] = 1.0
    """Weight of the Kullback-Leibler divergence in `elbo`."""
    l1: NonNegative = 0.0
    """Weight of the sum of the kernels' absolute values; 0 is off."""
    l2: NonNegative = 0.0
    """Weight of half the sum of the kernels' squares; 0 is off."""


@spec
class Optim:
    """The optimiser; the rate at a step is `lr` times the schedule's unit shape."""

    kind: Literal["sgd", "adam", "adamw", "rmsprop"] = "adam"
    lr: Positive = 1e-3
    """Learning rate."""
    weight_decay: NonNegative = 0.0
    """Decoupled weight decay (AdamW only); 0 is off."""
    momentum: Probability = 0.0
    """Momentum of SGD and RMSprop; 0 is off."""
    b1: Decay = 0.9
    """Decay of the first moment (Adam, AdamW)."""
    b2: Decay = 0.999
    """Decay of the second moment (Adam, AdamW, RMSprop)."""
    clip: NonNegative = 0.0
    """Largest global norm of the gradient; 0 is off."""
    schedule: Literal["constant", "cosine"] = "constant"
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of all steps in which the rate rises linearly from zero."""

    @model_validator(mode="after")
    def _no_option_without_effect(self) -> "Optim":
        if self.weight_decay and self.kind != "adamw":
            raise ValueError(f"weight_decay needs kind adamw, not {self.kind}")
        if self.momentum and self.kind not in ("sgd", "rmsprop"):
            raise ValueError(f"momentum needs kind sgd or rmsprop, not {self.kind}")
        return self


@spec
class Train:
    """The loop."""

    epochs: Size = 40
    batch_size: Size = 128
    patience: Size | None = None
    """Stop after so many epochs without a better validation loss; none: never."""
    select: Literal["best", "last"] = "best"
    """Which epoch's model is kept: the best validation loss, or the last one."""
    validate: Size | None = None
    """Normal validation images, evenly spaced, that each epoch's loss is measured on;
    none: all. Thresholds are fitted on all in any case."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """What the network's layers compute in, also when it scores. Parameters, batch
    statistics, losses, scores and metrics are float32 in any case."""
    ema: Probability = 0.0
    """Decay of an exponential moving average of the model; 0 is off."""
    init_from: str | None = None
    """A run folder to start from with its parameters (warm start)."""
    segment_seconds: Annotated[float, Field(gt=0)] = 10.0
    """Longest time on the device between two looks at signals and progress."""
    checkpoint_seconds: Annotated[float, Field(ge=0)] = 60.0
    """Time between checkpoints; each epoch's end is saved too, if this has passed."""


@spec
class Parallel:
    """The devices that a run works on. They change its speed, not its meaning: training
    agrees to rounding, scores of one model are the same."""

    devices: Size | None = None
    """How many share each batch, which has to divide by it; none: all devices of all
    processes, or of a single process as many as the batch divides by."""
