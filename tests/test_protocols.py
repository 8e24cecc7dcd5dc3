"""Who sees which images, what counts as anomalous, and what happens on the device."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage

from jaxad import data
from jaxad.config import Augment, Corrupted, Corruption, Data
from jaxad.corrupt import corrupt_examples
from jaxad.errors import ConfigError, DataError
from jaxad.streams import stream

COUNT = 60


def images(count, seed=0, size=8):
    random = np.random.default_rng(seed)
    return random.integers(50, 200, (count, size, size, 1), np.uint8)


def spec(kind="salt_and_pepper", level=0.3, contamination=0.0, **rest):
    corruption = Corruption(kind=kind, level=level)
    protocol = Corrupted(corruption=corruption, contamination=contamination)
    return Data(protocol=protocol, **rest)


@pytest.fixture(scope="module")
def source():
    return data.from_arrays(images(COUNT))


@pytest.fixture(scope="module")
def splits(source):
    return data.split(source, spec(), seed=0)


def test_every_normal_is_in_one_split(source, splits):
    rows = [part.row[part.clean] for part in splits.parts.values()]
    assert [len(r) for r in rows] == [43, 5, 12]
    assert sorted(np.concatenate(rows)) == list(range(COUNT))
    for part, row in zip(splits.parts.values(), rows, strict=True):
        assert (np.diff(row) > 0).all()
        clean = part.image[part.clean]
        np.testing.assert_array_equal(clean, source.train.image[row])
        assert part.id[part.clean].tolist() == source.train.id[row].tolist()
        assert part.label.dtype == part.row.dtype == np.int32


def test_the_seed_alone_decides(source, splits):
    again = data.split(source, spec(), seed=0)
    jax.tree.map(np.testing.assert_array_equal, again, splits)
    other = data.split(source, spec(), seed=1)
    assert other.test.row.tolist() != splits.test.row.tolist()


def test_a_published_test_split_is_kept(source):
    test = data.from_arrays(images(9, seed=1)).train
    found = data.split(source._replace(test=test), spec(), seed=0)
    np.testing.assert_array_equal(found.test.image[:9], test.image)
    assert sum(part.clean.sum() for part in found[:2]) == COUNT


def test_copies_follow_their_originals(splits):
    for part in splits[1:3]:
        half = len(part.id) // 2
        assert part.label.tolist() == [0] * half + [1] * half
        assert part.defect.tolist() == ["good"] * half + ["salt_and_pepper"] * half
        assert part.id[half] == f"{part.id[0]}+salt_and_pepper"
        np.testing.assert_array_equal(part.original[half:], part.image[:half])
        np.testing.assert_array_equal(part.original[:half], part.image[:half])
        changed = part.image[half:] != part.image[:half]
        assert np.isin(part.image[half:][changed], (0, 255)).all()
        assert changed.mean() == pytest.approx(0.3, abs=0.08)


def test_copies_are_the_documented_ones(splits):
    test = splits.test
    key = stream(stream(jax.random.key(0), "protocol"), "test")
    normal = jnp.asarray(test.image[test.clean], jnp.float32) / 255
    golden = corrupt_examples("salt_and_pepper", key, test.row[:12], normal, 0.3)
    np.testing.assert_allclose(test.image[12:] / 255, golden, atol=1e-6)


def test_a_curve_meets_the_split_at_its_own_level(splits):
    test = splits.test
    again = data.corrupted_copies(test, spec(), 0, 0.3)
    np.testing.assert_array_equal(again.image, test.image[12:])
    more = data.corrupted_copies(test, spec(), 0, 0.9)
    assert (more.image != test.image[:12]).mean() > 0.8
    none = data.corrupted_copies(test, spec(), 0, 0.0)
    np.testing.assert_array_equal(none.image, test.image[:12])
    assert not none.label.any()
    assert set(none.defect) == {"unchanged"}


def test_copies_unchanged_by_chance_are_normal(source):
    test = data.split(source, spec(level=0.02), seed=0).test
    changed = (test.image != test.original).any((1, 2, 3))
    np.testing.assert_array_equal(test.label, changed)
    unchanged = test.defect == "unchanged"
    assert 0 < unchanged.sum() < 12
    np.testing.assert_array_equal(unchanged[12:], ~changed[12:])


def test_a_limit_takes_the_first_and_moves_no_noise(source, splits):
    cut = data.split(source, spec(limit=3), seed=0)
    assert [len(part.id) for part in cut.parts.values()] == [3, 6, 6]
    for part, whole in zip(cut[1:3], splits[1:3], strict=True):
        rows = np.flatnonzero(np.isin(whole.row, part.row[:3]))
        np.testing.assert_array_equal(part.image, whole.image[rows])


def test_contamination_hides_in_the_training_set(source, splits):
    train = data.split(source, spec(contamination=0.1), seed=0).train
    assert not train.label.any()
    dirty = train.defect == "salt_and_pepper"
    assert dirty.sum() == round(0.1 * len(train.id))
    differs = (train.image != splits.train.image).any((1, 2, 3))
    np.testing.assert_array_equal(differs, dirty)
    assert all(name.endswith("+salt_and_pepper") for name in train.id[dirty])


def test_labelled_arrays_keep_anomalies_out_of_training():
    label = np.repeat([0, 1], [COUNT - 7, 7])
    source = data.from_arrays(images(COUNT) / 255, label)
    found = data.split(source, spec(), seed=0)
    assert [int(part.label.sum()) for part in found.parts.values()] == [0, 3, 4]
    rows = np.concatenate([part.row for part in found.parts.values()])
    assert sorted(rows) == list(range(COUNT))
    for part in found.parts.values():
        np.testing.assert_array_equal(part.label, label[part.row])
        np.testing.assert_array_equal(part.clean, part.label == 0)
        np.testing.assert_array_equal(part.image, source.train.image[part.row])
        assert part.image.dtype == np.float32
        assert part.original is None


def test_too_few_images_are_refused():
    with pytest.raises(DataError, match="1 normal images are too few"):
        data.split(data.from_arrays(images(1)), spec(), seed=0)
    with pytest.raises(DataError, match="for validation"):
        data.split(data.from_arrays(images(2)), spec(), seed=0)


@pytest.mark.parametrize("scale", [1, 255])
def test_size_resizes_every_split(scale):
    ramp = np.tile(np.linspace(50, 200, 8), (9, 8, 1))
    ramp = ramp.astype(np.uint8) if scale == 1 else (ramp / 255).astype(np.float32)
    found = data.split(data.from_arrays(ramp), spec(size=16), seed=0)
    assert {part.image.shape[1:] for part in found.parts.values()} == {(16, 16, 1)}
    assert found.train.image.dtype == ramp.dtype
    means = found.train.image.mean((1, 2, 3)) * scale
    np.testing.assert_allclose(means, 125, atol=1)


def test_bytes_become_floats_in_one_way():
    levels = jnp.arange(256, dtype=jnp.uint8)
    found = np.asarray(data.to_float(levels))
    np.testing.assert_allclose(found, np.arange(256) / 255, rtol=2e-7)
    assert found[[0, 255]].tolist() == [0.0, 1.0]
    np.testing.assert_array_equal(np.rint(found * 255), np.arange(256))
    inside = jax.jit(lambda x: data.to_float(x) + jnp.float32(0))
    np.testing.assert_array_equal(inside(levels), found)
    np.testing.assert_array_equal(data.to_float(found), found)


KEY = jax.random.key(7)


@pytest.fixture(scope="module")
def image():
    return jax.random.uniform(KEY, (32, 9, 11, 2))


def changed(image, **fields):
    run = jax.jit(partial(data.augment, spec=Augment(**fields)))
    out = np.asarray(run(KEY, image))
    assert out.shape == image.shape
    assert out.dtype == np.float32
    assert out.min() >= 0
    assert out.max() <= 1
    return out, np.asarray(image)


def test_augmentation_that_is_off_is_not_compiled(image):
    assert not jax.make_jaxpr(partial(data.augment, spec=Augment()))(KEY, image).eqns


@pytest.mark.parametrize(
    ("name", "axis"), [("flip_horizontal", 1), ("flip_vertical", 0)]
)
def test_flips_half_of_the_images(image, name, axis):
    out, before = changed(image, **{name: True})
    flipped = [(o == np.flip(b, axis)).all() for o, b in zip(out, before, strict=True)]
    same = (out == before).all((1, 2, 3))
    assert (same ^ np.array(flipped)).all()
    assert 6 <= same.sum() <= 26


def test_transposes_half_of_square_images(image):
    square = image[:, :, :9]
    out, before = changed(square, transpose=True)
    turned = (out == before.swapaxes(1, 2)).all((1, 2, 3))
    same = (out == before).all((1, 2, 3))
    assert (same ^ turned).all()
    assert 6 <= same.sum() <= 26
    with pytest.raises(ConfigError, match=r"data\.size"):
        changed(image, transpose=True)


def test_shift_moves_by_whole_pixels_and_fills_with_zeros(image):
    out, before = changed(image, shift=2)
    moves = [(y, x) for y in range(-2, 3) for x in range(-2, 3)]
    found = set()
    for one, single in zip(out, before, strict=True):
        golden = [
            ndimage.shift(single, (*m, 0), order=0, prefilter=False) for m in moves
        ]
        matches = [m for m, g in zip(moves, golden, strict=True) if (one == g).all()]
        assert len(matches) == 1
        found |= set(matches)
    assert len(found) > 12


def test_rotation_agrees_with_scipy():
    disc = np.zeros((4, 21, 21, 1), np.float32)
    disc[:, 6:15, 4:9] = np.linspace(0.1, 1, 5)[:, None]
    out, _ = changed(jnp.asarray(disc), rotate=30)
    draw = jax.random.uniform(stream(KEY, "rotate"), (4,), minval=-1)
    for one, angle in zip(out, np.asarray(draw) * 30, strict=True):
        turn = partial(ndimage.rotate, reshape=False, order=1, prefilter=False)
        golden = turn(disc[0], angle, mode="mirror")
        np.testing.assert_allclose(one, golden, atol=1e-5)
    assert np.ptp(np.asarray(draw)) > 0.2


def test_brightness_changes_whole_images(image):
    out, before = changed(image * 0.4 + 0.3, brightness=0.2)
    change = (out - before).reshape(32, -1)
    np.testing.assert_allclose(change, change[:, :1].repeat(198, 1), atol=1e-6)
    assert np.abs(change).max() <= 0.2 + 1e-6
    assert change[:, 0].std() > 0.05
    assert changed(image, brightness=1.0)[0].max() == 1


def test_one_augmentation_moves_no_other(image):
    both, _ = changed(image, flip_vertical=True, brightness=0.1)
    flips, _ = changed(image, flip_vertical=True)
    assert np.abs(both - flips).max() <= 0.1 + 1e-6
