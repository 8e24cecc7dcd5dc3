"""Between a tree of arrays and its leaves by name."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from jaxad.checkpoint.files import Arrays
from jaxad.errors import CheckpointError


def named_leaves(tree: Any) -> dict[str, Any]:
    """The leaves by the dotted names of their places in the tree.

    Raises ValueError where two names agree.
    """
    keystr = jax.tree_util.keystr
    found = jax.tree_util.tree_flatten_with_path(tree)[0]
    named = {keystr(k, simple=True, separator=".") or "leaf": x for k, x in found}
    if len(named) < len(found):
        raise ValueError("two leaves of the tree have the same dotted name")
    return named


def build(path: Path, template: Any, arrays: Arrays, subset: bool) -> Any:
    """Fresh device arrays in the form of the template.

    subset: `arrays` may hold more than the template asks for.
    Raises CheckpointError where a shape, a dtype or a name differs.
    """
    wanted = named_leaves(template)
    here = {name: (tuple(x.shape), str(x.dtype)) for name, x in wanted.items()}
    there = {name: (x.shape, str(x.dtype)) for name, x in arrays.items()}
    for name in sorted(here if subset else here | there):
        if here.get(name) != there.get(name):
            raise CheckpointError(
                f"{path}: the state has another form: {name} is "
                f"{_form(there.get(name))} there and {_form(here.get(name))} here; use "
                "the version of jaxad that saved it"
            )
    shardings = [
        x.sharding if isinstance(x, jax.ShapeDtypeStruct) else None
        for x in wanted.values()
    ]
    placed = jax.device_put([arrays[name] for name in wanted], shardings)
    # device_put may alias the host's memory on a CPU; a copy is the device's own.
    fresh = jax.jit(lambda leaves: [jnp.copy(x) for x in leaves])(placed)
    return jax.tree.unflatten(jax.tree.structure(template), fresh)


def _form(form: tuple[tuple[int, ...], str] | None) -> str:
    return "absent" if form is None else f"{form[1]}{list(form[0])}"
