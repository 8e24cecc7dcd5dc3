"""Data sets: read right, written whole, refused when damaged, never served stale."""

import errno
import gzip
import http.server
import logging
import os
import subprocess
import sys
import threading
from functools import partial
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from jaxad import data
from jaxad.data import builders, mnist, store
from jaxad.data.idx import read_idx, read_pair
from jaxad.errors import DataError

FILES = {
    "train-images-idx3-ubyte": (12, 28, 28),
    "train-labels-idx1-ubyte": (12,),
    "t10k-images-idx3-ubyte": (7, 28, 28),
    "t10k-labels-idx1-ubyte": (7,),
}
IMAGES = "train-images-idx3-ubyte"


def idx(array):
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes((0, 0, 8, array.ndim)) + sizes + array.tobytes()


def write_source(folder, seed=0, packed=True):
    """Four small IDX files; returns what they hold."""
    folder.mkdir(exist_ok=True)
    random = np.random.default_rng(seed)
    arrays = {n: random.integers(0, 256, s, np.uint8) for n, s in FILES.items()}
    for name, array in arrays.items():
        raw = idx(array)
        path = folder / (f"{name}.gz" if packed else name)
        path.write_bytes(gzip.compress(raw) if packed else raw)
    return arrays


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    write_source(folder)
    return folder


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("JAXAD_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def run(code):
    return subprocess.Popen([sys.executable, "-W", "error", "-c", code])


def leftovers(home):
    return [path.name for path in home.glob("*/*") if path.name != ".lock"]


def test_prepared_data_comes_back_in_source_order(home, tmp_path):
    arrays = write_source(tmp_path / "plain", packed=False)
    assert not data.names()["mnist"]
    data.prepare("mnist", tmp_path / "plain")
    assert data.names()["mnist"]
    found = data.load("mnist")
    for split, part in (("train", "train"), ("t10k", "test")):
        examples = getattr(found, part)
        images = arrays[f"{split}-images-idx3-ubyte"]
        np.testing.assert_array_equal(examples.image[..., 0], images)
        np.testing.assert_array_equal(
            examples.label, arrays[f"{split}-labels-idx1-ubyte"]
        )
        assert examples.label.dtype == np.int32
        assert examples.id.tolist() == [f"{part}-{i:06d}" for i in range(len(images))]
    assert isinstance(found.train.image, np.memmap)
    assert data.verify("mnist") == []
    write_source(tmp_path / "packed")
    data.prepare("mnist", tmp_path / "packed")
    assert data.load("mnist").fingerprint == found.fingerprint


def test_a_later_start_imports_neither_tfds_nor_tensorflow(home, source):
    data.prepare("mnist", source)
    assert "tensorflow" not in sys.modules
    code = (
        "import sys, jaxad.data as d; d.load('mnist'); d.prepare('mnist');"
        "sys.exit(any(n.startswith('tensorflow') for n in sys.modules))"
    )
    assert run(code).wait() == 0


def test_another_source_replaces_the_first(home, source, tmp_path):
    data.prepare("mnist", source)
    before = data.load("mnist")
    arrays = write_source(tmp_path / "other", seed=1)
    data.prepare("mnist", tmp_path / "other")
    after = data.load("mnist")
    np.testing.assert_array_equal(after.train.image[..., 0], arrays[IMAGES])
    assert after.fingerprint != before.fingerprint
    assert len(list((home / "mnist").glob("decoded-*"))) == 1
    assert before.train.image.sum() > 0, "an open memory map stays readable"


def cut_file(path):
    path.write_bytes(path.read_bytes()[:-50])


def short(path):
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[:-1]))


def long(path):
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()) + b"0"))


def wrong_magic(path):
    raw = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(raw[:2] + b"\x0d" + raw[3:]))


def flip(path):
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 255
    path.write_bytes(raw)


def wrong_count(path):
    path.write_bytes(gzip.compress(idx(np.zeros((11, 28, 28), np.uint8))))


def wrong_size(path):
    path.write_bytes(gzip.compress(idx(np.zeros((12, 28, 20), np.uint8))))


def empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize(
    "damage",
    [
        cut_file,
        short,
        long,
        wrong_magic,
        flip,
        wrong_count,
        wrong_size,
        empty,
        os.remove,
    ],
)
def test_damaged_sources_are_refused_and_leave_what_was_there(
    home, source, tmp_path, damage
):
    with_data = damage in (short, os.remove)
    if with_data:
        write_source(tmp_path / "good")
        data.prepare("mnist", tmp_path / "good")
    before = leftovers(home)
    damage(source / f"{IMAGES}.gz")
    with pytest.raises(DataError) as caught:
        data.prepare("mnist", source)
    message = str(caught.value)
    assert str(source) in message
    assert "\n" not in message
    assert leftovers(home) == before
    assert data.names()["mnist"] == with_data
    assert not with_data or len(data.load("mnist").train.image) == 12


def test_messages_say_what_to_do(home, source, tmp_path):
    with pytest.raises(DataError, match=r"mnist is not prepared.* --source DIR"):
        data.load("mnist")
    with pytest.raises(DataError, match="did you mean mnist"):
        data.load("mnits")
    with pytest.raises(DataError, match="there is no folder"):
        data.prepare("mnist", tmp_path / "nowhere")
    assert "not prepared" in data.verify("mnist")[0]


def test_a_damaged_decoded_copy_is_made_again(home, source, caplog):
    data.prepare("mnist", source)
    before = data.load("mnist")
    for damage in (flip, cut_file, os.remove):
        damage(next(home.glob("mnist/decoded-*/train-image.npy")))
        assert "decoded again" in data.verify("mnist")[0]
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            after = data.load("mnist")
        assert "decoding mnist again" in caplog.text
        assert after.fingerprint == before.fingerprint
        assert data.verify("mnist") == []


@pytest.mark.parametrize("damage", [flip, cut_file, empty, os.remove])
def test_a_damaged_data_set_is_never_served(home, source, damage):
    data.prepare("mnist", source)
    shard = next(home.glob("mnist/1.0.0/*train.array_record*"))
    damage(shard)
    with pytest.raises(DataError, match="data prepare mnist --source DIR") as caught:
        data.load("mnist")
    assert str(shard) in str(caught.value)
    assert str(shard) in data.verify("mnist")[0]
    data.prepare("mnist", source)
    assert data.verify("mnist") == []


@pytest.mark.parametrize("damage", [flip, cut_file, empty])
def test_a_damaged_array_record_is_not_read_as_a_smaller_one(home, source, damage):
    folder = data.prepare("mnist", source)
    damage(next(folder.glob("*train.array_record*")))
    with pytest.raises(DataError, match="train"):
        builders.read(folder)


def test_two_processes_prepare_at_once_and_remains_are_swept(home, source):
    remains = home / "mnist" / ".incomplete" / "mnist"
    remains.mkdir(parents=True)
    code = (
        f"import jaxad.data as d; d.prepare('mnist', {str(source)!r});"
        "assert len(d.load('mnist').test.image) == 7"
    )
    workers = [run(code) for _ in range(2)]
    assert [worker.wait() for worker in workers] == [0, 0]
    assert not remains.exists()
    assert data.verify("mnist") == []


def test_a_full_disk_is_reported_and_leaves_nothing(home, source, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store.np, "save", full)
    with pytest.raises(DataError, match=r"No space left.*JAXAD_DATA_DIR"):
        data.prepare("mnist", source)
    assert leftovers(home) == []
    (home / "file").touch()
    monkeypatch.setenv("JAXAD_DATA_DIR", str(home / "file"))
    with pytest.raises(DataError, match="cannot write to"):
        data.prepare("mnist", source)


@pytest.fixture
def server(source):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    address = ("127.0.0.1", 0)
    with http.server.ThreadingHTTPServer(
        address, partial(Quiet, directory=source)
    ) as s:
        threading.Thread(target=s.serve_forever).start()
        yield f"http://127.0.0.1:{s.server_port}"
        s.shutdown()


