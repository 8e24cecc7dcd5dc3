"""Benchmarks compare like with like, and say clearly when they cannot."""

import json
import math
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.core import jaxprs_in_params

from jaxad import benchmark, models
from jaxad.benchmark import (
    auroc,
    conv,
    devices,
    pixels,
    steps,
    sweep,
    throughput,
    work,
)
from jaxad.benchmark.pairs import alternate
from jaxad.config import Conv, Deep, Denoiser, Strided
from jaxad.errors import ConfigError, JaxadError


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="PyTorch: pip install jaxad[bench]")


@pytest.mark.parametrize("case", steps.CASES, ids=("mlp", "cae"))
def test_both_packages_train_the_same_network(case, torch):
    image = np.random.default_rng(0).integers(0, 256, (128, 28, 28, 1), np.uint8)
    assert steps.disagreement(case, image) < 1e-5


def test_denoising_in_pytorch_corrupts_the_stated_share(torch):
    from jaxad.benchmark.pytorch import salt_and_pepper

    noisy = salt_and_pepper(torch.full((64, 3, 28, 28), 0.4), 0.5)
    for value in (0.0, 1.0):
        assert (noisy == value).float().mean().item() == pytest.approx(0.25, abs=0.01)
    assert (noisy == noisy[:, :1]).all()


def test_train_makes_a_table_and_writes_json(torch, monkeypatch, tmp_path):
    threads = torch.get_num_threads()

    def small():
        return steps.measure((steps.CASES[0]._replace(steps=2),), 512, pairs=2)

    monkeypatch.setitem(benchmark.BENCHMARKS, "train", small)
    result = benchmark.run("train", out=tmp_path / "speed.json")
    assert json.loads((tmp_path / "speed.json").read_text()) == result
    row = result["rows"][0]
    assert row["parameters"] == 435_536
    assert row["ratio_min"] <= row["ratio"] <= row["ratio_max"]
    printed = benchmark.table.text(result)
    assert f"{row['ratio']:.2f}" in printed
    assert torch.__version__ in printed
    assert torch.get_num_threads() == threads


def test_auroc_agrees_with_scikit_learn_within_the_bound():
    _, (exact, histogram) = auroc.measure(count=20_000, pairs=1)
    assert exact["apart"] < 1e-6
    assert histogram["apart"] <= histogram["bound"] <= auroc.BOUND


def test_metrics_by_pixel_agree_with_others_within_their_bounds():
    _, (whole, part) = pixels.measure(count=2, side=64, pairs=1, part=(2, 24))
    for row in (whole, part):
        assert row["apart"] <= row["bound"] + 1e-9
        assert row["ratio_min"] == row["ratio"] > 0
    assert whole["beyond"][0] < 2**30


def test_a_missing_pytorch_and_an_unknown_benchmark_are_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(JaxadError, match=r"^benchmark train .*jaxad\[bench\]$"):
        benchmark.run("train")
    with pytest.raises(
        ConfigError, match="choose from train, sweep, conv, throughput, auroc, pixels"
    ):
        benchmark.run("speed")


def test_calls_alternate():
    calls = []
    times = alternate(lambda: calls.append("a"), lambda: calls.append("b"), 3, (2, 1))
    assert "".join(calls) == "ab" + 3 * "aab"
    assert times["pairs"] == 3


def test_a_grid_trains_as_pytorch_trains_its_members(torch):
    model = Deep(hidden=(32,), latent_dim=8, batch_norm=False)
    case = sweep.Case("small", model, batch=16, members=2, steps=2, product=True)
    note, rows = sweep.measure((case,), examples=600, pairs=1)
    assert "member after member" in note
    beside, loop, product = rows
    assert beside["parameters"] == 2 * (784 * 32 + 32 * 8) + 32 + 8 + 32 + 784
    assert max(beside["loss_apart"]) < 1e-4
    assert beside["mode"] in ("vmap", "map", "loop")
    assert all(row["ours"] > 0 for row in (beside, loop, product))
    assert product["needed"] == pytest.approx(1 - 784 * 32 / 50_688 / 3)


