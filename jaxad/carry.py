"""What a run carries from step to step, and what becomes of it."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxad.config import Config
from jaxad.types import State

RUNNING, DIVERGED, COLLAPSED = 0, 1, 2


class Carry(NamedTuple):
    """All that goes from segment to segment, and all that a checkpoint holds.

    average: moving average of the model, None where it is off.
    best: the model of the best epoch so far; best_value, best_epoch: () its validation
        loss and 0-based epoch (-1: none yet).
    waited: () int32, epochs since the best one. stopped: () bool.
    status: () int32, RUNNING, DIVERGED or COLLAPSED; status_step: () when it came.
    sums: running sums of the epoch's info, weighted by examples; weight: their number.
    """

    state: State
    average: Any
    best: Any
    best_value: jax.Array
    best_epoch: jax.Array
    waited: jax.Array
    stopped: jax.Array
    status: jax.Array
    status_step: jax.Array
    sums: dict[str, jax.Array]
    weight: jax.Array
    history: dict[str, jax.Array]


def chosen(config: Config, carry: Carry) -> Any:
    """The model a run ends with: the best epoch's, or the last one (averaged)."""
    last = carry.state.model if carry.average is None else carry.average
    if config.train.select == "last":
        return last
    none_yet = carry.best_epoch < 0
    return jax.tree.map(lambda a, b: jnp.where(none_yet, a, b), last, carry.best)


def going(carry: Carry) -> jax.Array:
    """Whether a run has neither failed nor stopped."""
    return (carry.status == RUNNING) & ~carry.stopped


def finite(tree: Any) -> jax.Array:
    """Whether all numbers of a tree are finite."""
    good = jax.tree.map(lambda leaf: jnp.all(jnp.isfinite(leaf)), tree)
    return jnp.all(jnp.stack(jax.tree.leaves(good)))
