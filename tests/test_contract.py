"""The contract of methods and models, held by every variant."""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxad import methods, metrics, models
from jaxad.batches import TrainData, order, take
from jaxad.carry import chosen
from jaxad.config import (
    Classifier,
    Config,
    Conv,
    Corrupt,
    Dcgan,
    Deep,
    Denoiser,
    Draem,
    Linear,
    Loss,
    Optim,
    Score,
    Strided,
    Train,
    Vae,
    stages,
)
from jaxad.config.scoring import OWN_SCORES
from jaxad.config.traced import blank, traced
from jaxad.methods import ANOMALOUS
from jaxad.models import Mode
from jaxad.program import program
from jaxad.scoring import Scorer
from jaxad.types import Batch, Output

SIDE, BATCH = 12, 8
NOISE = Corrupt(level=0.3, fraction=0.8)
RICH = Optim(kind="adamw", weight_decay=0.1, clip=0.5, schedule="cosine", warmup=0.2)
SMALL = {
    "linear": Config(model=Linear(latent_dim=4), optim=Optim(kind="sgd", momentum=0.5)),
    "deep": Config(
        model=Deep(hidden=(16, 8), latent_dim=4, dropout=0.2),
        corrupt=dataclasses.replace(NOISE, target="corrupted"),
        loss=Loss(kind="bce", l1=0.01, l2=0.01),
        optim=RICH,
        train=Train(ema=0.9),
    ),
    "conv": Config(
        model=Conv(channels=(4, 3), batch_norm=True, dropout=0.1),
        corrupt=dataclasses.replace(NOISE, kind="gaussian"),
        loss=Loss(kind="mae"),
        optim=Optim(kind="rmsprop", momentum=0.3),
    ),
    "conv_latent": Config(
        model=Conv(channels=(3,), latent_dim=5, activation="tanh"),
        corrupt=dataclasses.replace(NOISE, kind="poisson", level=0.1),
        loss=Loss(kind="ssim"),
    ),
    "strided": Config(
        model=Strided(channels=(3, 4), kernel_size=3, latent_dim=5, dropout=0.1)
    ),
    "denoiser": Config(
        model=Linear(latent_dim=4),
        denoiser=Denoiser(depth=3, width=4, taps=(1,), train=Train(ema=0.9)),
    ),
    "vae": Config(
        model=Vae(channels=(3, 4), kernel_size=3, latent_dim=5),
        loss=Loss(kind="elbo", beta=0.5),
    ),
    "cnn": Config(
        model=Classifier(channels=(4, 3), hidden=6, batch_norm=True, dropout=0.2),
        loss=Loss(kind="bce", l2=0.01),
        optim=Optim(kind="rmsprop", momentum=0.3),
        train=Train(ema=0.9),
        score=Score(names=("logit",)),
    ),
    "dcgan": Config(
        model=Dcgan(
            channels=(3, 4),
            kernel_size=4,
            latent_dim=5,
            discriminator_steps=2,
            smoothing=0.1,
        ),
        score=Score(names=("encoder",)),
    ),
    "draem": Config(
        model=Draem(
            recon=(3,),
            segment=(3, 4),
            shapes=("piece", "spot"),
            fillings=("flat", "recoloured"),
            window=3,
        ),
        score=Score(names=OWN_SCORES["draem"]),
    ),
}
ALL = pytest.mark.parametrize("name", SMALL)


def names(config):
    """All scores of residuals that a model of this head may have, or its own ones."""
    if config.model.kind in OWN_SCORES:
        return OWN_SCORES[config.model.kind]
    ends = ("bce",) if config.model.head == "sigmoid" else ()
    ends += ("elbo",) if config.loss.kind == "elbo" else ()
    if config.denoiser is not None:
        ends += ("smooth", "smooth_mae", "smooth_ssim", "smooth_top", "mask")
        ends += ("mask_mae", "mask_top", "mask_1", "superposed")
    return ("mse", "mae", "ssim", "top", *ends)


def batch(seed=0, size=BATCH):
    image = jax.random.uniform(jax.random.key(seed), (size, SIDE, SIDE, 1))
    label = jnp.zeros(size, jnp.int32)
    return Batch(image, label, label == 0)


