"""Configs: exact JSON, traced numbers, overrides, and one clear line for bad ones."""

import dataclasses
import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from jaxad import config as configs
from jaxad import fitting
from jaxad.config import BLANK, Config, Conv, Corrupt, Deep, Linear, Optim
from jaxad.config.load import as_now, plain
from jaxad.config.names import leaves
from jaxad.errors import ConfigError

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"
FLOATS = {"allow_nan": False, "allow_infinity": False}


@st.composite
def some_config(draw):
    """A valid config in which many fields of every kind differ from the default."""
    unit = st.floats(0, 1, exclude_min=True, exclude_max=True, **FLOATS)
    positive = st.floats(0, 1e300, exclude_min=True, **FLOATS)
    size = st.integers(1, 2**40)
    sizes = st.lists(size, min_size=1, max_size=3).map(tuple)
    heads = st.sampled_from(["sigmoid", "linear"])
    models = st.one_of(
        st.builds(Linear, latent_dim=size, head=heads),
        st.builds(Deep, hidden=sizes, dropout=unit, batch_norm=st.booleans()),
        st.builds(Conv, channels=sizes, latent_dim=st.none() | size),
    )
    kinds_and_levels = st.one_of(
        st.tuples(st.just("masking"), unit), st.tuples(st.just("gaussian"), positive)
    )
    rules = st.one_of(
        st.builds(configs.MaxMargin, c=positive),
        st.builds(configs.ZScore, k=positive, sides=st.sampled_from(["lower", "both"])),
        st.builds(configs.FixedFpr, rate=unit),
        st.builds(configs.Cost, c_fp=positive, c_fn=positive),
    )
    model = draw(models)
    losses = ["mse", "bce"] if model.head == "sigmoid" else ["mse"]
    noise, level = draw(kinds_and_levels)
    return Config(
        model=model,
        loss=configs.Loss(kind=draw(st.sampled_from(losses))),
        optim=Optim(lr=draw(positive), b2=draw(unit), clip=draw(positive)),
        corrupt=Corrupt(kind=noise, level=level, fraction=draw(unit)),
        threshold=configs.Threshold(
            rules=tuple(draw(st.lists(rules, min_size=1, max_size=4)))
        ),
        data=configs.Data(
            protocol=configs.Corrupted(curve=tuple(draw(st.lists(unit)))),
            validation=draw(unit),
        ),
        train=configs.Train(patience=draw(st.none() | size), ema=draw(unit)),
        seed=draw(st.integers(0, 2**31 - 1)),
        name=draw(st.none() | st.from_regex(NAME, fullmatch=True)),
    )


@settings(max_examples=60, deadline=None)
@given(some_config())
def test_json_gives_the_same_config_back(config):
    text = configs.to_json(config)
    assert configs.from_json(text) == config
    assert configs.to_json(configs.from_json(text)) == text


@settings(max_examples=40, deadline=None)
@given(some_config(), some_config())
def test_set_values_with_the_leaves_of_another_config_makes_that_config(a, b):
    kinds = {"model.kind": b.model.kind, "threshold.rules": b.threshold.rules}
    values = {n: v for n, v in leaves(b) if not n.startswith("threshold.rules")}
    assert configs.set_values(a, {**values, **kinds}) == b


@settings(max_examples=40, deadline=None)
@given(some_config())
def test_blank_hides_exactly_the_traced_numbers(config):
    static = configs.blank(config)
    holes = {name for name, value in leaves(static) if value is BLANK}
    assert holes >= configs.traced(config).keys()
    given_leaves = dict(leaves(config))
    assert all(given_leaves[n] == v for n, v in configs.traced(config).items())
    same = {n: v for n, v in leaves(static) if n not in holes}
    assert same == {n: v for n, v in given_leaves.items() if n not in holes}


