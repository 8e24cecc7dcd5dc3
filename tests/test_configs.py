"""Every file in `configs/` loads, round trips, and tells how it is run."""

import ast
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from shrunk import small

import jaxad
from jaxad.batches import TrainData, finalized
from jaxad.config import from_json, load_config, load_sweep, to_json
from jaxad.grid.members import expand
from jaxad.parts import make_parts
from jaxad.types import Batch

ROOT = Path(jaxad.__file__).parent.parent
FILES = sorted(path.relative_to(ROOT) for path in ROOT.glob("configs/**/*.py"))


@pytest.mark.parametrize("path", FILES, ids=str)
def test_a_config_loads_and_its_json_gives_it_back(path):
    config = load_config(ROOT / path)
    assert from_json(to_json(config)) == config


@pytest.mark.parametrize("path", FILES, ids=str)
def test_a_config_opens_with_its_command(path):
    text = ast.get_docstring(ast.parse((ROOT / path).read_text()))
    assert text is not None
    commands = [line.strip() for line in text.splitlines() if "jaxad " in line]
    assert any(
        line.startswith(("jaxad train ", "jaxad sweep ")) and str(path) in line.split()
        for line in commands
    ), f"no line `jaxad train {path}`"


@pytest.mark.parametrize("path", FILES, ids=str)
def test_a_config_runs_a_step(path):
    config = small(load_config(ROOT / path))
    image = jax.random.uniform(jax.random.key(0), (4, 28, 28, 1))
    label = jnp.arange(4, dtype=jnp.int32) % 2
    batch = Batch(image, label, jnp.ones(4, bool))
    rows, before = jnp.arange(4, dtype=jnp.int32), None
    for part in make_parts(config, 40, None, label).stages:

        def run(key, hparams, batch, before, method=part.method):
            method = method.after(before)
            state = method.init(key, hparams, batch)
            state, info = method.step(key, hparams, state, batch)
            data = TrainData(batch.image, rows, rows, batch.image, rows, rows, before)
            model = finalized(method, key, hparams, state.model, data, 4)
            return info, method.score(key, hparams, model, batch.image), model

        info, scores, before = jax.jit(run)(part.key, part.hparams, batch, before)
        assert info["grad_norm"] > 0
        assert np.isfinite(info["loss"])
    assert set(scores.values) == set(config.score.names)


def test_the_grids_of_configs_expand():
    sizes = {str(path): len(expand(*load_sweep(ROOT / path))) for path in FILES}
    assert sizes["configs/mnist_digits_grid/grid.py"] == 11 * 4
    assert sizes["configs/one_class/mnist.py"] == 10 * 3
    assert sizes["configs/one_class/fashion.py"] == 10 * 3
    assert sizes["configs/leave_one_out/latent_size.py"] == 10 * 6
    assert sizes["configs/leave_one_out/vae_latent_size.py"] == 10 * 6
    assert sizes["configs/sem/tables.py"] == 3 * 3