class Case:
    """A method with its hyper-parameters and jitted functions, shared by the tests.

    A later stage stands behind an untrained model of the first.
    """

    def __init__(self, config):
        first = stages.before(config)
        score = Score(names=names(config), samples=0, search_steps=3)
        config = dataclasses.replace(config, score=score)
        config = stages.last(config)
        epochs = dataclasses.replace(config.train, epochs=2, batch_size=BATCH)
        config = dataclasses.replace(config, train=epochs)
        self.config = blank(config)
        self.hparams = {k: jnp.float32(v) for k, v in traced(config).items()}
        self.method = methods.build(self.config, steps=10)
        if self.method.labelled:
            self.hparams |= {ANOMALOUS: jnp.float32(0.2)}
        self.key, self.before = jax.random.key(1), None
        if first is not None:
            self.before = Case(first)
            self.method = self.method.after(self.before.state.model)
        self.init = jax.jit(self.method.init)
        self.step = jax.jit(self.method.step)
        self.state = self.init(self.key, self.hparams, batch())


@pytest.fixture(scope="module")
def cases():
    return {name: Case(config) for name, config in SMALL.items()}


def close(a, b, rtol=2e-5, atol=2e-6):
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol, atol), a, b)


def apart(a, b) -> bool:
    leaves = zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    return any(not np.array_equal(x, y) for x, y in leaves)


@ALL
def test_shapes_dtypes_and_finite_updates(cases, name):
    case = cases[name]
    state, info = case.step(case.key, case.hparams, case.state, batch())
    assert jax.tree.structure(state) == jax.tree.structure(case.state)
    for leaf, old in zip(
        jax.tree.leaves(state), jax.tree.leaves(case.state), strict=True
    ):
        assert (leaf.shape, leaf.dtype) == (old.shape, old.dtype)
        assert not leaf.weak_type
        assert np.isfinite(leaf).all()
    assert info["loss"] > 0
    assert info["grad_norm"] > 0
    assert info["count"] == BATCH
    scores = case.method.score(case.key, case.hparams, state.model, batch().image)
    assert all(x.shape == (BATCH,) for x in scores.values.values())
    assert all(x.shape == (BATCH, SIDE, SIDE) for x in scores.maps.values())
    assert set(scores.values) == set(names(case.config))
    if case.method.validate is None:
        return
    values = case.method.validate(case.key, case.hparams, state.model, batch())
    assert values.shape == (BATCH,)
    assert np.isfinite(values).all()


@ALL
def test_jit_equals_eager(cases, name):
    case = cases[name]
    arguments = (case.key, case.hparams, case.state.model, batch(size=2).image)
    close(jax.jit(case.method.score)(*arguments), case.method.score(*arguments))
    if name == "linear":  # op by op, the draws of the others compile for long
        arguments = (case.key, case.hparams, case.state, batch())
        close(case.step(*arguments), case.method.step(*arguments))


@ALL
def test_members_of_vmap_equal_a_loop(cases, name):
    case = cases[name]
    rates = jnp.float32([1e-3, 3e-3])
    keys = jax.random.split(case.key, 2)

    def info(key, rate, state):
        hparams = {**case.hparams, "optim.lr": rate}
        return case.method.step(key, hparams, state, batch())[1]

    together = jax.jit(jax.vmap(info, (0, 0, None)))(keys, rates, case.state)
    one = jax.jit(info)
    for i in range(2):
        member = jax.tree.map(lambda leaf, i=i: leaf[i], together)
        alone = one(keys[i], rates[i], case.state)
        # A synthetic defect ends at a threshold: rounding may move a pixel of it.
        rough = {"rtol": 0.05} if name == "draem" else {}
        close(member, alone, **rough)


@ALL
def test_every_traced_number_has_an_effect(cases, name):
    case = cases[name]
    first = case.step(case.key, case.hparams, case.state, batch())[0]
    base = case.step(case.key, case.hparams, first, batch(1))[0]
    unused = {"optim.b1"} if case.config.optim.kind == "rmsprop" else set()
    unused |= {"optim.b1", "optim.b2"} if case.config.optim.kind == "sgd" else set()
    # A later stage reads them as its own `optim` and `train`.
    unused |= {k for k in case.hparams if k.startswith(("denoiser.o", "denoiser.t"))}
    for changed in case.hparams.keys() - unused - {"train.ema"}:
        hparams = {**case.hparams, changed: case.hparams[changed] * 0.6}
        first = case.step(case.key, hparams, case.state, batch())[0]
        other = case.step(case.key, hparams, first, batch(1))[0]
        assert apart(base.model, other.model), changed
    assert case.step._cache_size() == 1


