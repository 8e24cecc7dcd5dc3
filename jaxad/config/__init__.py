"""The experiment as frozen, validated dataclasses. Imports no JAX and no Flax."""

from jaxad.config.classifier import Classifier
from jaxad.config.data import Augment, Corrupt, Data, Generated, Patches
from jaxad.config.dcgan import Dcgan
from jaxad.config.denoiser import Denoiser
from jaxad.config.draem import Draem
from jaxad.config.experiment import Config
from jaxad.config.grid import Axis, Draw, Grid, linked
from jaxad.config.load import (
    from_json,
    load_config,
    load_sweep,
    to_json,
)
from jaxad.config.models import Conv, Deep, Linear, Strided, Vae
from jaxad.config.override import override, set_values
from jaxad.config.protocols import (
    Corrupted,
    Corruption,
    Defects,
    LeaveOut,
    OneClass,
    OtherDataset,
)
from jaxad.config.scoring import FITTED, USUAL, Baselines, Score
from jaxad.config.threshold import (
    Conformal,
    Cost,
    F1Max,
    FixedFpr,
    Mad,
    MaxMargin,
    MinRecall,
    Percentile,
    PrCorner,
    Threshold,
    Youden,
    ZScore,
)
from jaxad.config.traced import BLANK, blank, traced
from jaxad.config.training import Loss, Optim, Parallel, Train

__all__ = [
    "BLANK",
    "FITTED",
    "USUAL",
    "Augment",
    "Axis",
    "Baselines",
    "Classifier",
    "Config",
    "Conformal",
    "Conv",
    "Corrupt",
    "Corrupted",
    "Corruption",
    "Cost",
    "Data",
    "Dcgan",
    "Deep",
    "Defects",
    "Denoiser",
    "Draem",
    "Draw",
    "F1Max",
    "FixedFpr",
    "Generated",
    "Grid",
    "LeaveOut",
    "Linear",
    "Loss",
    "Mad",
    "MaxMargin",
    "MinRecall",
    "OneClass",
    "Optim",
    "OtherDataset",
    "Parallel",
    "Patches",
    "Percentile",
    "PrCorner",
    "Score",
    "Strided",
    "Threshold",
    "Train",
    "Vae",
    "Youden",
    "ZScore",
    "blank",
    "from_json",
    "linked",
    "load_config",
    "load_sweep",
    "override",
    "set_values",
    "to_json",
    "traced",
]
