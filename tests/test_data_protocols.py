"""Protocols by class and by data set, and folds: counts, disjointness, complaints."""

import dataclasses
import os
from pathlib import Path

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jaxad
from jaxad import config as configs
from jaxad import data
from jaxad.config import (
    Baselines,
    Config,
    Data,
    LeaveOut,
    Linear,
    OneClass,
    OtherDataset,
    Threshold,
    Train,
)
from jaxad.data import Examples, Source
from jaxad.errors import ConfigError, DataError

# Images of each digit in MNIST, as published.
TRAIN = (5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949)
TEST = (980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009)
REAL = os.environ.get("JAXAD_DATA_SOURCE", "")
SOURCE_003 = LeaveOut(swap_normals=True, train_images=35444, test_images=7088)


def examples(numbers, part="train", seed=0):
    """Tiny images, different from each other, with so many of each class."""
    label = np.repeat(np.arange(len(numbers)), numbers).astype(np.int32)
    label = np.random.default_rng(seed).permutation(label)
    index = np.arange(len(label), dtype=np.uint32) + 2**20 * (part == "test")
    image = index.view(np.uint8).reshape(-1, 2, 2, 1)
    return Examples(image, label, np.array([f"{part}-{i:06d}" for i in index]))


def make(train, test=None, **rest):
    held = None if test is None else examples(test, "test", 1)
    return Source(examples(train), held, "made", **rest)


SMALL = make((30, 40, 50, 20), (9, 8, 7, 6))
WHOLE = make((30, 40, 50, 20))
OTHER = make((15, 25), (5, 6), classes=("bag", "shirt"))


def split(source, protocol, seed=0, **rest):
    if isinstance(protocol, OtherDataset):
        source = source._replace(other=OTHER)
    spec = Data(protocol=protocol, **rest)
    found = data.split(source, spec, seed)
    return found, data.counts(source, found, spec)


def sizes(counted):
    return {name: (x["normal"], x["anomalous"]) for name, x in counted.items()}


