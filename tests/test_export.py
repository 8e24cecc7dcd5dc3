"""Exported artefacts: the scores of the run by jax alone, and nothing else is run."""

import dataclasses
import json
import re
import shutil
import subprocess
import sys
import types
from pathlib import Path

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export as stablehlo
from PIL import Image
from test_contract import SMALL, Case, Own, batch

import jaxad
from jaxad import cli, folder
from jaxad import export as exporting
from jaxad.artefact import (
    CONTRACT,
    FILES,
    PROGRAMS,
    SUMS,
    foreign_calls,
    load,
    read_program,
    sums,
)
from jaxad.config import (
    Baselines,
    Config,
    Data,
    Defects,
    Linear,
    Patches,
    Score,
    Train,
    stages,
)
from jaxad.config.threshold import Mad, Threshold, ZScore
from jaxad.config.traced import blank, traced
from jaxad.errors import ArtefactError, DataError
from jaxad.export import compare
from jaxad.scoring import Scorer
from jaxad.types import State

SIDE, RNG = 12, np.random.default_rng(0)
CONFIG = Config(
    data=Data(size=SIDE, fit="crop", tone="log", validation=0.3, protocol=Defects()),
    model=Linear(latent_dim=3),
    train=Train(epochs=1, batch_size=16),
    score=Score(
        names=("mse", "latent_kde", "zdark", "zmap", "either"),
        either=("mse", "zdark"),
        bandwidth="scott",
        views="flips",
        block=16,
    ),
    threshold=Threshold(rules=(ZScore(sides="both"), Mad())),
    baselines=Baselines(names=()),
)


def stripes(count, height=SIDE, width=16):
    wave = np.sin(np.arange(width) + RNG.uniform(0, 6, (count, 1, 1)))
    noise = RNG.normal(0, 0.05, (count, height, width))
    return (255 * np.clip(0.5 + 0.3 * wave + noise, 0, 1)).astype(np.uint8)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of a folder: cropped, on logarithms, with fitted scores, over views."""
    home = tmp_path_factory.mktemp("home")
    for number, image in enumerate(stripes(60)):
        place = "data/spot" if number < 6 else "data/good"
        (home / place).mkdir(parents=True, exist_ok=True)
        image[4:8, 6:10] = 0 if number < 6 else image[4:8, 6:10]
        Image.fromarray(image).save(home / place / f"{number}.png")
    data = dataclasses.replace(CONFIG.data, root=str(home / "data"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jaxad.run.draw", lambda path: [])
        config = dataclasses.replace(CONFIG, data=data)
        return jaxad.train(config, out=home / "runs/first", quiet=True)


@pytest.fixture(scope="module")
def artefact(run):
    return exporting.write(run)


ALONE = """
import sys
class Alone:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {banned}:
            raise ImportError(name)
sys.meta_path.insert(0, Alone())
{snippet}
given = np.load("given.npz")
found = {{}}
for dtype in ("uint8", "float32"):
    with open(f"runs/first/export/{{dtype}}.stablehlo", "rb") as file:
        score = export.deserialize(bytearray(file.read())).call
    for size in (1, 7, 64):
        scores, maps = score(given[dtype][:size])
        found |= {{f"{{dtype}} {{size}} {{k}}": v for k, v in scores.items()}}
        found |= {{f"{{dtype}} {{size}} map {{k}}": v for k, v in maps.items()}}
