"""Checkpoints come back bit for bit, or not at all."""

import asyncio
import os
import random
import resource
import shutil
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxad import folder
from jaxad.checkpoint import (
    Checkpointer,
    differences,
    files,
    latest,
    restore,
    steps,
)
from jaxad.errors import CheckpointError, Preempted
from jaxad.types import State

CONFIG = {"optim": {"lr": 0.001, "kind": "adam"}, "model": {"hidden": [3, 4]}}


def make_state(seed=0):
    rng = np.random.default_rng(seed)
    params = {
        "Dense_0": {"kernel": jnp.asarray(rng.normal(size=(40, 30)), jnp.float32)},
        "a.b/~ c": jnp.asarray(rng.normal(size=7), jnp.bfloat16),
        "odd": jnp.array([jnp.nan, -0.0, jnp.inf, 1e-45], jnp.float32),
        "empty": jnp.zeros((0, 3), jnp.float32),
    }
    tx = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(1e-3))
    counts = (jnp.int32(seed), jnp.array([True, False]), jnp.arange(3, dtype="uint8"))
    return State({"params": params, "none": None}, (tx.init(params), counts))


def same(a, b):
    """Equal structure, dtypes and bytes."""
    if jax.tree.structure(a) != jax.tree.structure(b):
        return False
    pairs = zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    return all(
        x.dtype == y.dtype
        and x.shape == y.shape
        and np.asarray(x).tobytes() == np.asarray(y).tobytes()
        for x, y in pairs
    )