def test_leave_out_has_the_counts_of_the_source():
    mnist = make(TRAIN, TEST)
    found, counted = split(mnist, SOURCE_003)
    assert sizes(counted) == {
        "train": (35444, 0),
        "val": (8044, 974),
        "test": (7088, 982),
        "unused": (5775, 5851 + 5842),
    }
    assert counted["val"]["defects"] == {"8": 974}
    assert counted["test"]["defects"] == {"4": 982}
    line = data.counts_line(counted)
    assert "test 7,088 normal + 982 anomalous; unused 5,775 normal + 11,693" in line
    normal = found.test.label == 0
    assert {name[:5] for name in found.test.id[normal]} == {"train"}
    assert {name[:4] for name in found.val.id} == {"test"}
    counted = split(mnist, LeaveOut(), folds=5, fold=4)[1]
    assert sizes(counted)["test"] == (8044, 982)
    assert sizes(counted)["val"] == (48307 // 5, 974)
    one = split(mnist, OneClass(normal=1, tune=30))[1]
    assert sizes(one)["val"] == (674, 30)
    assert sizes(one)["test"] == (1135, 10000 - 1135)


@pytest.mark.skipif(not REAL, reason="JAXAD_DATA_SOURCE names no folder with mnist/")
def test_mnist_itself_has_the_counts_of_the_source():
    data.prepare("mnist", Path(REAL) / "mnist")
    counted = split(data.load("mnist"), SOURCE_003)[1]
    expected = split(make(TRAIN, TEST), SOURCE_003)[1]
    assert counted == expected


classes = st.integers(0, 3)
protocols = st.one_of(
    st.builds(
        lambda order, cut, swap: LeaveOut(
            tune=tuple(order[:cut]), test=tuple(order[cut : cut + 1]), swap_normals=swap
        ),
        st.permutations(range(4)),
        st.integers(0, 2),
        st.booleans(),
    ),
    st.builds(OneClass, normal=classes, tune=st.integers(0, 20)),
    st.builds(OtherDataset, tune=st.none() | st.integers(0, 20)),
)


@settings(max_examples=60)
@given(protocols, st.booleans(), st.integers(0, 3))
def test_splits_share_no_image_and_lose_none(protocol, whole, seed):
    swap = getattr(protocol, "swap_normals", False)
    source = WHOLE if whole and not swap else SMALL
    found, counted = split(source, protocol, seed)
    again, _ = split(source, protocol, seed)
    jax.tree.map(np.testing.assert_array_equal, again, found)
    ids = np.concatenate([part.id for part in found.parts.values()])
    assert len(set(ids)) == len(ids)
    there: dict[str, tuple[int, np.ndarray]] = {}
    for part in (source.train, source.test or source.train):
        there |= {
            name: (int(number), image)
            for name, number, image in zip(part.id, part.label, part.image, strict=True)
        }
    strange = {
        "leave_out": lambda c, test: c in (protocol.test if test else protocol.tune),
        "one_class": lambda c, test: c != protocol.normal,
        "other_dataset": lambda c, test: False,
    }[protocol.kind]
    for name, part in found.parts.items():
        for i, (key, label) in enumerate(zip(part.id, part.label, strict=True)):
            if key in there:
                number, image = there[key]
                assert strange(number, name == "test") == label
                assert part.defect[i] == (str(number) if label else "good")
                np.testing.assert_array_equal(part.image[i], image)
            else:
                assert key.startswith("fashion_mnist:")
                assert label == 1
                assert part.defect[i] in ("fashion_mnist:bag", "fashion_mnist:shirt")
        assert part.original is None
        assert len(part.id) == counted[name]["normal"] + counted[name]["anomalous"]
    assert not found.train.label.any()
    assert counted["unused"]["normal"] == 0
    total = len(there) + (51 if protocol.kind == "other_dataset" else 0)
    assert len(ids) + counted["unused"]["anomalous"] == total


@pytest.mark.parametrize(
    ("protocol", "source", "normal"),
    [
        (configs.Corrupted(), WHOLE, 140 - 28),
        (
            configs.Corrupted(),
            data.from_arrays(WHOLE.train.image, np.tile([0, 1], 70)),
            56,
        ),
        (LeaveOut(tune=(0,), test=(3,)), SMALL, 90),
        (OneClass(normal=2, tune=3), SMALL, 50),
        (OtherDataset(), SMALL, 140),
    ],
)
def test_folds_are_disjoint_and_cover_all(protocol, source, normal):
    folds = [split(source, protocol, folds=4, fold=i)[0] for i in range(4)]
    rows = [part.val.row[part.val.clean].tolist() for part in folds]
    assert max(map(len, rows)) - min(map(len, rows)) <= 1
    together = np.concatenate(rows).tolist()
    assert len(together) == len(set(together)) == normal
    for part, own in zip(folds, rows, strict=True):
        assert sorted([*part.train.row.tolist(), *own]) == sorted(together)
        same = part.test.row, folds[0].test.row
        np.testing.assert_array_equal(*same)


def test_limits_and_wanted_numbers_take_fewer():
    protocol = LeaveOut(tune=(0,), test=(3,), train_images=5, test_images=6)
    found, counted = split(SMALL, protocol, limit=4)
    assert [len(part.id) for part in found.parts.values()] == [4, 8, 8]
    assert counted["unused"] == {"normal": 105 - 12, "anomalous": 65 - 8}
    assert sizes(split(SMALL, protocol)[1])["train"] == (5, 0)
    floats = data.from_arrays(np.linspace(0, 1, 160).reshape(40, 2, 2))
    found, _ = split(floats, OtherDataset(), size=3)
    assert {part.image.dtype for part in found.parts.values()} == {np.dtype(np.float32)}
    assert found.test.image.max() <= 1
    assert found.val.image.shape[1:] == (3, 3, 1)


@pytest.mark.parametrize(
    ("protocol", "source", "line"),
    [
        (LeaveOut(tune=(0,), test=(9,)), SMALL, "no class 9; there are: 0, 1, 2, 3$"),
        (LeaveOut(tune=(0, 1), test=(2, 3)), SMALL, "no normal class; there are: 0, 1"),
        (
            LeaveOut(tune=(1,), test=(2,)),
            make((3, 3, 3), (3, 3), classes=("hat", "sock", "coat")),
            r"class coat has no images in the test split.* 0 \(hat\), 1 \(sock\)$",
        ),
        (
            LeaveOut(tune=(0,), test=(1,), train_images=64),
            SMALL,
            "train_images: 64 .*63",
        ),
        (LeaveOut(tune=(0,), test=(1,), test_images=14), SMALL, "test_images: 14 .*13"),
        (
            LeaveOut(tune=(0,), test=(1,), test_images=70, swap_normals=True),
            SMALL,
            "test_images: 70 of 70",
        ),
        (LeaveOut((0,), (1,), swap_normals=True), WHOLE, "no test split to validate"),
        (OneClass(normal=4), SMALL, "no class 4; there are: 0, 1, 2, 3$"),
        (OneClass(normal=2), make((3, 3, 3), (3, 3)), "normal: class 2 has no images"),
        (OneClass(), make((9,)), "0 is the only class of the training split"),
        (OneClass(tune=111), SMALL, "tune: 111 is more than the 110 .*are: 0, 1"),
        (OneClass(tune=110), WHOLE, "tune: 110 is more than the 109"),
        (OtherDataset(tune=41), SMALL, "tune: 41 is more than the 40 images of fash"),
        (OtherDataset(), data.from_arrays(np.ones((9, 3, 3))), "are 2x2x1, .* 3x3x1"),
        (
            OtherDataset(),
            data.from_arrays(np.ones((9, 2, 2)), np.arange(9) == 8),
            "anomalies of their own",
        ),
        (
            configs.Corrupted(),
            data.from_arrays(np.ones((9, 2, 2)), np.arange(9)),
            "leave_out or one_class",
        ),
    ],
)
def test_what_cannot_be_split_is_said_in_one_line(protocol, source, line):
    with pytest.raises((DataError, ConfigError), match=line) as caught:
        split(source, protocol)
    assert "\n" not in str(caught.value)


def test_more_folds_than_images_are_refused():
    with pytest.raises(DataError, match="41 folds are more than the 40 normal images"):
        split(SMALL, OneClass(normal=1), folds=41)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ("--data.protocol.kind leave_out --data.protocol.tune 4", "class 4 is in tune"),
        ("--data.protocol.kind leave_out --data.protocol.test", "at least 1 value"),
        (
            "--data.protocol.kind leave_out --data.protocol.swap-normals True "
            "--data.folds 3",
            "folds cut validation images from the training normals",
        ),
        ("--data.folds 3 --data.fold 3", "fold 3 of 3 folds: .* from 0 to 2"),
        ("--data.folds 1", "1 is not at least 2"),
        ("--data.fold 1", "fold 1 needs folds"),
        (
            "--data.protocol.kind other_dataset --data.protocol.name digits",
            "digits cannot be both",
        ),
    ],
)
def test_a_config_that_contradicts_itself_is_refused(options, line):
    with pytest.raises(ConfigError, match=line):
        configs.override(Config(), options.split())


