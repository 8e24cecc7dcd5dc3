"""Patches: cut anywhere, split by whole images, stitched to whole maps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import jaxad
from jaxad import data as sources
from jaxad.config import (
    Baselines,
    Config,
    Data,
    Defects,
    FixedFpr,
    Linear,
    Patches,
    Score,
    Threshold,
    Train,
)
from jaxad.data.arrays import Examples, Source
from jaxad.data.patches import Cuts, Places, drawn, stitched, tiled, tiles
from jaxad.errors import DataError

SIZE, STRIDE = 8, 5


def fields(count, height=26, width=30, seed=0):
    return np.random.default_rng(seed).integers(
        0, 256, (count, height, width, 1), np.uint8
    )


def source(images=7, bad=5):
    """Noise, with a grey square in each of the bad images."""
    image = fields(images + bad)
    mask = np.zeros(image.shape[:3], np.uint8)
    for i in range(images, images + bad):
        mask[i, 3 + i : 12 + i, 4:13] = 1
    image[mask == 1] = 128
    ids = np.array([f"image-{i}" for i in range(len(image))])
    label = (np.arange(len(image)) >= images).astype(np.int32)
    parts = [
        Examples(image[at], label[at], ids[at], mask[at])
        for at in (label == 0, label == 1)
    ]
    return Source(*parts, "fingerprint", True, ("good", "square"))


DATA = Data(
    validation=0.3,
    protocol=Defects(tune=0.4),
    patches=Patches(size=SIZE, stride=STRIDE, crops=20, marked=20),
)


def test_places_are_the_same_on_host_and_device():
    whole = fields(3)
    places = Places(whole, SIZE)
    rows = drawn(jax.random.key(0), places, 9)
    assert places.shape == (3 * 19 * 23, SIZE, SIZE, 1)
    on_device = Places(jnp.asarray(whole), SIZE)[jnp.asarray(rows)]
    np.testing.assert_array_equal(on_device, places[rows])
    image, top, left = places.corner(rows)
    assert np.bincount(image).tolist() == [9, 9, 9]
    for one, i, y, x in zip(places[rows], image, top, left, strict=True):
        np.testing.assert_array_equal(one, whole[i, y : y + SIZE, x : x + SIZE])
    np.testing.assert_array_equal(
        places.sums()[rows], places[rows].astype(int).sum((1, 2, 3))
    )


def test_cuts_are_indexed_as_the_array_they_stand_for():
    places = Places(fields(2), SIZE)
    cuts = Cuts(places, tiled(places, STRIDE))
    full = np.asarray(cuts)
    assert (cuts.shape, cuts.dtype, len(cuts)) == (full.shape, full.dtype, len(full))
    some = np.arange(len(cuts)) % 3 == 0
    for index in (4, slice(2, 9), np.array([5, 0, 5]), some, slice(None)):
        np.testing.assert_array_equal(cuts[index], full[index])


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 60), st.integers(1, 12), st.integers(1, 12))
def test_tiles_cover_a_side_to_its_end(length, size, stride):
    if length < size:
        with pytest.raises(DataError, match="shorter than a patch"):
            tiles(length, size, stride)
        return
    found = tiles(length, size, stride)
    assert (found[0], found[-1]) == (0, length - size)
    assert (np.diff(found) > 0).all()
    assert (np.diff(found) <= stride).all()


@pytest.mark.parametrize("block", [1, 10, 1000])
def test_a_stitched_map_is_the_mean_of_its_tiles(block):
    image = fields(1)[0].astype(np.float32)
    given = []

    def maps(patches):
        given.append(len(patches))
        edge = patches * np.linspace(0, 1, SIZE, dtype=np.float32)[:, None, None]
        return np.concatenate([patches, edge], -1)

    found = np.concatenate(list(stitched(maps, image, SIZE, STRIDE, block)))
    total, count = np.zeros((2, 26, 30, 2))
    for y in tiles(26, SIZE, STRIDE):
        for x in tiles(30, SIZE, STRIDE):
            at = np.s_[y : y + SIZE, x : x + SIZE]
            total[at] += maps(image[at][None])[0]
            count[at] += 1
    np.testing.assert_allclose(found, total / count, rtol=1e-5)
    np.testing.assert_allclose(found[..., 0], image[..., 0], rtol=1e-6)


def test_no_image_is_in_two_splits_and_masks_say_what_is_anomalous():
    given = source()
    splits = sources.split(given, DATA, 3)
    owners = [
        {name.rpartition(":")[0].rpartition(":")[0] for name in part.id}
        for part in splits.parts.values()
    ]
    assert [len(one) for one in owners] == [5, 2 + 2, 3]
    assert len(set.union(*owners)) == 12
    assert len(splits.train.id) == 5 * 20
    assert not splits.train.label.any()
    names = {
        n: i for part in given[:2] for n, i in zip(part.id, part.image, strict=True)
    }
    for part in splits[1:3]:
        marks = np.asarray(part.mask)[..., 0].sum((1, 2))
        np.testing.assert_array_equal(part.label, marks > 20)
        assert set(part.defect[part.label == 1]) == {"square"}
        for i in (0, 7, len(part.id) - 1):
            name, y, x = part.id[i].split(":")
            cut = names[name][int(y) : int(y) + SIZE, int(x) : int(x) + SIZE]
            np.testing.assert_array_equal(part.image[i], cut)
    whole = sources.split(given, Data(protocol=Defects(), validation=0.3), 3)
    assert [part.image.shape[0] for part in whole.parts.values()] == [4, 2 + 1, 1 + 4]
    assert (whole.test.label == 0).sum() == 1


def test_patches_that_cannot_be_cut_are_one_line():
    bare = source()
    bare = bare._replace(test=bare.test._replace(mask=None))
    with pytest.raises(DataError, match="have no masks"):
        sources.split(bare, DATA, 0)
    large = Data(protocol=Defects(), patches=Patches(size=27))
    with pytest.raises(DataError, match="26x30 pixels are smaller than a patch of 27"):
        sources.split(source(), large, 0)
    with pytest.raises(DataError, match="no image of these data is anomalous"):
        sources.split(source()._replace(test=None), DATA, 0)
    for wrong in ({"patches": Patches(size=16)}, {"category": "x"}):
        with pytest.raises(ValueError, match=r"protocol.kind defects|set root"):
            Data(**wrong)
    many = np.broadcast_to(np.zeros(1, np.uint8), (3000, 1000, 1000, 1))
    with pytest.raises(DataError, match="more places for a patch than can be"):
        Places(many, 8)
    with pytest.raises(ValueError, match="leaves gaps"):
        Patches(size=8, stride=9)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A folder in NanoTWICE's layout."""
    root, given = tmp_path_factory.mktemp("sem"), source()
    for name in ("Normal", "Anomalous/images", "Anomalous/gt"):
        (root / name).mkdir(parents=True)
    for number, image in enumerate(given.train.image):
        Image.fromarray(image[..., 0]).save(root / "Normal" / f"{number}.tif")
    for number, image in enumerate(given.test.image):
        Image.fromarray(image[..., 0]).save(root / f"Anomalous/images/{number}.tif")
        mask = Image.fromarray(given.test.mask[number] * np.uint8(255))
        mask.save(root / f"Anomalous/gt/{number}_gt.png")
    return root


