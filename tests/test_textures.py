"""The small folder of textures, and what detectors see of intensities."""

import dataclasses
import hashlib
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxad import cli, methods
from jaxad.config import Config, Data, Denoiser, Linear, Score, stages
from jaxad.config.traced import blank, traced
from jaxad.data import folders, texture_tree
from jaxad.data.decode import read_mask, read_pixels
from jaxad.errors import DataError
from jaxad.methods.tone import exp, log
from jaxad.types import Batch

pytest.importorskip("skimage")


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return texture_tree.write(tmp_path_factory.mktemp("tree") / "t", 4, 3, 2)


def digests(root):
    return {
        path.relative_to(root): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*.png")
    }


def test_the_tree_is_the_same_each_time_and_has_no_problem(tree, tmp_path):
    assert digests(texture_tree.write(tmp_path / "again", 4, 3, 2)) == digests(tree)
    for name in texture_tree.TEXTURES:
        found = folders.find(tree, name)
        checked = folders.check(found)
        assert not checked.problems
        kinds = {item.defect for item in found.items}
        assert kinds == {"good", *texture_tree.DEFECTS}
        marked = [
            read_mask(item.mask, (96, 96)).mean() for item in found.items if item.label
        ]
        assert min(marked) > 0.002
        assert max(marked) < 0.2
    with pytest.raises(DataError, match="not empty"):
        texture_tree.write(tree)


@pytest.mark.parametrize("fold", [0, 3])
def test_a_normal_crop_is_of_the_parts_of_its_fold(tree, tmp_path, fold):
    from skimage import data

    if fold:
        tree = tmp_path / "fold"
        assert cli.main(["data", "textures", str(tree), "--fold", str(fold)]) == 0
    whole = data.gravel()
    held = {(0, 1), (1, 3), (2, 0), (3, 2)}
    held = {(row, (column + fold) % 4) for row, column in held}
    rows = np.lib.stride_tricks.sliding_window_view(whole, (1, 96))[:, :, 0]
    for part in ("train", "test"):
        for path in sorted((tree / "gravel" / part / "good").iterdir())[:6]:
            crop = read_pixels(path)[..., 0]
            row, column = np.argwhere((rows == crop[0]).all(-1))[0]
            assert (whole[row : row + 96, column : column + 96] == crop).all()
            corners = {
                (y // 128, x // 128)
                for y in (row, row + 95)
                for x in (column, column + 95)
            }
            assert len(corners) == 1
            assert (corners <= held) == (part == "test")


@pytest.mark.parametrize("denoiser", [None, Denoiser(depth=2, width=2, kernel_size=1)])
def test_a_toned_method_is_the_method_on_logarithms(denoiser):
    rng = np.random.default_rng(0)
    image = jnp.asarray(rng.random((4, 12, 12, 1)), jnp.float32)
    np.testing.assert_allclose(exp(log(image)), image, atol=1e-6)
    np.testing.assert_allclose(log(jnp.float32([0, 1])), [0, 1], atol=1e-6)
    config = Config(
        model=Linear(latent_dim=3),
        score=Score(names=("mse", "zmap") if denoiser is None else ("mse",)),
        denoiser=denoiser,
    )
    label = jnp.zeros(4, jnp.int32)

    @partial(jax.jit, static_argnums=0)
    def found(one, given):
        key, method = jax.random.key(0), methods.build(blank(one), 3)
        hparams = {name: jnp.float32(v) for name, v in traced(one).items()}
        batch = Batch(given, label, label == 0)
        blocks = methods.Blocks(1, lambda index: batch)
        if denoiser is not None:
            first = methods.build(blank(stages.before(one)))
            method = method.after(first.init(key, hparams, batch).model)
        state = method.init(key, hparams, batch)
        state, info = method.step(key, hparams, state, batch)
        validated = method.validate(key, hparams, state.model, batch)
        model = state.model
        if method.finalize is not None:
            model = method.finalize(key, hparams, model, blocks, blocks)
        recon = method.output(key, hparams, model, given).recon
        return info, validated, method.score(key, hparams, model, given), recon

    toned, plain = (
        found(dataclasses.replace(config, data=Data(tone=tone)), given)
        for tone, given in (("log", image), ("linear", log(image)))
    )
    plain = *plain[:-1], exp(plain[-1])
    close = partial(np.testing.assert_allclose, rtol=1e-3, atol=1e-5)
    jax.tree.map(close, toned, plain)