def test_configs_that_differ_in_traced_numbers_share_one_static_config():
    a = Config(optim=Optim(lr=0.1, clip=3.0), corrupt=Corrupt(level=0.5))
    b = Config(optim=Optim(lr=0.2), corrupt=Corrupt(level=0.1, fraction=0.5))
    assert configs.blank(a) == configs.blank(b)
    assert hash(configs.blank(a)) == hash(configs.blank(b))
    other = dataclasses.replace(a, model=Conv())
    assert configs.blank(a) != configs.blank(other)


def test_traced_numbers_that_are_off_are_absent():
    assert configs.traced(Config()) == {
        "optim.lr": 1e-3,
        "optim.b1": 0.9,
        "optim.b2": 0.999,
    }
    config = Config(model=Deep(dropout=0.25), corrupt=Corrupt(level=0.5, fraction=0.5))
    on = {"model.dropout": 0.25, "corrupt.level": 0.5, "corrupt.fraction": 0.5}
    assert configs.traced(config) == {**configs.traced(Config()), **on}


@pytest.mark.parametrize(
    "use",
    [
        lambda: 1.0 * BLANK,
        lambda: BLANK > 0,
        lambda: float(BLANK),
        lambda: BLANK == 0.0,
        lambda: bool(BLANK),
        lambda: np.float32(BLANK),
        lambda: jnp.ones(2) * BLANK,
    ],
)
def test_a_blank_cannot_be_used_as_a_number(use):
    with pytest.raises(TypeError, match="traced"):
        use()


def test_options_change_the_config():
    args = "--optim.lr 3e-4 --model.latent-dim=16 --model.batch_norm False"
    args += " --model.hidden 8 4 --train.patience 3 --data.protocol.curve 0.5 0.1"
    config = configs.override(Config(), args.split())
    before = dict(leaves(Config()))
    changed = {n: v for n, v in leaves(config) if v != before[n]}
    assert changed == {
        "data.protocol.curve": (0.5, 0.1),
        "model.hidden": (8, 4),
        "model.latent_dim": 16,
        "model.batch_norm": False,
        "optim.lr": 3e-4,
        "train.patience": 3,
    }
    assert configs.override(config, ["--train.patience", "None"]).train.patience is None
    own = configs.Defects(robustness=(configs.Corruption(),))
    noisy = Config(data=configs.Data(protocol=own))
    empty = configs.override(noisy, ["--data.protocol.robustness"])
    assert empty.data.protocol == configs.Defects()


def test_a_variant_is_chosen_by_its_kind_and_keeps_what_was_set():
    start = Config(model=Deep(latent_dim=7))
    args = "--model.kind conv --model.channels 4 2 --threshold.rules mad z_score"
    args += " --threshold.rules.0.k 2"
    config = configs.override(start, args.split())
    assert config.model == Conv(channels=(4, 2), latent_dim=7)
    assert config.threshold.rules == (configs.Mad(k=2.0), configs.ZScore())
    assert configs.set_values(Config(), {"model.kind": "linear"}).model == Linear()
    # A convolution without a bottleneck has no size that a linear layer could take.
    conv = Config(model=Conv())
    assert configs.set_values(conv, {"model.kind": "linear"}).model == Linear()


BAD_OPTIONS = {
    "--optim.lrr 1": "unknown option --optim.lrr; did you mean --optim.lr?",
    "--lr 1": "unknown option --lr; did you mean --optim.lr?",
    "--model conv": "unknown option --model; did you mean --model.kind?",
    "--qqqq 1": "unknown option --qqqq; --help lists all",
    "--optim.lr -1": "--optim.lr: -1 is not greater than 0",
    "--optim.lr nan": "--optim.lr: nan is not a finite number",
    "--optim.lr x": "--optim.lr: x is not a number",
    "--optim.lr": "--optim.lr takes one value, 0 given",
    "--model.dropout 2": "--model.dropout: 2 is not less than 1",
    "--model.hidden 3 x": "--model.hidden.1: x is not a whole number",
    "--model.hidden": "--model.hidden: needs at least 1 value(s)",
    "--model.batch-norm 2": "--model.batch-norm: 2 is not True or False",
    "--loss.kind mse2": "--loss.kind: mse2 is not one of mse, mae, bce, ssim or elbo",
    "--model.kind lin": "--model.kind: lin is not one of linear, deep, conv",
    "--model.kind": "--model.kind takes one value, 0 given",
    "--model.kind linear --model.hidden 3": "unknown option --model.hidden; did",
    "--threshold.rules": "--threshold.rules: needs at least one of max_margin,",
    "--threshold.rules.9.kind mad": "unknown option --threshold.rules.9.kind",
    "--seed 2147483648": "--seed: 2147483648 is not less than 2147483648",
    "stray": "unexpected argument 'stray'; options begin with --",
}