def save_all(path, *numbers, config=None):
    with Checkpointer(path, config=config) as checkpointer:
        for step in numbers:
            checkpointer.save(step, make_state(step), {"epoch": step})


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder with the checkpoints 1 and 2, not to be changed."""
    path = tmp_path_factory.mktemp("saved") / "checkpoints"
    save_all(path, 1, 2, config=CONFIG)
    return path


@pytest.fixture(scope="module")
def template():
    return jax.eval_shape(make_state)


@pytest.fixture
def copied(saved, tmp_path):
    shutil.copytree(saved, tmp_path / "copy")
    return tmp_path / "copy"


@pytest.fixture
def said():
    return []


def test_round_trip(saved, template, said):
    step, tree, meta = restore(saved, template, say=said.append)
    assert (step, meta, said) == (2, {"epoch": 2}, [])
    assert same(tree, make_state(2))


def test_nothing_saved(tmp_path, template, said):
    assert restore(tmp_path / "no", template, say=said.append) is None
    assert latest(tmp_path / "no") is None


def test_no_wrong_bytes_after_donation(tmp_path, template, said):
    """Saved arrays may be donated at once; restored ones do not share memory."""
    spoil = jax.jit(
        lambda tree: jax.tree.map(lambda x: x + jnp.ones_like(x), tree),
        donate_argnums=0,
    )
    state = make_state(5)
    with Checkpointer(tmp_path) as checkpointer:
        checkpointer.save(5, state, {})
        jax.block_until_ready(spoil(state))
    first = restore(tmp_path, template, say=said.append).tree
    assert same(first, make_state(5))
    kept = jax.tree.map(np.array, first)
    jax.block_until_ready(spoil(first))
    assert all(x.is_deleted() for x in jax.tree.leaves(first) if x.size)
    assert same(kept, restore(tmp_path, template, say=said.append).tree)


def test_keeps_two_and_replaces(tmp_path, template, said):
    save_all(tmp_path, 1, 2, 3)
    assert steps(tmp_path) == [2, 3]
    with Checkpointer(tmp_path) as checkpointer:
        checkpointer.save(2, make_state(9), {})
    assert sorted(x.name for x in tmp_path.iterdir()) == ["2"]
    assert same(restore(tmp_path, template, say=said.append).tree, make_state(9))


def test_saving_the_same_again_leaves_the_files_alone(copied):
    before = (copied / "2").stat()
    save_all(copied, 2, config=CONFIG)
    assert (copied / "2").stat().st_ino == before.st_ino
    save_all(copied, 2)
    assert (copied / "2").stat().st_ino != before.st_ino


@pytest.mark.parametrize("damage", ["flip", "truncate", "remove"])
def test_damaged_file(copied, saved, template, damage):
    """Whatever happens to a file of the newest, the one before is used, aloud."""
    random.seed(0)
    for file in sorted(x for x in (saved / "2").rglob("*") if x.is_file()):
        target = copied / file.relative_to(saved)
        data = bytearray(file.read_bytes())
        if damage == "flip" and data:
            data[random.randrange(len(data))] ^= 1 << random.randrange(8)
            target.write_bytes(data)
        elif damage == "truncate":
            target.write_bytes(data[: len(data) // 2])
        elif damage == "remove":
            target.unlink()
        elif damage == "flip":
            target.write_bytes(b"x")
        said = []
        step, tree, meta = restore(copied, template, say=said.append)
        assert (step, meta) == (1, {"epoch": 1}), file
        assert same(tree, make_state(1))
        assert len(said) == 1
        assert "step 2: " in said[0]
        assert "\n" not in said[0]
        target.write_bytes(file.read_bytes())


def test_flipped_leaf_is_named(copied, template, said):
    """A changed number in files that are sound themselves."""
    changed = make_state(2)
    changed.model["params"]["Dense_0"]["kernel"] += 1
    with Checkpointer(copied / "changed") as checkpointer:
        checkpointer.save(2, changed, {})
    records = [x / "2" / "record.json" for x in (copied, copied / "changed")]
    mixed, other = (folder.read_json(x) for x in records)
    mixed["files"] = other["files"]
    del mixed["digest"]
    shutil.move(copied / "changed" / "2" / "state", copied / "2" / "other")
    shutil.rmtree(copied / "2" / "state")
    (copied / "2" / "other").rename(copied / "2" / "state")
    folder.write_json(records[0], mixed | {"digest": files._digest(mixed)})
    assert restore(copied, template, say=said.append).step == 1
    assert "digest of model.params.Dense_0.kernel disagrees" in said[0]


def test_all_damaged(copied, template, said):
    for step in (1, 2):
        shutil.rmtree(copied / str(step) / "state")
    with pytest.raises(CheckpointError, match=r"every .* damaged \(step 2: .*step 1: "):
        restore(copied, template, say=said.append)


def test_saving_goes_on_after_damage(copied, template, said):
    """The damaged one does not count as one of the two that are kept."""
    shutil.rmtree(copied / "2" / "state")
    assert restore(copied, template, say=said.append).step == 1
    with Checkpointer(copied) as checkpointer:
        checkpointer.save(2, make_state(2), {})
    assert [files.read(copied / str(x))[0]["step"] for x in steps(copied)] == [1, 2]


def test_another_config(saved, template, said):
    other = {**CONFIG, "optim": {"lr": 0.01, "kind": "adam", "b1": 0.9}}

    def changed(free, saved):
        return differences(saved, other, free)

    with pytest.raises(CheckpointError) as caught:
        restore(saved, template, say=said.append, changed=partial(changed, ()))
    assert "(optim.b1 absent -> 0.9, optim.lr 0.001 -> 0.01)" in str(caught.value)
    free = partial(changed, ["optim"])
    assert restore(saved, template, say=said.append, changed=free).step == 2


def test_another_machine(saved, template, said, monkeypatch):
    assert restore(saved, template, say=said.append, devices=8).step == 2
    assert f"another machine (devices {jax.device_count()} -> 8)" in said.pop()
    elsewhere = files.machine() | {"jax": "0.1"}
    monkeypatch.setattr(files, "machine", lambda used: elsewhere)
    assert restore(saved, template, say=said.append).step == 2
    assert len(said) == 1
    assert "another machine (jax" in said[0]


def test_template_must_fit(saved, template, said):
    wrong = template._replace(rest=())
    with pytest.raises(CheckpointError, match="another form: rest"):
        restore(saved, wrong, say=said.append)
    part = restore(saved, wrong, say=said.append, subset=True).tree
    assert same(part, make_state(2)._replace(rest=()))
    form = jax.ShapeDtypeStruct((2,), jnp.float32)
    wrong.model["params"]["odd"] = form
    with pytest.raises(CheckpointError, match=r"float32\[4\] there and float32\[2\]"):
        restore(saved, wrong, say=said.append, subset=True)
    wrong.model["params"]["odd"] = jax.eval_shape(make_state).model["params"]["odd"]


@pytest.mark.parametrize("leaf", [jax.random.key(0), 1.0, np.zeros(2)])
def test_refuses_leaves(tmp_path, leaf):
    with (
        Checkpointer(tmp_path) as checkpointer,
        pytest.raises(TypeError, match=r"a\.0: "),
    ):
        checkpointer.save(1, {"a": [leaf]}, {})


def test_sharding_of_the_template_is_kept(saved, template, said):
    mesh = jax.make_mesh((1,), ("data",), (jax.sharding.AxisType.Auto,))
    sharding = jax.NamedSharding(mesh, jax.P())
    placed = jax.tree.map(
        lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=sharding), template
    )
    tree = restore(saved, placed, say=said.append).tree
    assert all(x.sharding == sharding for x in jax.tree.leaves(tree))


def test_works_inside_an_event_loop(tmp_path, template, said):
    """As in a notebook."""

    async def cell():
        save_all(tmp_path, 1)
        return restore(tmp_path, template, say=said.append)

    assert same(asyncio.run(cell()).tree, make_state(1))


def big_state():
    noise = np.random.default_rng(0).integers(0, 2**31, (20, 60_000))
    return {f"x{i}": jnp.asarray(row, jnp.int32) for i, row in enumerate(noise)}


def check_failed_save(path, expected, capfd):
    """Twice, and nothing is left of either: no file, no write that goes on."""
    checkpointer = Checkpointer(path)
    for step in (3, 4):
        checkpointer.save(step, big_state(), {})
        with pytest.raises(CheckpointError) as caught:
            checkpointer.save(5, make_state(5), {})
        text = f"step {step} could not be saved ({expected}), step 2 is kept; make room"
        assert text in str(caught.value)
        assert "\n" not in str(caught.value)
    checkpointer.close()
    assert sorted(x.name for x in path.iterdir()) == ["1", "2"]
    assert capfd.readouterr().err == ""


def test_full_file(copied, template, said, capfd):
    """A limit on the file size fails in the manner of a full disk, everywhere."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        check_failed_save(copied, "File too large", capfd)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert same(restore(copied, template, say=said.append).tree, make_state(2))


