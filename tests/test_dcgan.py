"""The GAN: its losses, what it draws and scores, and its images as training data."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxad
from jaxad import cli, generated, methods, models
from jaxad.batches import on_device
from jaxad.config import (
    Baselines,
    Classifier,
    Config,
    Data,
    Dcgan,
    Defects,
    FixedFpr,
    Generated,
    Linear,
    Loss,
    Optim,
    Score,
    Threshold,
    Train,
)
from jaxad.config.scoring import OWN_SCORES
from jaxad.config.traced import blank, traced
from jaxad.data import from_arrays
from jaxad.errors import ConfigError, DataError
from jaxad.models import Mode
from jaxad.models.dcgan import apply_part, part_of
from jaxad.report import plots
from jaxad.streams import stream
from jaxad.types import Batch

RATE = 0.1
CONFIG = Config(
    model=Dcgan(channels=(4, 6), latent_dim=5, kernel_size=4),
    optim=Optim(b1=0.5),
    train=Train(epochs=3, batch_size=16),
    score=Score(names=OWN_SCORES["dcgan"], search_steps=4, block=32),
    threshold=Threshold(rules=(FixedFpr(rate=0.1),)),
    baselines=Baselines(names=()),
)
TAUGHT = Data(protocol=Defects(tune=0.25, train=0.4))
PLAIN = dataclasses.replace(CONFIG, model=Linear(latent_dim=4), score=Score())


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 90, (100, 8, 8, 1)).astype(np.uint8)
    label = (np.arange(100) % 4 == 0).astype(np.int32)
    image[label == 0, 1:4, 1:4] += 150
    image[label == 1, 4:7, 3:6] += 150
    return image, label


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("dcgan") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jaxad.run.draw", lambda path: [])
        return jaxad.train(CONFIG, data, out=path, quiet=True)


def with_generated(config, run, **changes):
    new = dataclasses.replace(config.data, generated=Generated(str(run.path), 70))
    return dataclasses.replace(config, data=dataclasses.replace(new, **changes))


def made(**changes):
    """A method that trains by plain descent, its numbers, a state and a batch."""
    spec = dataclasses.replace(CONFIG.model, **changes)
    config = dataclasses.replace(CONFIG, model=spec, optim=Optim(kind="sgd", lr=RATE))
    hparams = {name: jnp.float32(value) for name, value in traced(config).items()}
    method = methods.build(blank(config), steps=10)
    image = jax.random.uniform(jax.random.key(0), (8, 8, 8, 1))
    label = jnp.zeros(8, jnp.int32)
    batch = Batch(image, label, label == 0)
    state = jax.jit(method.init)(jax.random.key(1), hparams, batch)
    return method, hparams, state, batch


def close(a, b, atol=2e-6):
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, 2e-5, atol), a, b)


@pytest.mark.parametrize(("loss", "count"), [("minimax", 1), ("non_saturating", 3)])
def test_a_step_descends_the_losses_as_they_are_defined(loss, count):
    method, hparams, state, batch = made(
        generator_loss=loss, discriminator_steps=count, smoothing=0.1
    )
    key, module = jax.random.key(2), models.build(CONFIG.model)
    parts = {n: part_of(state.model, n) for n in ("generator", "discriminator")}

    def network(name, params, given):
        variables = {**parts[name], "params": params}
        return apply_part(module, name, variables, given, Mode(train=True))[0]

    def real(params, image):
        return jax.nn.sigmoid(network("discriminator", params, image)[0])

    def fakes(params, key):
        return network("generator", params, jax.random.normal(key, (8, 5)))

    def judge(params, fake):  # eq. 3, real images being so with .9
        yes, no = real(params, batch.image), real(params, fake)
        some = 0.9 * jnp.log(yes) + 0.1 * jnp.log(1 - yes)
        value = -0.5 * jnp.mean(some) - 0.5 * jnp.mean(jnp.log(1 - no))
        return value, (value, yes.mean(), no.mean())

    def draw(params, judging):  # eq. 4 and eq. 6
        fake = real(judging, fakes(params, stream(key, "sample")))
        wanted = jnp.log(1 - fake) if loss == "minimax" else -jnp.log(fake)
        return 0.5 * jnp.mean(wanted)

    def descended(params, grads):
        return jax.tree.map(lambda p, g: p - RATE * g, params, grads)

    def expected():
        drawer, judging = (part["params"] for part in parts.values())
        for own in jax.random.split(stream(key, "discriminator"), count):
            fake = fakes(drawer, own)
            grads, seen = jax.grad(judge, has_aux=True)(judging, fake)
            judging = descended(judging, grads)
        value, grads = jax.value_and_grad(draw)(drawer, judging)
        return judging, descended(drawer, grads), (*seen, value)

    new, info = jax.jit(method.step)(key, hparams, state, batch)
    names = ("loss", "d_real", "d_fake", "generator_loss")
    params = (new.model["params"][name] for name in ("discriminator", "generator"))
    close((*params, tuple(info[name] for name in names)), jax.jit(expected)())


def test_padding_and_devices_change_nothing():
    if jax.device_count() < 2:
        pytest.skip("needs two devices")
    method, hparams, state, batch = made()
    key = jax.random.key(2)
    whole = batch._replace(valid=jnp.arange(8) < 6)

    def step(state, part, axis_name=None):
        return method.step(key, hparams, state, part, axis_name)

    few = jax.tree.map(lambda x: None if x is None else x[:6], whole)
    one = jax.jit(step)(state, few)
    spec = jax.sharding.PartitionSpec
    mesh = jax.make_mesh((2,), ("data",), (jax.sharding.AxisType.Auto,))
    sharding = {"in_specs": (spec(), spec("data")), "out_specs": spec()}
    sharded = jax.shard_map(
        lambda *given: step(*given, "data"), mesh=mesh, check_vma=False, **sharding
    )
    close(one, jax.jit(sharded)(state, whole))


def test_the_networks_are_those_of_their_paper():
    spec = Dcgan(channels=(4, 6, 8), latent_dim=5)
    module, key = models.build(spec), jax.random.key(0)
    image = jnp.zeros((2, 16, 24, 3))
    variables = jax.eval_shape(lambda: models.init(module, key, image))
    params = variables["params"]
    assert params["generator"]["project"].shape == (5, 2, 3, 8)
    kernels = [params["generator"][f"_Doubling_{i}"]["kernel"].shape for i in range(3)]
    assert kernels == [(5, 5, 8, 6), (5, 5, 6, 4), (5, 5, 4, 3)]
    stats = variables["batch_stats"]
    assert len(stats["generator"]) == 1 + 2
    assert len(stats["discriminator"]) == 2  # none on its first layer
    recon = jax.eval_shape(lambda v: models.apply(module, v, image)[0].recon, variables)
    assert recon.shape == image.shape
    judge = part_of(variables, "discriminator")
    logit, features = jax.eval_shape(
        lambda v: apply_part(module, "discriminator", v, image)[0], judge
    )
    assert (logit.shape, features.shape) == ((2,), (2, 2, 3, 8))
    with pytest.raises(ConfigError, match="multiples of 8, not 12x16"):
        models.init(module, key, jnp.zeros((1, 12, 16, 1)))


def test_a_run_has_its_losses_scores_and_samples(run, data):
    history = run.history
    for name in ("train_loss", "generator_loss", "encoder_loss", "d_real", "d_fake"):
        assert np.isfinite(history[name]).all()
    assert np.isnan(history["val_loss"]).all()
    # Nothing to validate: the model that is kept is the last one.
    assert run.metrics["fit"]["best_epoch"] == 3
    assert set(run.metrics["image"]) == set(OWN_SCORES["dcgan"])
    found = jaxad.score(run, data[0][:5])
    assert set(found.maps) == {"encoder", "residual", "search"}
    values = found.values
    np.testing.assert_allclose(
        values["encoder"], values["residual"] + values["features"], rtol=1e-5
    )
    paths = {path.name for path in plots.draw(run.path)}
    assert {"samples.png", "loss.png", "reconstructions.png"} <= paths


def test_a_longer_search_finds_nearer_latents(run, data):
    image = data[0][:8] / np.float32(255)
    score = Score(names=("search",), search_steps=60)
    config = blank(dataclasses.replace(CONFIG, score=score))
    hparams = {name: jnp.float32(value) for name, value in traced(CONFIG).items()}
    method, key = methods.build(config, steps=1), jax.random.key(0)
    longer = jax.jit(method.score)(key, hparams, run.state.model, image)
    assert (longer.values["search"] < jaxad.score(run, image).values["search"]).all()


def test_samples_are_images_and_the_first_of_more(run):
    few, many = jaxad.sample(run, 3, seed=1), jaxad.sample(run, 70, seed=1)
    assert many.shape == (70, 8, 8, 1)
    assert many.dtype == np.float32
    assert 0 <= many.min() < many.max() <= 1
    np.testing.assert_array_equal(few, many[:3])
    assert not np.array_equal(few, jaxad.sample(run, 3, seed=2))


def test_generated_images_join_the_training_alone(run, data):
    config = with_generated(PLAIN, run)
    source, maker = generated.load_for(config.data, data)
    assert source.fingerprint != from_arrays(*data).fingerprint
    plain = generated.split(source, None, config)
    splits = generated.split(source, maker, config)
    for part in ("val", "test"):
        for a, b in zip(getattr(splits, part), getattr(plain, part), strict=True):
            np.testing.assert_array_equal(a, b)
    count = len(plain.train.id)
    train = splits.train
    assert (len(train.id), train.image.dtype) == (count + 70, np.uint8)
    np.testing.assert_array_equal(train.image[:count], plain.train.image)
    drawn = jaxad.sample(run, 70, config.split_seed)
    np.testing.assert_array_equal(train.image[count:], np.rint(drawn * 255))
    assert (train.label == 0).all()
    sizes = jaxad.data.counts(source, splits, config.data)
    assert sizes["unused"]["normal"] == 0
    assert sizes["train"]["defects"] == {"generated": 70}
    other = with_generated(PLAIN, run, seed=5)
    with pytest.raises(DataError, match="may have been trained on"):
        generated.split(source, maker, other)


def test_an_autoencoder_learns_from_them_and_knows_their_run(
    run, data, tmp_path, monkeypatch
):
    monkeypatch.setattr("jaxad.run.draw", lambda path: [])
    config = with_generated(PLAIN, run)
    path = tmp_path / "ae"
    done = jaxad.train(config, data, out=path, quiet=True)
    env = jaxad.report.read(path).env
    alone = len(generated.split(from_arrays(*data), None, config).train.id)
    assert env["examples"] == alone + 70
    with pytest.raises(ConfigError, match="kind linear draws no images"):
        jaxad.sample(done, 1)
    with pytest.raises(DataError, match="trained on generated images itself"):
        generated.load_for(with_generated(PLAIN, done).data, data)
    changed = dataclasses.replace(
        run,
        state=run.state._replace(model=jax.tree.map(lambda x: x + 1, run.state.model)),
    )
    monkeypatch.setattr(generated, "load_run", lambda path: changed)
    with pytest.raises(ConfigError, match="another run is there"):
        jaxad.train(config, data, out=path, quiet=True, resume=True)


@pytest.fixture(scope="module")
def defects(data, tmp_path_factory):
    """A run that learns the anomalous images alone: 10, fewer than its batch has."""
    path = tmp_path_factory.mktemp("defects") / "run"
    model = dataclasses.replace(CONFIG.model, of="anomalous")
    config = dataclasses.replace(CONFIG, model=model, data=TAUGHT)
    config = dataclasses.replace(
        config, train=Train(epochs=2, batch_size=16), score=Score(("discriminator",))
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jaxad.run.draw", lambda path: [])
        return jaxad.train(config, data, out=path, quiet=True)


def test_a_gan_of_defects_sees_nothing_else(defects, data):
    config = defects.config
    splits = generated.split(from_arrays(*data), None, config)
    taught = splits.labelled
    seen = on_device(splits, methods.labelled(config))
    np.testing.assert_array_equal(seen.image, taught.image[taught.label == 1])
    assert len(seen.rows) == jaxad.report.read(defects.path).env["examples"] == 10
    assert np.isfinite(defects.history["generator_loss"]).all()
    # What it takes for one of its own is anomalous.
    image = jnp.asarray(data[0][:5] / np.float32(255))
    found = jaxad.score(defects, np.asarray(image))
    judge = part_of(defects.state.model, "discriminator")
    (logit, _), _ = apply_part(
        models.build(config.model), "discriminator", judge, image
    )
    np.testing.assert_allclose(found.values["discriminator"], logit, rtol=1e-4)
    assert not found.maps


def test_generated_defects_join_the_labelled_images_of_a_classifier(
    defects, data, tmp_path, monkeypatch
):
    monkeypatch.setattr("jaxad.run.draw", lambda path: [])
    taught = dataclasses.replace(
        PLAIN,
        data=TAUGHT,
        model=Classifier(channels=(4,), hidden=4),
        loss=Loss(kind="bce"),
        score=Score(("logit",)),
        train=Train(epochs=1, batch_size=16),
    )
    config = with_generated(taught, defects)
    source, maker = generated.load_for(config.data, data)
    plain = generated.split(source, None, taught)
    splits = generated.split(source, maker, config)
    for part in ("train", "val", "test"):
        for a, b in zip(getattr(splits, part), getattr(plain, part), strict=True):
            np.testing.assert_array_equal(a, b)
    count, more = len(plain.labelled.id), splits.labelled
    np.testing.assert_array_equal(more.image[:count], plain.labelled.image)
    drawn = jaxad.sample(defects, 70, config.split_seed)
    np.testing.assert_array_equal(more.image[count:], np.rint(drawn * 255))
    np.testing.assert_array_equal(more.label[count:], 1)
    done = jaxad.train(config, data, out=tmp_path / "cnn", quiet=True)
    env = jaxad.report.read(done.path).env
    assert env["examples"] == len(plain.train.id) + count + 70
    assert env["images"]["labelled"]["defects"]["generated"] == 70
    with pytest.raises(ConfigError, match="learns from normal ones alone"):
        generated.split(source, maker, with_generated(PLAIN, defects))
    for changes in ({"seed": 5}, {"protocol": Defects(tune=0.25, train=0.2)}):
        other = with_generated(taught, defects, **changes)
        with pytest.raises(DataError, match="may have been trained on"):
            generated.split(source, maker, other)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ("--score.names mse", "model.kind dcgan has no score mse"),
        (
            "--corrupt.level 0.1 --score.names encoder",
            "corrupt.level is of autoencoders",
        ),
        ("--train.patience 3 --score.names encoder", "model.kind dcgan has none"),
        ("--score.names encoder", "multiples of 16, not 28x28"),
        ("--score.names encoder --data.generated.run nowhere", "is not a run folder"),
    ],
)
def test_what_it_cannot_do_is_one_line(options, complaint, capsys, tmp_path):
    given = f"--model.kind dcgan {options} --data.limit 40 --out {tmp_path / 'run'}"
    assert cli.main(["train", *given.split()]) in (2, 3)
    error = capsys.readouterr().err.strip().splitlines()
    assert complaint in error[-1]