@pytest.mark.parametrize(("args", "line"), BAD_OPTIONS.items())
def test_a_bad_option_is_one_plain_line(args, line, capfd):
    with pytest.raises(ConfigError) as caught:
        configs.override(Config(), args.split())
    assert str(caught.value).startswith(line)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_set_values_reports_names_as_python_writes_them():
    for values, line in {
        "optim.lrr": "unknown field optim.lrr; did you mean optim.lr?",
        "optim.lr": "optim.lr: -1 is not greater than 0",
        "optim": "optim: -1 is not Optim(...)",
    }.items():
        with pytest.raises(ConfigError) as caught:
            configs.set_values(Config(), {values: -1})
        assert str(caught.value) == line


BAD_FILES = {
    "x = (": "line 1: syntax error: '(' was never closed",
    "a = 1\n1 / 0": "line 2: ZeroDivisionError: division by zero",
    "raise SystemExit(3)": "line 1: SystemExit: 3",
    "raise ValueError('a\\nb')": "line 1: ValueError: a b",
    "from jaxad.config import *\n\nOptim(lr=-1)": "line 3: Optim.lr: -1 is not greater",
    "a = 1": "`config` has to be a jaxad.Config, the file exposes no config",
    "config = {}": "`config` has to be a jaxad.Config, the file exposes a dict",
}


@pytest.mark.parametrize(("text", "line"), BAD_FILES.items())
def test_a_bad_config_file_is_one_line_with_its_place(tmp_path, text, line):
    path = tmp_path / "bad.py"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        configs.load_config(path)
    assert str(path) in str(caught.value)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


BAD_JSON = {
    "{": "Invalid JSON: EOF while parsing",
    '{"optim": {"lr": 0}}': "optim.lr: 0 is not greater than 0",
    '{"optim": {"lrr": 1}}': "optim.lrr: is not a field",
    '{"model": {"kind": "deep", "dropout": 2}}': "model.dropout: 2 is not less",
    '{"model": {"kind": "x"}}': "model: x is not one of linear, deep, conv",
    '{"threshold": {"rules": [{"kind": "mad", "k": 0}]}}': "threshold.rules.0.k: 0 is",
    "\udcff": "can't decode",
}


@pytest.mark.parametrize(("text", "line"), BAD_JSON.items())
def test_a_bad_json_file_is_one_line(tmp_path, text, line):
    path = tmp_path / "config.json"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ConfigError) as caught:
        configs.load_config(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


def test_config_files_are_found_run_and_taken_as_json(tmp_path):
    python, json = tmp_path / "a.py", tmp_path / "config.json"
    python.write_text("from jaxad.config import *\nconfig = Config(seed=3)")
    json.write_text(configs.to_json(Config(seed=3)))
    assert configs.load_config(python) == configs.load_config(json) == Config(seed=3)
    for path, line in {
        tmp_path: "is a folder; name a file",
        tmp_path / "missing.py": "no config file",
        tmp_path / "config.toml": "a config file ends in .py or .json",
    }.items():
        (tmp_path / "config.toml").touch()
        with pytest.raises(ConfigError, match=line):
            configs.load_config(path)


def test_configs_need_no_jax():
    code = "import sys, jaxad.config; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_config_is_validated_where_it_is_written():
    adapter = TypeAdapter(Config)
    assert adapter.validate_python({}) == Config()
    with pytest.raises(ValueError, match="greater than 0"):
        Optim(lr=0)


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("--optim.weight-decay=0.1", "^--optim: weight_decay needs kind adamw"),
        ("--optim.momentum=0.9", "momentum needs kind sgd or rmsprop"),
        ("--corrupt.fraction=0.5", "fraction needs a level above 0"),
    ],
)
def test_an_option_without_effect_is_refused(option, text):
    with pytest.raises(ConfigError, match=text):
        configs.override(Config(), option.split("="))