@pytest.mark.parametrize("protocol", [SOURCE_003, OneClass(), OtherDataset()])
def test_protocols_come_back_from_json_and_by_name(protocol):
    config = Config(data=Data(protocol=protocol))
    assert configs.from_json(configs.to_json(config)) == config
    values = {"data.protocol.kind": protocol.kind}
    assert configs.set_values(Config(), values).data.protocol == type(protocol)()
    hash(configs.blank(config))


def test_a_missing_set_of_anomalies_says_how_to_prepare_it(monkeypatch, tmp_path):
    monkeypatch.setenv("JAXAD_DATA_DIR", str(tmp_path))
    spec = Data(name="arrays", protocol=OtherDataset())
    with pytest.raises(DataError, match=r"fashion_mnist is not prepared.* --source"):
        data.load_for(spec, np.zeros((9, 28, 28), np.uint8))
    spec = Data(name="arrays", protocol=OtherDataset(name="digits"))
    images = np.zeros((9, 28, 28), np.uint8)
    found = data.load_for(spec, images)
    assert found.fingerprint != data.from_arrays(images).fingerprint
    splits = data.split(found, spec, 0)
    assert splits.val.defect[-1].startswith("digits:")
    assert splits.val.label.tolist() == [0, 1]
    assert splits.test.label.sum() == 1796


CONFIG = Config(
    model=Linear(latent_dim=4),
    train=Train(epochs=2, batch_size=64),
    baselines=Baselines(names=()),
)


def test_a_run_of_digits_without_two_of_them(tmp_path):
    config = dataclasses.replace(CONFIG, data=Data(limit=150, protocol=LeaveOut()))
    run = jaxad.train(config, out=tmp_path / "run", quiet=True)
    test = run.scores["split"] == "test"
    strange = run.scores["label"] == 1
    assert set(run.scores["defect"][test & strange]) == {"4"}
    assert set(run.scores["defect"][~test & strange]) == {"8"}
    assert "anomalous_vs_clean" not in run.metrics["reconstruction"]
    assert "curve" not in run.metrics
    images = jaxad.folder.read_json(tmp_path / "run" / "env.json")["images"]
    assert images["test"] == {"normal": 150, "anomalous": 150, "defects": {"4": 150}}


def test_a_run_of_one_class_of_arrays_without_anomalies_to_tune_on(tmp_path):
    digits = data.load("digits").train
    given_data = digits.image[:400], digits.label[:400]
    spec = Data(name="arrays", protocol=OneClass(normal=3))
    config = dataclasses.replace(CONFIG, data=spec)
    with pytest.raises(ConfigError, match="anomal"):
        jaxad.train(config, given_data, out=tmp_path / "labels", quiet=True)
    rules = Threshold(rules=(configs.ZScore(), configs.Conformal()))
    config = dataclasses.replace(config, threshold=rules)
    run = jaxad.train(config, given_data, out=tmp_path / "run", quiet=True)
    assert not run.scores["label"][run.scores["split"] == "val"].any()
    assert run.metrics["image"]["mse"]["n_anomalous"] == np.sum(given_data[1] != 3)
