"""Flax modules behind three functions; no other room knows Flax.

A model of one's own is any Linen module that takes `image` (B, H, W, C) and, if it
wants to, `mode: Mode` (or `train: bool`), and returns an `Output` or the recon alone.
"""

import inspect
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxad.config import models as specs
from jaxad.config.classifier import Classifier
from jaxad.config.dcgan import Dcgan
from jaxad.config.denoiser import Denoiser
from jaxad.config.draem import Draem
from jaxad.models.classifier import ConvClassifier
from jaxad.models.conv import ConvAE
from jaxad.models.convolution import conv2d
from jaxad.models.dcgan import DCGAN
from jaxad.models.deep import DeepAE
from jaxad.models.denoiser import RemezDenoiser
from jaxad.models.draem import DraemNet
from jaxad.models.layers import EVAL, Mode
from jaxad.models.linear import LinearAE
from jaxad.models.strided import StridedAE, VariationalAE
from jaxad.types import Output

FAMILIES: dict[type, type[nn.Module]] = {
    specs.Linear: LinearAE,
    specs.Deep: DeepAE,
    specs.Conv: ConvAE,
    specs.Strided: StridedAE,
    specs.Vae: VariationalAE,
    Denoiser: RemezDenoiser,
    Classifier: ConvClassifier,
    Dcgan: DCGAN,
    Draem: DraemNet,
}


class Half(NamedTuple):
    """A module whose layers compute in bfloat16; what goes in and comes out, its
    parameters and its batch statistics are float32."""

    module: nn.Module


Module = nn.Module | Half


def build(spec: Any) -> nn.Module:
    """The module of a spec."""
    return FAMILIES[type(spec)](spec)


def in_precision(module: nn.Module, precision: str) -> Module:
    """A module whose layers compute in `float32` or `bfloat16`."""
    return Half(module) if precision == "bfloat16" else module


def init(module: Module, key: jax.Array, image: jax.Array) -> dict[str, Any]:
    """Fresh variables: {"params": ..., and "batch_stats" where there are any}.

    image: (B, H, W, C) float32; only its shape and dtype matter.
    """
    if isinstance(module, Half):
        return init(module.module, key, image)
    keys = {"params": key, "dropout": key, "sample": key}
    return dict(module.init(keys, image, **_arguments(module, EVAL)))


def apply(
    module: Module,
    variables: dict[str, Any],
    image: jax.Array,
    mode: Mode = EVAL,
    key: jax.Array | None = None,
) -> tuple[Output, dict[str, Any]]:
    """Apply a module to image (B, H, W, C); also returns its updated variables.

    key: feeds dropout and sampling; needed where `mode` asks for them.
    """
    output, updated = call(module, variables, image, mode, key)
    output = output if isinstance(output, Output) else Output(output, output)
    return output, updated


def call(
    module: Module,
    variables: dict[str, Any],
    image: jax.Array,
    mode: Mode = EVAL,
    key: jax.Array | None = None,
) -> tuple[Any, dict[str, Any]]:
    """As `apply`, with what the module itself returns: it need not reconstruct."""
    if isinstance(module, Half):
        given = variables | {"params": _to(jnp.bfloat16, variables["params"])}
        image = _to(jnp.bfloat16, image)
        both = call(module.module, given, image, mode, key)
        # The gradient passes to the float32 parameters through their conversion.
        output, new = _to(jnp.float32, both)
        return output, {**new, "params": variables["params"]}
    rngs = None if key is None else {"dropout": key, "sample": key}
    kept = [name for name in variables if name != "params"] if mode.train else []
    arguments = _arguments(module, mode)
    output, updated = module.apply(
        variables, image, **arguments, rngs=rngs, mutable=kept
    )
    return output, {**variables, **updated}


def _to(dtype: Any, tree: Any) -> Any:
    """A tree with its floating-point numbers in another type."""

    def one(leaf: jax.Array) -> jax.Array:
        floats = jnp.issubdtype(leaf.dtype, jnp.floating)
        return leaf.astype(dtype) if floats else leaf

    return jax.tree.map(one, tree)


def _arguments(module: nn.Module, mode: Mode) -> dict[str, Any]:
    """What of `mode` the module's `__call__` asks for."""
    known = inspect.signature(type(module).__call__).parameters
    if "mode" in known:
        return {"mode": mode}
    return {"train": mode.train} if "train" in known else {}


__all__ = ["DCGAN", "FAMILIES", "ConvAE", "DeepAE", "DraemNet", "LinearAE", "Mode"]
__all__ += ["ConvClassifier", "RemezDenoiser", "StridedAE", "VariationalAE"]
__all__ += ["Half", "apply", "build", "call", "conv2d", "in_precision", "init"]