def config(root):
    return Config(
        data=Data(
            root=str(root),
            validation=0.3,
            protocol=Defects(tune=0.4),
            patches=Patches(size=SIZE, stride=STRIDE, crops=20),
        ),
        model=Linear(latent_dim=3),
        train=Train(epochs=2, batch_size=16),
        score=Score(names=("mse", "top"), block=64),
        threshold=Threshold(rules=(FixedFpr(),)),
        baselines=Baselines(names=("pca",), components=3),
    )


def test_a_folder_of_images_to_maps_of_other_sizes(tree, tmp_path, monkeypatch):
    monkeypatch.setattr("jaxad.run.draw", lambda path: [])
    monkeypatch.setattr("jaxad.search.measuring.draw_sweep", lambda path: [])
    run = jaxad.train(config(tree), out=tmp_path / "run", quiet=True)
    assert run.image_shape == (SIZE, SIZE, 1)
    pixel = run.metrics["pixel"]["mse"]
    assert pixel["n_normal"] + pixel["n_anomalous"] == 3 * 26 * 30
    assert 0 <= pixel["auroc"] <= 1
    found = jaxad.score(run, fields(2, 40, 9, seed=5))
    assert found.maps["mse"].shape == (2, 40, 9)
    Image.fromarray(fields(1, 33, 50, seed=6)[0, ..., 0]).save(tmp_path / "a.png")
    Image.fromarray(fields(1, 5, 50)[0, ..., 0]).save(tmp_path / "small.png")
    from jaxad.new_images import score_files

    out = score_files(run.path, [tmp_path / "a.png"], maps=True)
    drawn_map = np.load(out / "maps" / "0000-a.npy")
    assert drawn_map.shape == (33, 50)
    own = jaxad.score(run, fields(1, 33, 50, seed=6))
    np.testing.assert_array_equal(drawn_map, own.maps["mse"][0])
    with pytest.raises(DataError, match=r"small.png: a side of 5 pixels is shorter"):
        score_files(run.path, [tmp_path / "small.png"], maps=True)
    grid = {"optim.lr": [1e-3, 3e-3]}
    sweep = jaxad.sweep(
        config(tree), grid, out=tmp_path / "sweep", execution="map", quiet=True
    )
    own = np.asarray(run.scores["score_mse"], np.float32)
    split = np.asarray(run.scores["split"])
    np.testing.assert_allclose(sweep.arrays["test"][0], own[split == "test"], rtol=1e-6)
