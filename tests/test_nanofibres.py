"""Nanofibre images: whole, repeatable, frozen, and hard."""

from pathlib import Path

import jax
import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score

from jaxad import data
from jaxad.data import nanofibre_set
from jaxad.data.nanofibres import dataset, generate

SMALL = (256, 384)
GOLDEN = Path(__file__).parent / "golden" / "nanofibres.npz"


def draw(seed, anomalous, size=SMALL):
    key = jax.random.key(seed)
    image, mask = generate(key, anomalous, height=size[0], width=size[1])
    return np.asarray(image), np.asarray(mask)


def block_means(image):
    """(H, W, 1) uint8 -> (H / 16, W / 16)."""
    rows, cols = image.shape[0] // 16, image.shape[1] // 16
    return image.reshape(rows, 16, cols, 16).mean((1, 3))


def patches(array):
    """(H, W) -> (n, 32, 32), 16 pixels apart."""
    return sliding_window_view(array, (32, 32))[::16, ::16].reshape(-1, 32, 32)


def test_an_image_is_its_key_and_only_defects_change_it():
    image, mask = draw(3, True)
    assert image.shape == (*SMALL, 1)
    assert mask.shape == SMALL
    assert (image.dtype, mask.dtype) == (np.uint8, bool)
    again, same = draw(3, True)
    np.testing.assert_array_equal(image, again)
    np.testing.assert_array_equal(mask, same)
    clean, empty = draw(3, False)
    assert not empty.any()
    changed = image != clean
    assert changed[mask].mean() > 0.95
    assert changed.mean() < 0.2
    assert (draw(4, False)[0] != clean).mean() > 0.8
    assert image.mean() == pytest.approx(clean.mean(), abs=2)


def test_every_anomalous_image_has_a_defect_that_is_seen():
    masks = np.array([draw(seed, True)[1] for seed in range(24)])
    share = masks.mean((1, 2))
    assert share.min() > 0
    assert share.max() < 0.2
    assert share.std() > 0.01


def test_normal_images_differ_in_light_density_and_contrast():
    clean = np.array([draw(seed, False)[0] for seed in range(8)]) / 255
    assert np.ptp(clean.mean((1, 2, 3))) > 0.05
    assert np.ptp(clean.std((1, 2, 3))) > 0.02
    assert ((clean > 0.02) & (clean < 0.98)).mean() > 0.98


def test_the_generator_is_frozen():
    golden = np.load(GOLDEN, allow_pickle=False)
    for index, seed in enumerate(golden["seed"]):
        image, mask = draw(int(seed), bool(seed % 2))
        off = np.abs(block_means(image) - golden["mean"][index])
        assert np.quantile(off, 0.9) < 0.5
        assert off.max() < 2
        assert mask.sum() == pytest.approx(golden["pixels"][index], abs=8)
        off = np.abs(image[::9, ::9, 0].astype(int) - golden["image"][index])
        assert np.mean(off <= 2) > 0.98


def test_they_are_hard_for_pca_and_harder_for_brightness_and_contrast():
    found = dataset(seed=0, normal=4, anomalous=24, height=SMALL[0], width=SMALL[1])
    assert found.label.tolist() == [0] * 4 + [1] * 24
    flat = [patches(image[..., 0]).reshape(-1, 1024) / 255 for image in found.image]
    positive = [(patches(mask).sum((1, 2)) > 20) for mask in found.mask]
    assert not np.concatenate(positive[:4]).any()
    label, test = np.concatenate(positive[4:]), np.concatenate(flat[4:])
    assert 0.03 < label.mean() < 0.12
    pca = PCA(16, random_state=0).fit(np.concatenate(flat[:4]))
    error = ((test - pca.inverse_transform(pca.transform(test))) ** 2).mean(1)
    assert 0.6 < roc_auc_score(label, error) < 0.9
    for trivial in (test.mean(1), test.std(1)):
        assert 0.2 < roc_auc_score(label, trivial) < 0.8


def test_the_set_prepares_itself_with_its_masks(tmp_path, monkeypatch):
    monkeypatch.setenv("JAXAD_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(nanofibre_set.Nanofibres, "SHAPE", (*SMALL, 1))
    monkeypatch.setattr(nanofibre_set.Nanofibres, "COUNTS", (2, 3))
    found, golden = data.load("nanofibres"), dataset(0, 2, 3, *SMALL)
    for part, rows in ((found.train, slice(0, 2)), (found.test, slice(2, 5))):
        for name in ("image", "mask", "label"):
            stored, expected = getattr(part, name), getattr(golden, name)[rows]
            np.testing.assert_array_equal(stored, expected)
            assert stored.dtype == expected.dtype
    assert found.test.id.tolist() == [f"test-{i:06d}" for i in range(3)]
    assert data.verify("nanofibres") == []