np.savez("found.npz", **found)
"""


def test_jax_alone_gives_the_scores_of_the_run(run, artefact, tmp_path):
    """The example of the docstring, and every score in batches of 1, 7 and 64."""
    home = run.path.parent.parent
    image = stripes(64)[:, :, 2 : 2 + SIDE, None]
    given = {"uint8": image, "float32": np.float32(image) / np.float32(255)}
    np.savez(home / "given.npz", **given)
    lines = exporting.__doc__.split("\n\n", 1)[1].partition("\nA limit")[0]
    banned = ["jaxad", "flax", "optax", "orbax", "dm_pix", "pandas", "sklearn"]
    code = ALONE.format(banned=banned, snippet=re.sub("(?m)^    ", "", lines))
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=home, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"\[( ?True| ?False){5}\]\n", done.stdout)
    found = np.load(home / "found.npz")
    own = jaxad.score(run, image)
    for dtype in given:
        for size in (1, 7, 64):
            for name, expected in own.values.items():
                scale = max(1, np.std(run.scores[f"score_{name}"]))
                values = found[f"{dtype} {size} {name}"]
                np.testing.assert_allclose(
                    values, expected[:size], rtol=1e-5, atol=1e-5 * scale, err_msg=name
                )
            for name, expected in own.maps.items():
                maps = found[f"{dtype} {size} map {name}"]
                np.testing.assert_allclose(maps, expected[:size], rtol=1e-4, atol=1e-4)


def command(*words):
    return cli.main([*map(str, words)])


def test_score_takes_an_artefact_as_the_run(run, artefact, tmp_path, capfd):
    """The same tables and maps, of images that have to be cropped first, too."""
    images = run.path.parent.parent / "data"
    assert command("score", run.path, images, "--out", tmp_path / "a", "--maps") == 0
    said = capfd.readouterr().out.splitlines()[0]
    path, out = artefact.path, tmp_path / "b"
    assert command("score", path, images, "--out", out, "--maps") == 0
    assert capfd.readouterr().out.splitlines()[0] == said
    own, found = (
        [line.split(",") for line in (p / "scores.csv").read_text().splitlines()]
        for p in (tmp_path / "a", out)
    )
    assert found[0] == own[0]
    assert {"anomalous_z_score", "anomalous_mad"} <= {*own[0]}
    assert [row[0] for row in found] == [row[0] for row in own]
    assert [row[-2:] for row in found] == [row[-2:] for row in own]
    numbers = [np.array([row[1:] for row in t[1:]], float) for t in (own, found)]
    np.testing.assert_allclose(*numbers, rtol=1e-5, atol=1e-5)
    maps = [np.load(p / "maps.npz")["maps"] for p in (tmp_path / "a", out)]
    np.testing.assert_allclose(*maps, atol=1e-5)
    middle = float(np.median(numbers[1][:, 0]))
    given = ["--threshold", repr(middle)]
    assert command("score", path, images, "--out", out, *given) == 0
    rows = [line.split(",") for line in (out / "scores.csv").read_text().splitlines()]
    at = rows[0].index("anomalous_given")
    called = [row[at] == "1" for row in rows[1:]]
    assert called == (numbers[1][:, 0] >= middle).tolist()
    assert f"{sum(called)} of {len(called)} images" in capfd.readouterr().out
    assert command("score", path, images, "--threshold", "nan") == 2
    assert not (out / "maps.npz").exists(), "those of an earlier call"
    (out / folder.GRID).touch()
    assert command("score", path, images, "--out", out) == 3
    assert "is the folder of a sweep" in capfd.readouterr().err
    wrong = Image.fromarray(np.zeros((9, 9, 2), np.uint8), "LA")
    wrong.save(tmp_path / "wrong.png")
    assert command("score", path, tmp_path / "wrong.png") == 3
    assert command("score", path, images, "--out", path) == 3
    assert "is an artefact; choose another --out" in capfd.readouterr().err
    with pytest.raises(DataError, match=r"images of 12x12x3, but .*export was trained"):
        jaxad.score(artefact, np.zeros((2, 9, 9, 3), np.uint8))


def signed(path, **changes):
    """An artefact with another contract and digests that fit."""
    told = json.loads((path / CONTRACT).read_text()) | changes
    (path / CONTRACT).write_text(json.dumps(told))
    files = {name: (path / name).read_bytes() for name in FILES}
    (path / SUMS).write_bytes(sums(files))
    return path


def test_tiles_are_cut_by_the_contract(run, artefact, tmp_path):
    patches = Patches(size=SIDE, stride=5)
    data = dataclasses.replace(run.config.data, size=None, fit="stretch")
    data = dataclasses.replace(data, patches=patches)
    config = dataclasses.replace(run.config, data=data)
    run = dataclasses.replace(run, config=config)
    told = exporting.contract(run, {})
    assert (told["tiles"]["size"], told["tiles"]["stride"]) == (SIDE, 5)
    # The programs are those of the whole images: a patch is one.
    path = Path(shutil.copytree(artefact.path, tmp_path / "copy"))
    artefact = load(signed(path, **folder.plain(told)))
    whole = stripes(2, 20, 31)[..., None]
    own, found = jaxad.score(run, whole), jaxad.score(artefact, whole)
    assert found.maps["mse"].shape == (2, 20, 31)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, 1e-5, 1e-5), own, found)


def test_the_contract_says_what_goes_in_and_comes_out(run, artefact):
    told = json.loads((artefact.path / CONTRACT).read_text())
    assert told["input"]["shape"] == ["batch", SIDE, SIDE, 1]
    assert told["outputs"]["scores"] == list(CONFIG.score.names)
    assert told["outputs"]["maps"] == ["mse", "zdark", "zmap"]
    assert told["reading"]["fit"] == "crop"
    assert told["primary"] == {"score": "mse", "rule": "z_score"}
    assert told["thresholds"]["zmap"]["f1_max_test"]["status"] == "oracle"
    assert told["difference"]["scores"]["largest"] <= 1e-5
    assert artefact.judge.thresholds == run.thresholds
    for name in ("uint8.stablehlo", "float32.stablehlo"):
        program = stablehlo.deserialize(bytearray((artefact.path / name).read_bytes()))
        assert program.platforms == ("cpu", "cuda", "tpu")
        assert not program.disabled_safety_checks
        assert "callback" not in program.mlir_module()


@pytest.mark.parametrize("name", [*FILES, SUMS])
def test_a_flipped_byte_in_any_file_is_refused(artefact, name, tmp_path, capfd):
    path = Path(shutil.copytree(artefact.path, tmp_path / "copy"))
    data = (path / name).read_bytes()
    for place in (0, len(data) // 2, len(data) - 1):
        changed = bytearray(data)
        changed[place] ^= 0x20
        (path / name).write_bytes(changed)
        Image.new("L", (SIDE, SIDE)).save(tmp_path / "a.png")
        assert command("score", path, tmp_path / "a.png") in (3, 4)
        err = capfd.readouterr().err
        assert err.count("\n") == 1
        assert str(path) in err
        with pytest.raises(ArtefactError):
            load(path)
    (path / name).unlink()
    with pytest.raises(ArtefactError, match="cannot be read"):
        load(path)


def test_only_programs_that_compute_are_run(artefact, tmp_path):
    path = Path(shutil.copytree(artefact.path, tmp_path / "copy"))

    def evil(image):
        return jax.pure_callback(lambda: np.float32(0), jax.ShapeDtypeStruct((), "f4"))

    text = jax.jit(evil).lower(jnp.zeros(3)).as_text()
    (asked,) = foreign_calls(types.SimpleNamespace(mlir_module=lambda: text))
    assert "callback" in asked
    with pytest.raises(ArtefactError, match="not a program that jax"):
        read_program(path, b"no program")
    known = json.loads((path / CONTRACT).read_bytes())
    rules = {k: {"r": {"lower": None, "upper": 1}} for k in known["thresholds"]}
    for wrong in (
        *({"format_version": 2}, {"block": 0}, {"tiles": 3}, {"format": 1}),
        *({"tiles": {"size": SIDE, "stride": n}} for n in (0, SIDE + 1)),
        *({"outputs": known["outputs"] | {"scores": n}} for n in ([], ["foo"])),
        *({"outputs": known["outputs"] | {"maps": n}} for n in (["foo"],)),
        *({"reading": known["reading"] | n} for n in ({"fit": "foo"}, {"size": 9})),
        {"thresholds": rules},
    ):
        with pytest.raises(ArtefactError, match=r"export the run again|of jaxad"):
            load(signed(Path(shutil.copytree(path, tmp_path / "wrong")), **wrong))
        shutil.rmtree(tmp_path / "wrong")
    (path / PROGRAMS["uint8"]).write_bytes((path / PROGRAMS["float32"]).read_bytes())
    with pytest.raises(ArtefactError, match="its uint8 program takes"):
        load(signed(path))
    (path / CONTRACT).write_bytes(b"{")
    assert command("score", path, tmp_path) == 4, "not taken for a run"


def test_an_artefact_is_replaced_whole_and_nothing_else_is(
    run, artefact, tmp_path, monkeypatch, capfd
):
    monkeypatch.setattr(compare, "BATCHES", (7,))
    out = Path(shutil.copytree(artefact.path, tmp_path / "out"))
    before = {name: (out / name).read_bytes() for name in (*FILES, SUMS)}
    (out / "notes.txt").write_text("mine")
    assert command("export", run.path, "--out", out) == 4
    assert "holds notes.txt, which is of no artefact" in capfd.readouterr().err
    (out / "notes.txt").unlink()
    with monkeypatch.context() as patch:
        patch.setattr(compare, "LIMIT", -1.0)
        assert command("export", run.path, "--out", out) == 4
    err = capfd.readouterr().err
    assert "differs from the run's by" in err
    assert "nothing was kept" in err
    assert before == {name: (out / name).read_bytes() for name in (*FILES, SUMS)}
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert command("export", run.path, "--out", out) == 0
    assert re.search(r"run on cpu: \d\S+ \(batch 7\)\n", capfd.readouterr().out)
    assert {file.name for file in out.iterdir()} == {*FILES, SUMS}
    assert before[CONTRACT] != (out / CONTRACT).read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert command("export", tmp_path) == 3
    assert command("export", run.path, "--out", out / CONTRACT) == 4


def test_differences_that_are_not_finite_are_infinite():
    def far(a, b):
        both = ({"x": np.float32([v])} for v in (a, b))
        pair = (jaxad.types.Scores(values, {}) for values in both)
        return compare.differences(*pair, {"x": 0.0}).values["x"]

    assert far(np.nan, 1) == far(1, np.nan) == far(np.inf, -np.inf) == np.inf
    assert far(np.inf, np.inf) == far(np.nan, np.nan) == 0
    assert far(3, 2) == 0.5
    assert far(0.5, 0.25) == 0.25


class Rows(nn.Module):
    """A module of one's own that asks how many images there are."""

    many: bool

    @nn.compact
    def __call__(self, image):
        if self.many and image.shape[0] > 3:
            return image
        return jnp.stack([image[i] for i in range(image.shape[0])])


