"""A model's layers and sizes, and the memory of its training."""

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxad.batches import TrainData
from jaxad.carry import Carry
from jaxad.parts import Parts

_PARAMS = "params"


def layers(model: Any) -> list[dict[str, Any]]:
    """name, shapes (by name) and number of parameters of each layer, in the order of
    the model's tree. model: arrays, or their forms."""
    found: dict[str, dict[str, Any]] = {}
    for path, leaf in _parameters(model):
        *place, name = path
        row = found.setdefault(
            "/".join(place), {"name": "/".join(place), "shapes": {}, "parameters": 0}
        )
        row["shapes"][name] = list(leaf.shape)
        row["parameters"] += math.prod(leaf.shape)
    return list(found.values())


def _parameters(model: Any) -> list[tuple[list[str], Any]]:
    """Path and leaf of what is trained: below `params`, or all where there is none."""
    flat = jax.tree_util.tree_flatten_with_path(model)[0]
    named = [([_name(key) for key in path], leaf) for path, leaf in flat]
    own = [
        ([part for part in path if part != _PARAMS], leaf)
        for path, leaf in named
        if _PARAMS in path
    ]
    return own or named


def _name(key: Any) -> str:
    return str(getattr(key, "key", getattr(key, "name", getattr(key, "idx", key))))


def shapes(parts: Parts, model: Any, shape: tuple[int, ...]) -> dict[str, Any]:
    """Shapes of what becomes of one image: latent and recon, None where the method has
    none of it; scores and maps by name. Nothing is computed.

    model: as scoring reads it. shape: (H, W, C) of an image.
    """
    image = jax.ShapeDtypeStruct((1, *shape), jnp.float32)
    given = (parts.key, parts.hparams, model, image)
    scores = jax.eval_shape(parts.method.score, *given)
    found: dict[str, Any] = {"image": list(shape), "latent": None, "recon": None}
    if parts.method.output is not None:
        output = jax.eval_shape(parts.method.output, *given)
        found["recon"] = list(output.recon.shape[1:])
        if output.latent is not output.recon:
            found["latent"] = list(output.latent.shape[1:])
    found["scores"] = list(parts.config.score.names)
    found["maps"] = {name: list(map.shape[1:]) for name, map in scores.maps.items()}
    return found


def memory(carry: Carry, data: TrainData, compiled: Any, devices: int) -> dict:
    """Bytes on a device: of what is carried, of the images, and of the program.

    program: arguments (the images and what is carried among them), what it makes on the
    way, and results that do not take the place of arguments. None where the compiler
    says nothing. beside: copies of the model (best epoch, average).
    """
    found: dict[str, Any] = {
        "parameters": size(carry.state.model),
        "optimizer": size(carry.state.rest),
        "beside": size([carry.best, carry.average]),
        "images": size([data.image, data.val_image]),
        "program": None,
        "temporary": None,
    }
    told = compiled.memory_analysis()
    if told is not None:
        found["temporary"] = told.temp_size_in_bytes
        own = told.output_size_in_bytes - told.alias_size_in_bytes
        found["program"] = told.argument_size_in_bytes + told.temp_size_in_bytes + own
    return found | {"devices": devices}


def size(tree: Any) -> int:
    """Bytes of the arrays of a tree that are on a device, or in memory."""
    arrays = (jax.Array, np.ndarray)
    leaves = [leaf for leaf in jax.tree.leaves(tree) if isinstance(leaf, arrays)]
    return sum(leaf.nbytes for leaf in leaves)


def total(rows: Sequence[dict[str, Any]]) -> int:
    return sum(row["parameters"] for row in rows)
