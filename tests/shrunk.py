"""Configs made small enough for a test to train them."""

from jaxad.config import set_values


def small(config):
    """The config with small networks, which compile fast."""
    kind, few = config.model.kind, {}
    if kind in ("strided", "vae"):  # deep ones compile for long
        few = {"model.kernel_size": 1, "model.channels": (4,)}
    if kind == "dcgan":
        few = {"model.channels": (4, 4), "model.kernel_size": 4}
        few |= {"score.search_steps": 1}
    if kind == "draem":
        few = {"model.recon": (4,), "model.segment": (4,), "score.views": "one"}
        few |= {"model.fillings": config.model.fillings[:2]}
    if kind == "conv":  # wide ones as well
        few = {"model.channels": tuple(min(8, n) for n in config.model.channels)}
    if config.denoiser is not None:
        few |= {"denoiser.depth": 6, "denoiser.width": 2, "denoiser.kernel_size": 1}
    return set_values(config, few)


def short(config):
    """A small config with an epoch of few images, and nothing beside its model."""
    few = {"train.epochs": 1, "train.batch_size": 8, "baselines.names": ()}
    few["data.limit"] = min(config.data.limit or 40, 40)
    if config.denoiser is not None:
        few |= {"denoiser.train.epochs": 1, "denoiser.train.batch_size": 8}
    if config.data.protocol.kind == "corrupted":
        few["data.protocol.curve"] = ()
    return set_values(small(config), few)