def test_download_checks_the_digests(home, source, server, monkeypatch):
    def offer(digest):
        files = {}
        for name in FILES:
            raw = (source / f"{name}.gz").read_bytes()
            files[name] = (len(raw), digest(raw).hexdigest())
        monkeypatch.setattr(mnist.Mnist, "url_infos", mnist.url_infos(server, files))

    offer(lambda raw: sha256(raw + b"x"))
    with pytest.raises(DataError, match=r"wrong checksum.*--source DIR") as caught:
        data.prepare("mnist")
    assert "\n" not in str(caught.value)
    offer(sha256)
    data.prepare("mnist")
    assert len(data.load("mnist").train.image) == 12


def test_an_unreachable_host_is_reported_at_once(home, monkeypatch):
    infos = mnist.url_infos("http://127.0.0.1:9", dict.fromkeys(FILES, (1, "0")))
    monkeypatch.setattr(mnist.Mnist, "url_infos", infos)
    with pytest.raises(DataError, match=r"cannot download mnist .*--source DIR"):
        data.prepare("mnist")


def test_digits_prepare_themselves(home):
    found = data.load("digits")
    assert found.test is None
    assert found.train.image.shape == (1797, 28, 28, 1)
    golden, label = load_digits(return_X_y=True)
    np.testing.assert_array_equal(found.train.label, label)
    assert found.train.image.max() == 255
    means = found.train.image.mean((1, 2, 3)) / 255
    np.testing.assert_allclose(means, golden.mean(1) / 16, atol=0.02)


def test_every_set_has_a_builder_of_the_stated_version():
    from importlib import import_module

    from jaxad.data.sources import SETS

    for entry in SETS.values():
        cls = getattr(import_module(entry.module), entry.builder)
        assert str(cls.VERSION) == entry.version


REAL = os.environ.get("JAXAD_DATA_SOURCE")


@pytest.mark.skipif(not REAL, reason="JAXAD_DATA_SOURCE names no folder with mnist/")
@pytest.mark.parametrize(
    ("name", "mean"), [("mnist", 33.3184), ("fashion_mnist", 72.9404)]
)
def test_published_files(name, mean):
    """Means of the training pixels: .1307 and .2860 of white, as often quoted."""
    folder = Path(REAL) / name
    image, label = read_pair(
        folder / f"{IMAGES}.gz", folder / "train-labels-idx1-ubyte.gz"
    )
    assert image.shape == (60000, 28, 28, 1)
    assert image.mean() == pytest.approx(mean, abs=1e-3)
    assert np.bincount(label).sum() == 60000
    assert read_idx(folder / "t10k-labels-idx1-ubyte.gz", 1).shape == (10000,)


@pytest.mark.soak
@pytest.mark.skipif(not REAL, reason="JAXAD_DATA_SOURCE names no folder with mnist/")
def test_a_second_start_loads_mnist_in_under_a_second(home):
    data.prepare("mnist", Path(REAL) / "mnist")
    code = (
        "import time, jaxad.data as d; t = time.monotonic(); d.load('mnist');"
        "assert time.monotonic() - t < 1"
    )
    assert run(code).wait() == 0


def test_arrays_are_checked_and_take_an_axis():
    grey = np.linspace(0, 1, 2 * 6 * 5).reshape(2, 6, 5)
    found = data.from_arrays(grey, np.array([False, True]))
    assert found.train.image.shape == (2, 6, 5, 1)
    assert found.train.image.dtype == np.float32
    assert found.train.label.tolist() == [0, 1]
    assert found.labelled
    assert not data.from_arrays(np.zeros((2, 6, 5, 3), np.uint8)).labelled
    assert found.fingerprint != data.from_arrays(grey).fingerprint
    bad = [
        (grey[0], None, "not empty"),
        (grey[:0], None, "not empty"),
        (grey * 255, None, r"\[0, 1\]"),
        (np.where(grey > 0.5, np.nan, grey), None, "NaN"),
        (np.zeros((2, 6, 5), np.int64), None, "int64"),
        (grey, np.zeros(3), r"\(2,\)"),
        (grey, np.array([0, 2]), "0 .normal. or 1"),
        (grey, np.array([0, np.nan]), "0 .normal. or 1"),
    ]
    for images, labels, message in bad:
        with pytest.raises(DataError, match=message):
            data.from_arrays(images, labels)
