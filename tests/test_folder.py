"""Files are whole and exact, folders have one owner, signals are heard."""

import csv
import json
import math
import os
import resource
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxad import folder, opening
from jaxad.errors import BusyError, CheckpointError, ConfigError, DataError
from jaxad.signals import watch

few = settings(max_examples=30, deadline=None)
finite = st.floats(allow_nan=False, allow_infinity=False)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("scratch")


@few
@given(st.dictionaries(st.text(), st.lists(finite) | st.text() | finite))
def test_json_is_exact(scratch, value):
    folder.write_json(scratch / "x.json", value)
    assert folder.read_json(scratch / "x.json") == value


def test_json_of_numpy_and_not_finite_values(tmp_path):
    value = {"a": np.float32(0.5), "b": (np.int64(3), np.bool_(True)), 2: [np.nan]}
    folder.write_json(tmp_path / "x.json", value | {"c": np.array([1.0, -np.inf])})
    expected = {"a": 0.5, "b": [3, True], "2": [None], "c": [1.0, None]}
    assert json.loads((tmp_path / "x.json").read_text()) == expected


@few
@given(st.lists(st.tuples(st.text("ab,\"\n'ä"), st.floats(), st.floats(width=32))))
def test_csv_is_exact(scratch, rows):
    names, wide, narrow = zip(*rows, strict=True) if rows else ((), (), ())
    columns = {"name": names, "wide": wide, "narrow": np.array(narrow, np.float32)}
    folder.write_csv(scratch / "x.csv", columns)
    with open(scratch / "x.csv", newline="", encoding="utf-8") as file:
        back = list(csv.DictReader(file))
    assert [row["name"] for row in back] == list(names)
    for row, a, b in zip(back, wide, narrow, strict=True):
        assert np.array_equal(float(row["wide"]), a, equal_nan=True)
        assert np.array_equal(float(row["narrow"]), b, equal_nan=True)


def test_csv_of_mixed_values(tmp_path):
    columns = {"a": [np.float32(0.5), None, 3], "b": np.array([True, False, True])}
    folder.write_csv(tmp_path / "x.csv", columns)
    assert (tmp_path / "x.csv").read_text() == "a,b\n0.5,True\n,False\n3,True\n"
    with pytest.raises(ValueError, match="shorter"):
        folder.write_csv(tmp_path / "x.csv", {"a": [1], "b": []})


def test_npz(tmp_path):
    folder.write_npz(tmp_path / "deep" / "x.npz", {"a": np.eye(2, dtype=np.float32)})
    with np.load(tmp_path / "deep" / "x.npz", allow_pickle=False) as back:
        assert np.array_equal(back["a"], np.eye(2))
    with pytest.raises(ValueError, match="objects"):
        folder.write_npz(tmp_path / "y.npz", {"a": np.array([{}])})


