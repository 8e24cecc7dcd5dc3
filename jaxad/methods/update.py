"""One step of gradient descent on a loss of examples, on one device or on many."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from jaxad.methods.base import Hparams
from jaxad.types import State

Loss = Callable[[Any], tuple[jax.Array, dict[str, Any]]]


def update(
    loss: Loss,
    tx: optax.GradientTransformation,
    hparams: Hparams,
    state: State,
    valid: jax.Array,
    axis_name: str | None = None,
) -> tuple[State, dict[str, jax.Array]]:
    """The state after one step, and scalars to log.

    loss: params -> loss of each example (B,), and the model with what else changes in
        it (batch statistics). Sums over valid examples are divided by their number on
        all devices of `axis_name`. state: of `tx`, on `model["params"]`. The penalties
        `loss.l1` and `loss.l2` are added to the gradient.
    """
    count = total(jnp.sum(valid.astype(jnp.float32)), axis_name)

    def objective(params):
        values, model = loss(params)
        mean = jnp.sum(jnp.where(valid, values, 0.0)) / jnp.maximum(count, 1.0)
        return mean, model

    params = state.model["params"]
    (value, model), grads = jax.value_and_grad(objective, has_aux=True)(params)
    value, grads = total((value, grads), axis_name)
    grads = _penalised(hparams, params, grads)
    updates, opt_state = tx.update(grads, state.rest, params)
    model = {**model, "params": optax.apply_updates(params, updates)}
    info = {"loss": value, "grad_norm": optax.tree.norm(grads), "count": count}
    return State(model, opt_state), info


def of_device(key: jax.Array, axis_name: str | None) -> jax.Array:
    """The key of this device's noise: each draws for its own examples."""
    if axis_name is None:
        return key
    return jax.random.fold_in(key, jax.lax.axis_index(axis_name))


def total(tree: Any, axis_name: str | None) -> Any:
    """The sum over the devices of a mapped axis."""
    return tree if axis_name is None else jax.lax.psum(tree, axis_name)


def _penalised(hparams: Hparams, params, grads):
    """Add the gradient of the penalties on kernels; biases and norms go free."""
    l1, l2 = hparams.get("loss.l1"), hparams.get("loss.l2")

    def add(grad, param):
        if param.ndim > 1 and l1 is not None:
            grad = grad + l1 * jnp.sign(param)
        if param.ndim > 1 and l2 is not None:
            grad = grad + l2 * param
        return grad

    return jax.tree.map(add, grads, params)
