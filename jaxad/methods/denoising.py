"""A denoising network behind an autoencoder: a stage of its own, and its scores.

S. Y. Özgümüş and Y. Y. Pilavcı, "Anomaly Detection Based on Autoencoder and Denoising
Convolutional Neural Network": the autoencoder is fitted first and stays as it is; its
reconstruction, with Gaussian noise, is what the network sees, and the image is what it
should give back (eq. 6), or the reconstruction itself (eq. 5).
"""

from typing import Any

import jax
import optax

from jaxad import losses, models
from jaxad.config import Config, Denoiser, Score
from jaxad.config.scoring import of_denoiser
from jaxad.methods import optimiser, residual
from jaxad.methods.base import Blocks, Hparams, Method
from jaxad.methods.update import of_device, update
from jaxad.streams import stream
from jaxad.types import Batch, Output, Scores, State

AUTOENCODER, DENOISER = "autoencoder", "denoiser"


def denoising(first: Method, config: Config, steps: int | None = None) -> Method:
    """The method of the stage behind the autoencoder `first`.

    config: of the last stage, as from `stages.last`. Where it trains, it needs the
    fitted autoencoder: `method.behind(model)`. What it ends with, after `finalize`,
    holds both: {"autoencoder": ..., "denoiser": ...}.
    """
    assert config.denoiser is not None
    network = models.build(config.denoiser)
    module = models.in_precision(network, config.train.precision)

    def behind(model: Any) -> Method:
        one = _Denoising(module, first, config, config.denoiser, steps, model)
        return Method(
            one.init, one.step, one.validate, one.score, one.output, one.finalize
        )

    return behind(None)._replace(behind=behind)


class _Denoising:
    """The method's functions, pure in all but these values."""

    def __init__(self, module, first: Method, config, spec, steps, before: Any):
        self.module, self.first, self.steps = module, first, steps
        self.config: Config = config
        self.spec: Denoiser = spec
        self.before = before

    def init(self, key: jax.Array, hparams: Hparams, batch: Batch) -> State:
        if "smooth_ssim" in self.config.score.names:
            losses.check_ssim(*batch.image.shape[1:3])
        model = models.init(self.module, stream(key, "init"), batch.image)
        return State(model, self._tx(hparams).init(model["params"]))

    def step(
        self,
        key: jax.Array,
        hparams: Hparams,
        state: State,
        batch: Batch,
        axis_name: str | None = None,
    ) -> tuple[State, dict[str, jax.Array]]:
        key = of_device(key, axis_name)
        noisy, target = self._pair(key, hparams, self.before, batch.image)

        def loss(params):
            model = {**state.model, "params": params}
            return self._loss(model, noisy, target), model

        # Penalties are of the autoencoder's kernels.
        own = {k: v for k, v in hparams.items() if k not in ("loss.l1", "loss.l2")}
        return update(loss, self._tx(hparams), own, state, batch.valid, axis_name)

    def validate(self, key, hparams: Hparams, model: Any, batch: Batch) -> jax.Array:
        before, own = self._parts(model)
        return self._loss(own, *self._pair(key, hparams, before, batch.image))

    def score(self, key, hparams: Hparams, model: Any, image: jax.Array) -> Scores:
        before, own = self._parts(model)
        found = self.first.score(key, hparams, before, image)
        output = self._denoised(hparams, before, own, image)
        values, maps = _scores(self.config.score, self.spec, image, output)
        values, maps = found.values | values, found.maps | maps
        wanted = [name for name in self.config.score.names if name in values]
        return Scores(
            {name: values[name] for name in wanted},
            {name: maps[name] for name in wanted if name in maps},
        )

    def output(self, key, hparams: Hparams, model: Any, image: jax.Array) -> Output:
        """Of the autoencoder; what the network makes of it is in `pictures`."""
        before, own = self._parts(model)
        assert self.first.output is not None
        output = self.first.output(key, hparams, before, image)
        denoised = models.apply(self.module, own, output.recon)[0]
        mask = denoised.latent[:, -1]
        return output._replace(pictures={"smooth": denoised.recon, "mask": mask})

    def finalize(
        self, key: jax.Array, hparams: Hparams, model: Any, train: Blocks, val: Blocks
    ) -> Any:
        return {AUTOENCODER: self.before, DENOISER: model}

    def _parts(self, model: Any) -> tuple[Any, Any]:
        """Autoencoder and network: in training, the model is the network alone."""
        if DENOISER in model:
            return model[AUTOENCODER], model[DENOISER]
        return self.before, model

    def _recon(self, hparams: Hparams, before: Any, image: jax.Array) -> jax.Array:
        """Without noise, a variational model's from its mean latent."""
        assert self.first.output is not None
        return self.first.output(jax.random.key(0), hparams, before, image).recon

    def _denoised(self, hparams, before, own, image: jax.Array) -> Output:
        recon = self._recon(hparams, before, image)
        return models.apply(self.module, own, recon)[0]

    def _pair(self, key, hparams: Hparams, before: Any, image: jax.Array):
        """What goes in and what should come out."""
        recon = jax.lax.stop_gradient(self._recon(hparams, before, image))
        target = image if self.spec.target == "image" else recon
        if "denoiser.noise" not in hparams:
            return recon, target
        # Not clipped: at black and white, the noise would not be of zero mean.
        noise = jax.random.normal(stream(key, "corrupt"), recon.shape)
        return recon + hparams["denoiser.noise"] * noise, target

    def _loss(self, model: Any, noisy: jax.Array, target: jax.Array) -> jax.Array:
        output = models.apply(self.module, model, noisy)[0]
        return losses.LOSSES[self.spec.loss](output.recon, target)

    def _tx(self, hparams: Hparams) -> optax.GradientTransformation:
        return optimiser.make(self.config.optim, hparams, self.steps)


def _scores(
    spec: Score, denoiser: Denoiser, image: jax.Array, output: Output
) -> tuple[dict[str, jax.Array], dict[str, jax.Array]]:
    """Scores of the network's output and masks, and their maps (B, H, W)."""
    values, maps = {}, {}
    for name in filter(of_denoiser, spec.names):
        kind = "mse"
        what, _, rest = name.partition("_")
        if what == "smooth":
            given, kind = output.recon, rest or kind
        elif what == "superposed":  # the image, and the image with the mask on it
            given = image + output.latent[:, -1]
        elif rest.isdecimal():
            given = output.latent[:, sorted(set(denoiser.taps)).index(int(rest))]
        else:
            given, kind = output.latent[:, -1], rest or kind
        maps[name] = residual.smoothed(residual.MAPS[kind](given, image), spec.blur)
        values[name] = residual.reduced(kind, maps[name], spec.top)
    return values, maps