@ALL
def test_a_score_ignores_its_batch(cases, name):
    case = cases[name]
    spec = dataclasses.replace(case.config.score, block=16)
    scorer = Scorer(case.method, case.key, case.hparams, spec)
    image = np.asarray(batch(3, 40).image)
    order = np.random.default_rng(0).permutation(40)
    whole = scorer.values(case.state.model, image)
    mixed = scorer.values(case.state.model, image[order])
    alone = scorer.values(case.state.model, image[7:8])
    assert tuple(whole) == spec.names
    for score, values in whole.items():
        np.testing.assert_array_equal(values[order], mixed[score])
        np.testing.assert_array_equal(values[7:8], alone[score])
    if case.method.output is None:
        return
    recon = case.method.output(case.key, case.hparams, case.state.model, image).recon
    error = np.mean((np.asarray(recon) - image) ** 2, (1, 2, 3))
    own = {"dcgan": "residual", "draem": "defect_mse"}.get(name, "mse")
    np.testing.assert_allclose(whole[own], error, rtol=1e-4)


@ALL
def test_cuts_change_no_byte_and_compile_once(cases, name):
    case = cases[name]
    image = np.asarray(jax.random.uniform(case.key, (21, SIDE, SIDE, 1)) * 255)
    image = jnp.asarray(image.astype(np.uint8))
    rows, label = jnp.arange(21, dtype=jnp.int32), jnp.zeros(21, jnp.int32)
    data = TrainData(image, label, rows, image[:5], label[:5], rows[:5])
    prog = program(case.method, case.config, 21, block=4)
    assert prog.steps == 3
    segment = jax.jit(prog.segment)
    start = jax.jit(prog.start)(case.key, case.hparams, data)

    def run(cuts):
        carry = start
        for epoch, first, last in cuts:
            bounds = (jnp.int32(epoch), jnp.int32(first), jnp.int32(last))
            carry = segment(case.key, case.hparams, data, carry, *bounds)
        return carry

    whole = run([(0, 0, 3), (1, 0, 3)])
    pieces = run([(0, 0, 1), (0, 1, 3), (1, 0, 2), (1, 2, 2), (1, 2, 3)])
    jax.tree.map(np.testing.assert_array_equal, whole, pieces)
    assert segment._cache_size() == 1
    checked = "train_loss" if case.method.validate is None else "val_loss"
    assert np.isfinite(whole.history[checked]).all()
    assert whole.best_epoch >= 0
    if name == "linear":
        at_once = jax.jit(prog.fit)(case.key, case.hparams, data)
        close(whole.history, at_once.history)
    model = chosen(case.config, whole)
    assert apart(model, start.state.model)
    if "train.ema" in case.hparams:
        hparams = {**case.hparams, "train.ema": jnp.float32(0.05)}
        bounds = (jnp.int32(0), jnp.int32(0), jnp.int32(3))
        other = segment(case.key, hparams, data, start, *bounds)
        assert apart(other.average, run([(0, 0, 3)]).average)


HALVES = pytest.mark.parametrize(
    "name", ["deep", "conv", "vae", "denoiser", "cnn", "draem"]
)


@HALVES
def test_half_precision_is_of_the_layers_alone(cases, name):
    """Layers in bfloat16; parameters, losses, scores float32, and near to those of
    float32. Nothing falls back to float32 by promotion, which the suite forbids."""
    case, given = cases[name], batch()
    own = stages._with(case.config.train, precision="bfloat16")
    half = methods.build(stages._with(case.config, train=own), 10)
    if case.before is not None:
        half = half.after(case.before.state.model)
    state, info = jax.jit(half.step)(case.key, case.hparams, case.state, given)
    whole, told = case.step(case.key, case.hparams, case.state, given)
    for leaf, other in zip(*map(jax.tree.leaves, (state, whole)), strict=True):
        assert leaf.dtype == other.dtype
        assert np.isfinite(leaf).all()
    assert info["loss"].dtype == jnp.float32
    np.testing.assert_allclose(info["loss"], told["loss"], rtol=0.1)
    assert apart(state.model, whole.model)
    model, image = case.state.model, given.image
    found, exact = (
        jax.jit(method.score)(case.key, case.hparams, model, image).values
        for method in (half, case.method)
    )
    for key, values in found.items():
        assert values.dtype == jnp.float32
        np.testing.assert_allclose(values, exact[key], rtol=0.2, atol=0.03, err_msg=key)
    text = str(jax.make_jaxpr(half.score)(case.key, case.hparams, model, image))
    assert "bf16" in text