@pytest.mark.parametrize("case", sweep.CASES[2:], ids=("linear", "cae"))
def test_pytorch_has_the_weights_of_a_case(case, torch):
    image = np.random.default_rng(0).integers(0, 256, (128, 28, 28, 1), np.uint8)
    config = sweep.configs_of(case)[-1]
    small = steps.Case("", config.model, 0.0, 1)
    assert steps.disagreement(small, image) < 1e-5


def test_pytorch_trains_the_denoising_network(torch, monkeypatch):
    """Behind the same autoencoder, without noise, so that losses can be compared."""
    monkeypatch.setattr(conv, "MEMBERS", 2)
    model = Strided(channels=(4, 6), kernel_size=3, latent_dim=5)
    network = Denoiser(depth=3, width=4, noise=0.0)
    case = conv.Case("Remez", model, batch=8, steps=2, pairs=1, denoiser=network)
    _, (alone, members) = conv.measure((case,))
    assert members["loss_apart"] < 1e-5
    assert members["parameters"] == 9 * 4 + 4 + 9 * 3 * 4 + 4 + 9 * 3 + 1
    assert min(alone["ratio"], members["ratio"]) > 0
    assert members["multiply_adds"] == 9 * (4 + 3 * 4 + 3) * 32 * 32


def test_members_over_devices_are_timed_beside_one_device(capsys):
    _, rows = devices.measure(counts=(2,), each=1, pairs=2)
    (row,) = rows
    assert row["name"] == "devices 2, members 2"
    assert min(row["ours"], row["theirs"], row["placing"], row["fetching"]) > 0
    assert min(row["compile"]) > 0


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # its compiler's
def test_throughput_is_of_both_precisions_and_of_any_number_of_members(
    torch, monkeypatch
):
    monkeypatch.setattr(throughput, "TIMED_SECONDS", 0.01)
    small = Conv(channels=(4, 2), batch_norm=False)
    case = throughput.Case("CAE", small, side=12, batch=4)
    note, rows = throughput.measure(throughput.Sizes((case,), (1, 3), 64), pairs=1)
    assert "product of two 64x64" in note
    eager = [row for row in rows if row["name"].endswith("eager")]
    assert [row["members"] for row in eager] == [1, 3, 1, 3]
    for row, precision in zip(eager, ["float32"] * 2 + ["bfloat16"] * 2, strict=True):
        assert row["name"] == f"CAE, {precision}, {row['members']}, eager"
        assert row["loss_apart"] < (1e-5 if precision == "float32" else 1e-2)
        assert row["at_a_time"] <= row["members"]
        done = row["flops"] * 4 / row["ours"]
        assert row["share"] == pytest.approx(done / row["rate"])
        assert row["members_per_gb"] > 1
    assert torch.get_float32_matmul_precision() == "highest"


def multiplications(jaxpr):
    """Of all convolutions and products in a traced function."""
    total = 0
    for equation in jaxpr.eqns:
        for inner in jaxprs_in_params(equation.params):
            total += multiplications(inner)
        given, out = [v.aval for v in equation.invars], equation.outvars[0].aval
        if equation.primitive.name == "conv_general_dilated":
            total += out.size * given[1].size // given[1].shape[-1]
        if equation.primitive.name == "dot_general":
            (axes, _), _ = equation.params["dimension_numbers"]
            total += out.size * math.prod(given[0].shape[axis] for axis in axes)
    return total


@pytest.mark.parametrize(
    "spec",
    [
        Conv(channels=(4, 2)),
        Conv(channels=(3, 5), latent_dim=7),
        Strided(channels=(4, 6), latent_dim=5),
        Denoiser(depth=3, width=4),
    ],
)
def test_multiplications_are_those_of_the_traced_network(spec):
    """In bfloat16 every layer is a plain convolution or product, on every device."""
    module = models.in_precision(models.build(spec), "bfloat16")
    image = jnp.zeros((1, 16, 16, 1))
    variables = models.init(module, jax.random.key(0), image)
    traced = jax.make_jaxpr(lambda x: models.call(module, variables, x)[0])(image)
    counted = multiplications(traced.jaxpr)
    assert work.multiply_adds(variables["params"], 16) == counted > 0