@pytest.mark.parametrize("module", [Own(), Rows(many=False), Rows(many=True)])
def test_a_module_of_ones_own_is_exported_or_told(module):
    fails = isinstance(module, Rows)
    config = Config(score=Score(names=("mse",)))
    hparams = {name: jnp.float32(value) for name, value in traced(config).items()}
    method = jaxad.methods.reconstruction(module, blank(config))
    scorer = Scorer(method, jax.random.key(0), hparams, config.score)
    state = method.init(jax.random.key(0), hparams, batch()) if not fails else None
    run = types.SimpleNamespace(
        scorer=scorer,
        state=state or State({"params": {}}, None),
        image_shape=(SIDE, SIDE, 1),
        path=Path("runs/own"),
    )
    if fails:
        with pytest.raises(ArtefactError, match="batches of any size"):
            exporting._exported(run, "float32")
        return
    image = np.asarray(batch(3, 5).image)
    program = exporting._exported(run, "float32")
    own = scorer.values(state.model, image)["mse"]
    np.testing.assert_allclose(program.call(image)[0]["mse"], own, rtol=1e-6)


FAST = ("vae", "dcgan")
EVERY = [
    pytest.param(name, marks=() if name in FAST else pytest.mark.soak) for name in SMALL
]


@pytest.mark.parametrize("name", EVERY)
def test_every_score_of_every_method_can_be_exported(name):
    case = Case(SMALL[name])
    samples = dataclasses.replace(case.config.score, samples=2, block=64)
    method = jaxad.methods.build(stages._with(case.config, score=samples), steps=10)
    method = method.after(case.before and case.before.state.model)
    scorer = Scorer(method, case.key, case.hparams, samples)
    run = types.SimpleNamespace(
        scorer=scorer, state=case.state, image_shape=(SIDE, SIDE, 1), path=Path(name)
    )
    data = exporting._exported(run, "float32").serialize()
    image = np.asarray(batch(3, 64).image)
    own = scorer.scores(case.state.model, image)
    assert tuple(own.values) == samples.names
    program = read_program(Path(name), data)
    for size in (7,) if name in FAST else compare.BATCHES:
        found = jaxad.types.Scores(*program.call(image[:size]))
        expected = jax.tree.map(lambda x, n=size: x[:n], own)
        far = compare.differences(found, expected, dict.fromkeys(samples.names, 0.0))
        assert max(far.values.values()) < compare.LIMIT
        assert all(value < compare.map_limit(n) for n, value in far.maps.items())
