"""Images that stay in their files while a run trains on them."""

import dataclasses
import signal
import threading
import tracemalloc

import grain  # noqa: F401  # its own memory is not counted
import jax
import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

import jaxad
from jaxad import feeding
from jaxad.config import Baselines, Config, Defects, FixedFpr, Score, Threshold, Train
from jaxad.config.data import Augment, Data, Generated, Patches
from jaxad.config.models import Linear
from jaxad.data import Stored, load_for
from jaxad.data.splits import GOOD
from jaxad.errors import ConfigError, DataError, Preempted
from jaxad.folder import read_json


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    random, root = np.random.default_rng(1), tmp_path_factory.mktemp("set")
    for part, count in (("train/good", 15), ("test/good", 4), ("test/hole", 6)):
        (root / part).mkdir(parents=True)
        for number in range(count):
            pixels = random.integers(0, 256, (20, 30, 3), np.uint8)
            Image.fromarray(pixels).save(root / part / f"{number}.png")
    masks = root / "ground_truth/hole"
    masks.mkdir(parents=True)
    for number in range(6):
        Image.fromarray(np.eye(2, 3).repeat(10, 0).repeat(10, 1) > 0).save(
            masks / f"{number}.png"
        )
    return root


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """No pictures; two steps in a segment at most."""
    monkeypatch.setattr("jaxad.run.draw", lambda path: [])
    monkeypatch.setattr(feeding, "BYTES", 2 * 3 * 12 * 12 * 3)


def config(root, stream=True, **options):
    protocol = Defects(tune=0.5)
    own = {"size": 12, "protocol": protocol, "validation": 0.3} | options
    return Config(
        data=Data(root=str(root), stream=stream, **own),
        model=Linear(latent_dim=3),
        train=Train(epochs=3, batch_size=3, validate=2, ema=0.9),
        score=Score(names=("mse",), block=4),
        threshold=Threshold(rules=(FixedFpr(),)),
        baselines=Baselines(names=()),
    )


@pytest.fixture(scope="module")
def held(root, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jaxad.run.draw", lambda path: [])
        options = {"augment": Augment(flip_horizontal=True, shift=1)}
        own = config(root, stream=False, **options)
        return jaxad.train(own, out=tmp_path_factory.mktemp("runs") / "a", quiet=True)


def check_equal(found, held):
    for name, values in held.history.items():
        np.testing.assert_array_equal(found.history[name], values, err_msg=name)
    for ours, theirs in zip(
        jax.tree.leaves(found.state), jax.tree.leaves(held.state), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
    for name in ("scores", "thresholds", "metrics"):
        np.testing.assert_equal(getattr(found, name), getattr(held, name))
    envs = [read_json(run.path / "env.json")["data"] for run in (found, held)]
    assert envs[0] == envs[1]


def test_a_run_from_files_is_the_run_in_memory_bit_for_bit(
    root, held, tmp_path, monkeypatch
):
    cuts, given = [], feeding.Feeder.given

    def spy(self, *cut):
        cuts.append(cut)
        if len(cuts) == 4:  # in the second epoch
            signal.raise_signal(signal.SIGTERM)
        return given(self, *cut)

    monkeypatch.setattr(feeding.Feeder, "given", spy)
    own = dataclasses.replace(
        held.config, data=dataclasses.replace(held.config.data, stream=True)
    )
    with pytest.raises(Preempted):
        jaxad.train(own, out=tmp_path / "run", quiet=True)
    found = jaxad.train(own, out=tmp_path / "run", resume=True, quiet=True)
    check_equal(found, held)
    assert max(last - first for _, first, last in cuts) == 2
    assert sum(last - first for _, first, last in cuts) == 3 * 4
    assert not [t for t in threading.enumerate() if "grain" in t.name.lower()]


def test_stored_images_are_an_array_that_is_read_anew(root):
    stored, image = (
        load_for(config(root, stream).data).train.image for stream in (True, False)
    )
    assert isinstance(stored, Stored)
    assert (stored.shape, stored.dtype, len(stored)) == (image.shape, image.dtype, 15)
    some = np.array([4, 1, 1, -1])
    for index in (3, np.int64(-2), np.s_[2:9:3], some, np.arange(15) > 7, np.s_[:0]):
        np.testing.assert_array_equal(stored[index], image[index])
    np.testing.assert_array_equal(stored.at(some)[1:], image[some][1:])
    np.testing.assert_array_equal(np.asarray(stored), image)


def test_a_file_that_goes_while_a_run_trains_is_named(root, tmp_path, monkeypatch):
    given = feeding.Feeder.given

    def gone(self, epoch, first, last):
        item = self.data.image.items[0]
        broken = item._replace(image=item.image.with_name("gone.png"))
        images = dataclasses.replace(
            self.data.image, items=(broken,) * len(self.data.image)
        )
        self.data = self.data._replace(image=images)
        return given(self, epoch, first, last)

    monkeypatch.setattr(feeding.Feeder, "given", gone)
    with pytest.raises(DataError, match=r"gone.png: .*No such file"):
        jaxad.train(config(root), out=tmp_path / "run", quiet=True)


def test_memory_does_not_grow_with_the_number_of_images(tmp_path):
    (tmp_path / GOOD).mkdir()
    random = np.random.default_rng(0)
    for number in range(60):
        pixels = random.integers(0, 256, (256, 256), np.uint8)
        Image.fromarray(pixels).save(tmp_path / GOOD / f"{number}.bmp")
    peaks = []
    for stream in (True, False):
        data = config(tmp_path, stream, size=200).data
        tracemalloc.start()
        image = load_for(data).train.image
        assert sum(int(image[first : first + 5].sum()) for first in range(0, 60, 5))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    all_bytes = 60 * 200 * 200
    assert peaks[1] > all_bytes
    assert peaks[0] < all_bytes / 2


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"patches": Patches(size=8, stride=8)}, "patches.size needs all images in"),
        ({"generated": Generated(run="runs/a")}, "generated.run needs all images in"),
        ({"protocol": Defects(train=0.5)}, "protocol.train needs all images in memory"),
        ({"protocol": Config().data.protocol}, "stream is of a folder: set root and"),
    ],
)
def test_what_needs_all_images_is_refused_in_one_line(root, options, line):
    with pytest.raises(ValidationError, match=line):
        config(root, **options)


def test_what_follows_a_training_and_needs_all_images_is_refused(root, tmp_path):
    own = config(root)
    with pytest.raises(ValidationError, match="baselines are fitted to all images"):
        dataclasses.replace(own, baselines=Baselines(names=("pca",)))
    score = Score(names=("latent_mahalanobis",))
    with pytest.raises(
        ConfigError, match=r"data.stream: latent_mahalanobis are fitted"
    ):
        jaxad.train(
            dataclasses.replace(own, score=score), out=tmp_path / "a", quiet=True
        )
    with pytest.raises(ConfigError, match=r"data.stream: a sweep holds its images in"):
        jaxad.sweep(own, {"optim.lr": [1e-3]}, out=tmp_path / "b", quiet=True)
