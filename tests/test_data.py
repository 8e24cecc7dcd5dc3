"""Data sets: what is prepared comes back, quickly and in order."""

import http.server
import os
import sys
import threading
from functools import partial
from hashlib import sha256
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from idx_source import FILES, IMAGES, run, write_source
from PIL import Image
from sklearn.datasets import load_digits

from jaxad import data
from jaxad.data import mnist
from jaxad.data.idx import read_idx, read_pair
from jaxad.data.sources import SETS
from jaxad.errors import DataError


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    write_source(folder)
    return folder


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("JAXAD_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


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


def test_messages_say_what_to_do(home, source, tmp_path):
    with pytest.raises(DataError, match=r"mnist is not prepared.* --source DIR"):
        data.load("mnist")
    with pytest.raises(DataError, match="did you mean mnist"):
        data.load("mnits")
    with pytest.raises(DataError, match="there is no folder"):
        data.prepare("mnist", tmp_path / "nowhere")
    assert "not prepared" in data.verify("mnist")[0]


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


def test_the_published_files_of_another_set_are_refused(home, source, monkeypatch):
    path = source / f"{IMAGES}.gz"
    raw = path.read_bytes()
    infos = mnist.url_infos("http://x", {IMAGES: (len(raw), sha256(raw).hexdigest())})
    monkeypatch.setattr(mnist.FashionMnist, "url_infos", infos)
    line = rf"{source} is not.*these are the files of fashion_mnist \({path.name}\)"
    with pytest.raises(DataError, match=line):
        data.prepare("mnist", source)
    assert not data.names()["mnist"]
    data.prepare("fashion_mnist", source)
    write_source(source, seed=1)  # one's own, of the same size
    data.prepare("mnist", source)


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
    for entry in SETS.values():
        cls = getattr(import_module(entry.module), entry.builder)
        assert str(cls.VERSION) == entry.version


@pytest.mark.parametrize("channels", [0, 1, 2, 3, 4, 5])
def test_an_image_file_has_the_channels_of_the_run_or_is_refused(tmp_path, channels):
    shape = (5, 7, channels)
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    path = tmp_path / "a.png"
    readable = channels in (1, 3, 4)
    Image.fromarray(pixels.squeeze() if readable else pixels.sum(2) > 9).save(path)
    if readable:
        np.testing.assert_array_equal(data.read_image(path, shape), pixels)
        return
    with pytest.raises(DataError, match=f"on {channels} channels, image") as caught:
        data.read_image(path, shape)
    assert "\n" not in str(caught.value)


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
        (grey, np.array([0, -1]), "whole numbers from 0"),
        (grey, np.array([0, np.nan]), "whole numbers from 0"),
    ]
    for images, labels, message in bad:
        with pytest.raises(DataError, match=message):
            data.from_arrays(images, labels)