def test_full_disk_leaves_the_old_file(tmp_path):
    folder.write_text(tmp_path / "x", "old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(CheckpointError, match=r"x: .*File too large.* make room"):
            folder.write_bytes(tmp_path / "x", bytes(1_000_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [x.name for x in tmp_path.iterdir()] == ["x"]
    assert (tmp_path / "x").read_text() == "old"


def test_read_json_says_what_is_wrong(tmp_path):
    with pytest.raises(DataError, match="No such file"):
        folder.read_json(tmp_path / "x.json")
    (tmp_path / "x.json").write_bytes(b'{"a": ')
    with pytest.raises(DataError, match=r"x\.json: not a JSON file"):
        folder.read_json(tmp_path / "x.json")


HOLD = """
import sys
from jaxad.opening import lock
assert "jax" not in sys.modules
with lock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_lock_names_its_holder_and_ends_with_it(tmp_path):
    run = [sys.executable, "-c", HOLD, str(tmp_path / "run")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(run, **pipes) as process:
        assert process.stdout.readline() == b"held\n"
        holder = f"process {process.pid} on {os.uname().nodename}"
        with pytest.raises(BusyError, match=holder), opening.lock(tmp_path / "run"):
            pass
        process.kill()
    with opening.lock(tmp_path / "run"), pytest.raises(BusyError, match="in use"):
        opening.lock(tmp_path / "run").__enter__()
    with opening.lock(tmp_path / "run"):
        pass
    assert (tmp_path / "run" / ".lock").exists(), "of a killed process: left alone"


def test_a_folder_that_nothing_was_written_to_does_not_stay(tmp_path):
    with opening.lock(tmp_path / "runs" / "a"):
        pass
    assert [*tmp_path.iterdir()] == [tmp_path / "runs"]
    assert [*(tmp_path / "runs").iterdir()] == []
    with opening.lock(tmp_path / "b"):
        (tmp_path / "b" / "config.json").touch()
    assert (tmp_path / "b" / ".lock").exists()
    # Whoever opened the lock before it was removed does not hold the folder.
    with opening.lock(tmp_path / "c"):
        (tmp_path / "c" / ".lock").rename(tmp_path / "c" / "old")
        with open(tmp_path / "c" / "old", "rb") as file:
            assert not opening._is(file, tmp_path / "c" / ".lock")


def test_lock_refuses_a_file(tmp_path):
    (tmp_path / "x").touch()
    for path in (tmp_path / "x", tmp_path / "x" / "y"):
        with (
            pytest.raises((ConfigError, CheckpointError)) as caught,
            opening.lock(path),
        ):
            pass
        assert "another --out" in str(caught.value)


def test_open_run(tmp_path):
    said = []
    with opening.lock(tmp_path):
        assert not opening.open_run(tmp_path, False, said.append)
        assert said == []
        (tmp_path / ".metrics.json.1.tmp").touch()
        assert not opening.open_run(tmp_path, True, said.append)
        assert "nothing saved yet" in said.pop()
        (tmp_path / folder.CONFIG).touch()
        with pytest.raises(ConfigError, match="pass --resume"):
            opening.open_run(tmp_path, False, said.append)
        assert not opening.open_run(tmp_path, True, said.append)
        assert "nothing saved yet" in said.pop()
        (tmp_path / folder.CHECKPOINTS[0] / "7").mkdir(parents=True)
        assert opening.open_run(tmp_path, True, said.append)
    assert said == []
    names = sorted(x.name for x in tmp_path.iterdir())
    assert names == [".lock", folder.CHECKPOINTS[0], folder.CONFIG]


def test_lock_leaves_a_folder_that_is_not_a_run_alone(tmp_path):
    (tmp_path / "thesis.tex").touch()
    (tmp_path / ".thesis.tex.12.tmp").touch()
    with pytest.raises(ConfigError, match="not a run folder"), opening.lock(tmp_path):
        pass
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [".thesis.tex.12.tmp", "thesis.tex"]


def test_fresh(tmp_path):
    for expected in ("a", "a-2", "a-3"):
        path = opening.fresh("a", tmp_path)
        assert path == tmp_path / expected
        path.mkdir()
    for name in ("../a", "a/b", "", ".."):
        with pytest.raises(ConfigError, match="below"):
            opening.fresh(name, tmp_path)


def test_signals_set_a_flag():
    before = [signal.getsignal(x) for x in (signal.SIGTERM, signal.SIGINT)]
    with watch() as stop:
        assert not stop.requested
        signal.raise_signal(signal.SIGTERM)
        assert (stop.requested, stop.name) == (True, "SIGTERM")
        signal.raise_signal(signal.SIGINT)
        assert stop.name == "SIGINT"
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert [signal.getsignal(x) for x in (signal.SIGTERM, signal.SIGINT)] == before


def test_signals_in_a_thread_are_left_alone():
    seen = []

    def run():
        with watch() as stop:
            seen.append(stop.requested)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [False]


def test_plain_keeps_what_is_finite():
    assert folder.plain([1, 1.5, "a", None, True, math.inf]) == [
        *(1, 1.5, "a", None, True),
        None,
    ]
