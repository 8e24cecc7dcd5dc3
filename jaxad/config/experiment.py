"""The experiment: every choice of a run in one value."""

from typing import Annotated

from pydantic import Field, model_validator

from jaxad.config.data import Corrupt, Data
from jaxad.config.denoiser import Denoiser
from jaxad.config.fields import spec
from jaxad.config.models import Deep, Model
from jaxad.config.names import code, unlike
from jaxad.config.scoring import (
    OWN_SCORES,
    USUAL,
    Baselines,
    Score,
    of_denoiser,
)
from jaxad.config.threshold import Threshold
from jaxad.config.training import Loss, Optim, Parallel, Train
from jaxad.display.tables import html_table

# One folder, never a path: it is joined to `runs/`.
Name = Annotated[str, Field(min_length=1, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


@spec
class Config:
    """An experiment. The defaults are the embedded one, which needs no download."""

    data: Data = Field(default_factory=Data)
    model: Model = Field(default_factory=Deep)
    corrupt: Corrupt = Field(default_factory=Corrupt)
    loss: Loss = Field(default_factory=Loss)
    optim: Optim = Field(default_factory=Optim)
    train: Train = Field(default_factory=Train)
    denoiser: Denoiser | None = None
    """A network that is trained behind the fitted autoencoder; none: no such one."""
    score: Score = Field(default_factory=Score)
    threshold: Threshold = Field(default_factory=Threshold)
    baselines: Baselines = Field(default_factory=Baselines)
    parallel: Parallel = Field(default_factory=Parallel)
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    name: Name | None = None
    """Name of the run folder below `runs/`; none: the config file's."""

    @property
    def split_seed(self) -> int:
        """The seed of splits and corrupted copies."""
        return self.seed if self.data.seed is None else self.data.seed

    def __repr__(self) -> str:
        return code(self)

    def _repr_html_(self) -> str:
        rows = [[name, str(value)] for name, value in unlike(self)]
        title = "Config: all else is the default" if rows else "Config: the default"
        return html_table(title, ["field", "value"], rows)

    @model_validator(mode="after")
    def _bce_is_of_probabilities(self) -> "Config":
        head = getattr(self.model, "head", None)
        if self.loss.kind == "bce" and head != "sigmoid" and self.model.kind != "cnn":
            raise ValueError("loss.kind bce needs model.head sigmoid")
        if "bce" in self.score.names and head != "sigmoid":
            raise ValueError("score.names bce needs model.head sigmoid")
        return self

    @model_validator(mode="after")
    def _gans_are_of_full_precision(self) -> "Config":
        if self.model.kind == "dcgan" and self.train.precision != "float32":
            raise ValueError("train.precision: model.kind dcgan computes in float32")
        return self

    @model_validator(mode="after")
    def _baselines_see_all_images(self) -> "Config":
        if self.data.stream and self.baselines.names:
            raise ValueError(
                "baselines are fitted to all images at once, and data.stream leaves "
                "them in their files; give no baselines.names"
            )
        return self

    @model_validator(mode="after")
    def _classifiers_learn_labels(self) -> "Config":
        if self.model.kind != "cnn":
            return self
        if self.loss.kind != "bce":
            raise ValueError(
                f"model.kind cnn learns labels by loss.kind bce, not {self.loss.kind}"
            )
        if self.corrupt.level:
            raise ValueError("corrupt.level: model.kind cnn has no input to give back")
        return self

    @model_validator(mode="after")
    def _elbo_is_of_variational_models(self) -> "Config":
        variational = self.model.kind == "vae"
        if variational != (self.loss.kind == "elbo"):
            raise ValueError("model.kind vae and loss.kind elbo need each other")
        if "elbo" in self.score.names and not variational:
            raise ValueError("score.names elbo needs model.kind vae")
        head = getattr(self.model, "head", None)
        if self.loss.likelihood == "bernoulli" and head != "sigmoid":
            raise ValueError("loss.likelihood bernoulli needs model.head sigmoid")
        return self

    @model_validator(mode="after")
    def _scores_are_of_the_model(self) -> "Config":
        kind = self.model.kind
        taught = kind == "cnn" or getattr(self.model, "of", "normal") == "anomalous"
        for name in self.score.names:
            if name in (*USUAL, "either") and not taught:
                continue
            owners = [owner for owner, own in OWN_SCORES.items() if name in own]
            if owners and kind not in owners:
                raise ValueError(f"score.names {name} needs model.kind {owners[0]}")
            if kind in OWN_SCORES and kind not in owners:
                has = " ".join(OWN_SCORES[kind])
                raise ValueError(f"model.kind {kind} has no score {name}; it has {has}")
        if kind in OWN_SCORES and self.denoiser is not None:
            raise ValueError(f"denoiser.kind stands behind autoencoders, not {kind}")
        return self

    @model_validator(mode="after")
    def _adversaries_have_no_validation_loss(self) -> "Config":
        if self.model.kind == "dcgan" and self.corrupt.level:
            raise ValueError(
                "corrupt.level is of autoencoders, not of model.kind dcgan"
            )
        if self.model.kind == "dcgan" and self.train.patience is not None:
            raise ValueError(
                "train.patience waits for a validation loss, and model.kind dcgan has "
                "none"
            )
        return self

    @model_validator(mode="after")
    def _draem_has_its_own_losses_and_defects(self) -> "Config":
        if self.model.kind == "draem":
            if self.loss.kind != "mse":
                raise ValueError("loss.kind: model.kind draem has losses of its own")
            if self.corrupt.level:
                raise ValueError("corrupt.level: model.kind draem has its own defects")
        return self

    @model_validator(mode="after")
    def _denoiser_scores_need_one(self) -> "Config":
        for name in filter(of_denoiser, self.score.names):
            if self.denoiser is None:
                raise ValueError(f"score.names {name} needs denoiser.kind remez")
            tap = name.removeprefix("mask_")
            if tap.isdecimal() and int(tap) not in self.denoiser.taps:
                raise ValueError(f"score.names {name} needs {tap} among denoiser.taps")
        return self