def test_padding_and_devices_change_no_gradient_score_or_metric():
    """One device, a mesh, pmap and the batch without its padding, with batch norm."""
    if jax.device_count() < 2:
        pytest.skip("needs two devices")
    config = dataclasses.replace(SMALL["conv"], corrupt=Corrupt())
    config = dataclasses.replace(
        config, model=Conv(channels=(4, 3), batch_norm=True), optim=Optim(kind="sgd")
    )
    case = Case(config)
    whole = batch()._replace(valid=jnp.arange(BATCH) < 6)
    single = case.step(case.key, case.hparams, case.state, whole)[0].model
    small = jax.tree.map(lambda x: None if x is None else x[:6], whole)
    close(single, case.step(case.key, case.hparams, case.state, small)[0].model)

    def step(state, part):
        return case.method.step(case.key, case.hparams, state, part, "data")[0].model

    mesh = jax.make_mesh(
        (2,),
        ("data",),
        axis_types=(jax.sharding.AxisType.Auto,),
        devices=jax.devices()[:2],
    )
    spec = jax.sharding.PartitionSpec
    sharding = {"in_specs": (spec(), spec("data")), "out_specs": spec()}
    sharded = jax.jit(jax.shard_map(step, mesh=mesh, check_vma=False, **sharding))(
        case.state, whole
    )
    close(single, sharded)
    parts = jax.tree.map(
        lambda x: None if x is None else x.reshape(2, -1, *x.shape[1:]), whole
    )
    mapped = jax.pmap(
        step, axis_name="data", in_axes=(None, 0), devices=jax.devices()[:2]
    )
    close(single, jax.tree.map(lambda x: x[1], mapped(case.state, parts)))

    def values(state, image):
        return case.method.score(case.key, case.hparams, state.model, image).values

    alone = jax.jit(values)(case.state, whole.image)
    own = {"in_specs": (spec(), spec("data")), "out_specs": spec("data")}
    laid = jax.jit(jax.shard_map(values, mesh=mesh, check_vma=False, **own))
    both = jax.pmap(values, in_axes=(None, 0), devices=jax.devices()[:2])
    label = np.arange(BATCH) % 2
    for found in (laid(case.state, whole.image), both(case.state, parts.image)):
        for name, value in found.items():
            value = np.asarray(value).reshape(-1)
            np.testing.assert_allclose(value, alone[name], 1e-6, err_msg=name)
            ours, theirs = (metrics.auroc(x, label) for x in (value, alone[name]))
            assert ours == theirs


class Own(nn.Module):
    """A module as a user would write it: no config, no Mode."""

    @nn.compact
    def __call__(self, image, train=False):
        x = nn.Dense(3)(image.reshape(image.shape[0], -1))
        x = nn.BatchNorm(use_running_average=not train)(x)
        return nn.Dense(image[0].size)(x).reshape(image.shape)


def test_a_module_of_ones_own():
    config = Config()
    hparams = {k: jnp.float32(v) for k, v in traced(config).items()}
    method = methods.reconstruction(Own(), blank(config))
    state = method.init(jax.random.key(0), hparams, batch())
    new, info = jax.jit(method.step)(jax.random.key(0), hparams, state, batch())
    assert apart(new.model["batch_stats"], state.model["batch_stats"])
    assert np.isfinite(info["loss"])
    values = method.score(jax.random.key(0), hparams, new.model, batch().image).values
    assert values["mse"].shape == (BATCH,)


def test_padding_shows_a_module_without_a_mask_only_real_images():
    rows = jnp.arange(3, dtype=jnp.int32)
    train = Train(batch_size=8)
    padded = order(jax.random.key(0), jnp.int32(0), rows, 1, train)
    batch_rows = take(jnp.arange(3.0), rows, padded[0])
    assert sorted(batch_rows.image[batch_rows.valid].tolist()) == [0, 1, 2]
    assert np.unique(batch_rows.image, return_counts=True)[1].min() >= 2
    assert batch_rows.valid.sum() == 3


@pytest.mark.parametrize("size", [(7, 9), (28, 28), (13, 8)])
def test_the_convolutional_model_takes_any_size(size):
    module = models.build(Conv(channels=(4, 3, 2)))
    image = jnp.zeros((2, *size, 3))
    output, _ = models.apply(
        module, models.init(module, jax.random.key(0), image), image
    )
    assert isinstance(output, Output)
    assert output.recon.shape == image.shape


def test_dropout_keeps_the_mean_and_is_off_when_scoring():
    from jaxad.models.layers import Dropout

    x = jnp.ones((200, 200))
    mode, rngs = (
        Mode(train=True, dropout=jnp.float32(0.3)),
        {"dropout": jax.random.key(0)},
    )
    dropped = Dropout().apply({}, x, mode, rngs=rngs)
    assert abs(float((dropped == 0).mean()) - 0.3) < 0.01
    assert abs(float(dropped.mean()) - 1) < 0.02
    assert (Dropout().apply({}, x, mode._replace(train=False)) == x).all()
