"""The loop: early stopping, members that fail, the optimiser's pieces."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxad import methods
from jaxad.batches import TrainData
from jaxad.carry import COLLAPSED, DIVERGED, RUNNING, chosen
from jaxad.config import Augment, Config, Data, Linear, Optim, Train, blank, traced
from jaxad.errors import ConfigError
from jaxad.methods import optimiser
from jaxad.program import program

COUNT = 24


def setup(**groups):
    config = Config(model=Linear(latent_dim=3), **groups)
    static = blank(config)
    prog = program(methods.build(static, steps=30), static, COUNT, block=16)
    hparams = {name: jnp.float32(value) for name, value in traced(config).items()}
    image = jax.random.uniform(jax.random.key(5), (COUNT, 6, 6, 1))
    label, rows = jnp.zeros(COUNT, jnp.int32), jnp.arange(COUNT, dtype=jnp.int32)
    data = TrainData(image, label, rows, image[:8], label[:8], rows[:8])
    return static, prog, hparams, data


def test_a_failed_member_is_frozen_and_the_others_keep_every_bit():
    train = Train(epochs=3, batch_size=8)
    _, prog, hparams, data = setup(optim=Optim(kind="sgd"), train=train)
    key = jax.random.key(0)

    @jax.jit
    def members(rates):
        return jax.vmap(
            lambda rate: prog.fit(key, {**hparams, "optim.lr": rate}, data)
        )(rates)

    wild = members(jnp.float32([1e-2, 1e30, 1e-2]))
    tame = members(jnp.float32([1e-2, 1e-3, 1e-2]))
    assert wild.status.tolist() == [RUNNING, DIVERGED, RUNNING]
    assert 0 < int(wild.status_step[1]) < 4
    for member in (0, 2):
        jax.tree.map(
            lambda a, b, i=member: np.testing.assert_array_equal(a[i], b[i]), wild, tame
        )
    assert np.isnan(wild.history["val_loss"][1, 1:]).all()
    assert np.isfinite(wild.history["val_loss"][0]).all()


def test_a_zero_gradient_is_a_collapse():
    _, prog, hparams, data = setup(train=Train(epochs=1, batch_size=8))
    key = jax.random.key(0)
    carry = jax.jit(prog.start)(key, hparams, data)
    zero = jax.tree.map(jnp.zeros_like, carry.state.model)
    still = data._replace(image=jnp.zeros_like(data.image))
    carry = jax.jit(prog.start)(key, hparams, still, zero)
    bounds = (jnp.int32(0), jnp.int32(0), jnp.int32(3))
    carry = jax.jit(prog.segment)(key, hparams, still, carry, *bounds)
    assert (int(carry.status), int(carry.status_step)) == (COLLAPSED, 0)


def test_patience_stops_and_the_best_epoch_is_kept():
    train = Train(epochs=60, batch_size=8, patience=2)
    static, prog, hparams, data = setup(optim=Optim(lr=0.3), train=train)
    carry = jax.jit(prog.fit)(jax.random.key(0), hparams, data)
    val = np.asarray(carry.history["val_loss"])
    done = int(np.sum(~np.isnan(val)))
    best = int(carry.best_epoch)
    assert carry.stopped
    assert best == np.nanargmin(val) == done - 3
    assert done < 60
    kept = chosen(static, carry)
    jax.tree.map(np.testing.assert_array_equal, kept, carry.best)


def test_augmentation_changes_training_alone():
    train = Train(epochs=1, batch_size=8)
    results = []
    for spec in (Augment(), Augment(flip_horizontal=True, shift=1, brightness=0.2)):
        _, prog, hparams, data = setup(train=train, data=Data(augment=spec))
        results.append(jax.jit(prog.fit)(jax.random.key(0), hparams, data))
    plain, changed = (result.history["train_loss"][0] for result in results)
    assert plain != changed


def test_some_validation_images_are_those_evenly_spaced():
    train = Train(epochs=1, batch_size=8, validate=3)
    _, prog, hparams, data = setup(train=train)
    known = jnp.int32([0, 4, 7])
    losses = [
        jax.jit(prog.fit)(jax.random.key(0), hparams, given).history["val_loss"][0]
        for given in (data, data._replace(val_rows=known))
    ]
    assert losses[0] == losses[1]


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_schedules_are_unit_shapes(schedule):
    shape = optimiser.unit_schedule(Optim(schedule=schedule, warmup=0.2), 50)
    found = np.array([shape(jnp.int32(i)) for i in range(50)])
    np.testing.assert_allclose(found[:10], np.arange(1, 11) / 10, rtol=1e-6)
    golden = np.ones(40)
    if schedule == "cosine":
        golden = np.array([optax.cosine_decay_schedule(1.0, 40)(i) for i in range(40)])
    np.testing.assert_allclose(found[10:], golden, atol=1e-6)
    with pytest.raises(ConfigError, match="steps"):
        optimiser.unit_schedule(Optim(schedule="cosine"), None)


@pytest.mark.parametrize(
    ("spec", "golden"),
    [
        (Optim(kind="sgd", lr=0.1, momentum=0.5), optax.sgd(0.1, 0.5)),
        (Optim(kind="adam", lr=0.1, b1=0.8), optax.adam(0.1, 0.8)),
        (
            Optim(kind="adamw", lr=0.1, weight_decay=0.3, clip=0.5),
            optax.chain(
                optax.clip_by_global_norm(0.5),
                optax.adamw(0.1, weight_decay=0.3, mask={"w": True, "b": False}),
            ),
        ),
        (Optim(kind="rmsprop", lr=0.1, b2=0.9), optax.rmsprop(0.1, 0.9)),
    ],
)
def test_optimisers_are_optax(spec, golden):
    config = Config(optim=spec)
    hparams = {name: jnp.float32(value) for name, value in traced(config).items()}
    own = optimiser.make(blank(config).optim, hparams, None)
    params = {"w": jnp.ones((2, 3)), "b": jnp.ones(3)}
    grads = {"w": jnp.full((2, 3), 0.7), "b": jnp.array([0.1, -2.0, 0.0])}
    with jax.numpy_dtype_promotion("standard"):
        states = own.init(params), golden.init(params)
        for _ in range(3):
            updates, first = own.update(grads, states[0], params)
            expected, second = golden.update(grads, states[1], params)
            states = first, second
            jax.tree.map(
                lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7),
                updates,
                expected,
            )