@pytest.mark.parametrize("field", ["corrupt", "data.protocol.corruption"])
@pytest.mark.parametrize("kind", ["salt_and_pepper", "masking", "gaussian", "poisson"])
def test_a_share_of_the_pixels_is_at_most_one(field, kind):
    values = {f"{field}.kind": kind, f"{field}.level": 50}
    if kind in ("gaussian", "poisson"):
        assert dict(leaves(configs.set_values(Config(), values))).items() >= {
            (f"{field}.level", 50.0)
        }
        return
    line = f"^{field}: level is a share of the pixels: 50 is not at most 1$"
    with pytest.raises(ConfigError, match=line):
        configs.set_values(Config(), values)
    assert configs.set_values(Config(), {**values, f"{field}.level": 1})


def test_the_levels_of_the_curve_are_those_of_its_corruption():
    args = ["--data.protocol.curve", "0.5", "1.5"]
    line = r"^--data.protocol: each level of curve is a share of the pixels: 1.5 is not"
    with pytest.raises(ConfigError, match=line):
        configs.override(Config(), args)
    args += ["--data.protocol.corruption.kind", "gaussian"]
    assert configs.override(Config(), args).data.protocol.curve == (0.5, 1.5)
    with pytest.raises(ConfigError, match=r"^--optim.lr: -1 is not greater than 0$"):
        configs.override(Config(), [*args, "--optim.lr", "-1"])


def test_cross_entropy_needs_outputs_between_0_and_1():
    bce = Config(loss=configs.Loss(kind="bce"))
    line = "^loss.kind bce needs model.head sigmoid$"
    for options in ("--model.kind linear", "--model.head linear"):
        with pytest.raises(ConfigError, match=line):
            configs.override(bce, options.split())
        values = dict([options.removeprefix("--").split()])
        with pytest.raises(ConfigError, match=line):
            configs.set_values(bce, values)
    with pytest.raises(ConfigError, match=line):
        configs.from_json('{"loss": {"kind": "bce"}, "model": {"kind": "linear"}}')
    both = "--model.kind linear --model.head sigmoid"
    assert configs.override(bce, both.split()).model == Linear(head="sigmoid")
    values = {"model.kind": "linear", "model.head": "sigmoid"}
    assert configs.set_values(bce, values).model == Linear(head="sigmoid")


@pytest.mark.parametrize("name", ["a/b", "../a", "..", ".", "a\\b", "-a", "a\n", "ä"])
def test_a_name_is_one_folder(name):
    for change in (
        lambda: configs.set_values(Config(), {"name": name}),
        lambda: configs.override(Config(), [f"--name={name}"]),
    ):
        with pytest.raises(ConfigError, match="is not one word of letters") as caught:
            change()
        assert "\n" not in str(caught.value)
    with pytest.raises(ConfigError, match=r"^name: is empty$"):
        configs.set_values(Config(), {"name": ""})


def test_an_older_version_s_config_means_what_it_meant():
    now = plain(Config())
    old = plain(Config())
    del old["train"]["precision"]  # a field that came since
    assert as_now(old) == now
    other = now | {"gone": 1}
    assert as_now(other) == other, "unknown fields are told as differences"
    saver = fitting._Saver(None, None, {"run": now, "data": "x"}, print, 1, None)
    assert saver._changed({"run": old, "data": "x"}) == []
    assert saver._changed({"run": other, "data": "x"}) == ["run.gone 1 -> absent"]