def test_full_disk(saved, tmp_path, template, said, capfd):
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path)]
    if shutil.which("mount") is None or subprocess.run(mount, check=False).returncode:
        pytest.skip("mounting a small disk needs root")
    try:
        shutil.copytree(saved, tmp_path / "disk")
        check_failed_save(tmp_path / "disk", "No space left on device", capfd)
        restored = restore(tmp_path / "disk", template, say=said.append)
        assert same(restored.tree, make_state(2))
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


@pytest.mark.parametrize(
    ("error", "wins"),
    [(None, CheckpointError), (Preempted, CheckpointError), (KeyError, KeyError)],
)
def test_failed_save_at_the_end(tmp_path, monkeypatch, error, wins):
    """Nothing may claim to have saved; any other error of the block comes first."""

    def fail(*_):
        raise OSError("no disk")

    def body():
        with Checkpointer(tmp_path) as checkpointer:
            checkpointer.save(1, make_state(), {})
            if error:
                raise error

    monkeypatch.setattr(files, "write", fail)
    with pytest.raises(wins) as caught:
        body()
    text = str(caught.value) + "".join(getattr(caught.value, "__notes__", []))
    assert "(no disk), none is left" in text


LOOP = """
import jax.numpy as jnp, sys
from jaxad import folder
from jaxad.checkpoint import Checkpointer
assert not any(name.startswith("orbax") for name in sys.modules)
checkpointer = Checkpointer(sys.argv[1])
for step in range(1, 10_000):
    checkpointer.save(step, {"x": jnp.full((50_000,), step)}, {"epoch": step})
    print(step, flush=True)
"""


def test_kill_at_any_moment(tmp_path, said):
    """After each kill, the newest but one that had been begun is there, or newer."""
    random.seed(os.getpid())
    form = {"x": jax.ShapeDtypeStruct((50_000,), jnp.int32)}
    run = [sys.executable, "-c", LOOP, str(tmp_path)]
    with subprocess.Popen(run, stdout=subprocess.PIPE, cwd=Path.cwd()) as process:
        begun = [int(process.stdout.readline()) for _ in range(3)]
        time.sleep(random.uniform(0, 0.3))
        process.kill()
        begun += [int(line) for line in process.stdout]
    step, tree, meta = restore(tmp_path, form, say=said.append)
    assert begun[-1] - 1 <= step <= begun[-1] + 1
    assert meta == {"epoch": step}
    assert (np.asarray(tree["x"]) == step).all()
    assert said == []
    Checkpointer(tmp_path).close()
    assert sorted(int(x.name) for x in tmp_path.iterdir()) == steps(tmp_path)
