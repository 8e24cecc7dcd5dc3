"""Folders of images in a run: what is left out, and how images get one size."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps
from pydantic import ValidationError

import jaxad
from jaxad.config import (
    Baselines,
    Config,
    Defects,
    FixedFpr,
    Score,
    Threshold,
    Train,
)
from jaxad.config.data import Data
from jaxad.config.models import Linear
from jaxad.data import Examples, Source, load_for, resize, split
from jaxad.data.images import resize_mask
from jaxad.errors import DataError
from jaxad.folder import read_json
from jaxad.new_images import score_files

RNG = np.random.default_rng(3)
FITS = ("stretch", "crop", "pad")


def save(path, height=20, width=30, pixels=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    made = RNG.integers(0, 256, (height, width, 3), np.uint8)
    Image.fromarray(made if pixels is None else pixels).save(path)


def mark(path, rows=slice(8, 12), columns=slice(10, 20)):
    mask = np.zeros((20, 30), np.uint8)
    mask[rows, columns] = 255
    save(path, pixels=mask)


@pytest.fixture
def root(tmp_path):
    """Twelve normals to train on, three to test on, four defects with masks."""
    for number in range(12):
        save(tmp_path / f"set/train/good/{number}.png")
    for number in range(3):
        save(tmp_path / f"set/test/good/{number}.png")
    for number in range(4):
        save(tmp_path / f"set/test/hole/{number}.png")
        mark(tmp_path / f"set/ground_truth/hole/{number}_mask.png")
    return tmp_path / "set"


def config(root, **options):
    options = {"size": 12, "protocol": Defects(tune=0.5), "validation": 0.3} | options
    return Config(
        data=Data(root=str(root), **options),
        model=Linear(latent_dim=3),
        train=Train(epochs=2, batch_size=4),
        score=Score(names=("mse",), block=4),
        threshold=Threshold(rules=(FixedFpr(),)),
        baselines=Baselines(names=()),
    )


def all_ids(source):
    return {*source.train.id.tolist(), *source.test.id.tolist()}


def damage(root):
    """Five images with a problem, in their file or in their mask."""
    (root / "train/good/1.png").write_bytes(b"")
    save(root / "train/good/2.png", pixels=RNG.integers(0, 256, (20, 30), np.uint8))
    mark(root / "ground_truth/hole/0_mask.png", slice(0, 0))
    mark(root / "ground_truth/good/1_mask.png")
    (root / "ground_truth/hole/nothing_mask.png").write_bytes(b"")
    return {"train/good/1", "train/good/2", "train/good/3", "test/hole/0"} | {
        "test/good/1"
    }


def test_a_run_stops_at_bad_files_or_goes_on_without_them_and_says_so(
    root, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr("jaxad.run.draw", lambda path: [])
    whole = all_ids(load_for(config(root).data))
    bad = damage(root)
    options = {"declared": ("train/good/3",)}
    with pytest.raises(DataError, match=r"has 6 problems: .*; and 3 more; remove"):
        jaxad.train(config(root, **options), out=tmp_path / "run", quiet=True)
    assert not (tmp_path / "run" / "config.json").exists()
    options["problems"] = "leave_out"
    source = load_for(config(root, **options).data)
    assert all_ids(source) == whole - bad
    jaxad.train(config(root, **options), out=tmp_path / "run")
    told = capsys.readouterr().err
    env = read_json(tmp_path / "run" / "env.json")
    assert {row["id"] for row in env["left_out"]} - bad == {
        "ground_truth/hole/nothing_mask.png"
    }
    assert "left out for 6 problems: 6 images or other files" in told
    for row in env["left_out"]:
        assert f"  {row['id']}: {row['reason']}" in told
    for path in root.glob("train/good/*"):
        path.write_bytes(b"")
    with pytest.raises(DataError, match="no normal image to train on is without a"):
        load_for(config(root, **options).data)


def test_one_class_alone_is_copied_or_refused_and_some_masks_are_not_enough(root):
    (root / "ground_truth/hole/2_mask.png").unlink()
    with pytest.raises(DataError, match=r"test/hole/2.png: an anomalous image without"):
        load_for(config(root).data)
    left = load_for(config(root, problems="leave_out").data)
    assert len(left.test.mask) == 6
    alone = config(root / "train" / "good")
    source = load_for(alone.data)
    assert source.test is None
    with pytest.raises(DataError, match="no image of these data is anomalous, so that"):
        split(source, alone.data, 0)
    copies = dataclasses.replace(alone.data, protocol=Config().data.protocol)
    assert split(source, copies, 0).test.label.any()


def test_an_anomaly_whose_mask_a_crop_cuts_off_is_a_problem(root):
    mark(root / "ground_truth/hole/3_mask.png", columns=slice(0, 4))
    told = r"3_mask.png: an empty mask once resized \(data.size 12, fit crop\)"
    with pytest.raises(DataError, match=told):
        load_for(config(root, fit="crop").data)
    left = load_for(config(root, fit="crop", problems="leave_out").data)
    assert "test/hole/3" not in left.test.id
    for fit in ("stretch", "pad"):
        found = load_for(config(root, fit=fit).data).test
        assert found.mask[found.label == 1].any((1, 2)).all()
    with pytest.raises(ValidationError, match="fit crop needs a size"):
        config(root, fit="crop", size=None)
    with pytest.raises(ValidationError, match="declared is of a folder; set root"):
        Data(declared=("a",))


def test_a_set_of_other_origin_loses_no_mask_either():
    image, mask = np.zeros((9, 6, 12, 1), np.uint8), np.zeros((9, 6, 12), np.uint8)
    mask[7:, :, :3] = 1
    label = np.int32([0] * 7 + [1] * 2)
    examples = Examples(image, label, np.array([*"abcdefghi"]), mask)
    source, data = Source(examples, None, ""), Data(size=3, protocol=Defects())
    assert split(source, data, 0).test.mask.any()
    with pytest.raises(DataError, match=r"size 3, fit crop: the masks of 1 anomalous"):
        split(source, dataclasses.replace(data, fit="crop"), 0)


sides = st.integers(1, 40)


@given(sides, sides, st.integers(1, 24), st.sampled_from(FITS), st.integers(0, 9))
def test_images_and_masks_are_made_square_alike(height, width, size, fit, seed):
    random = np.random.default_rng(seed)
    image = random.integers(0, 256, (2, height, width, 1), np.uint8)
    mask = random.random((2, height, width)) > 0.7
    found, marked = resize(image, size, fit), resize_mask(mask, size, fit)
    assert found.shape == (2, size, size, 1)
    assert marked.shape == found.shape[:3]
    assert set(np.unique(marked)) <= {0, 1}
    assert found.min() >= image.min()
    assert found.max() <= image.max()
    side = min(height, width) if fit == "crop" else max(height, width)
    if height == width:  # nothing to decide
        np.testing.assert_array_equal(found, resize(image, size))
    if fit != "stretch":  # at its own side, pixels are copied and not computed
        top, left = (abs(side - length) // 2 for length in (height, width))
        own, own_mask = resize(image, side, fit), resize_mask(mask, side, fit)
        if fit == "crop":
            cut = np.s_[:, top : top + side, left : left + side]
            np.testing.assert_array_equal(own, image[cut])
            np.testing.assert_array_equal(own_mask, mask[cut])
        else:
            cut = np.s_[:, top : top + height, left : left + width]
            np.testing.assert_array_equal(own[cut], image)
            np.testing.assert_array_equal(own_mask[cut], mask)
            assert own_mask.sum() == mask.sum(), "padding is not anomalous"


@pytest.mark.parametrize("fit", FITS)
def test_files_of_all_kinds_and_sizes_are_what_pillow_makes_of_them(tmp_path, fit):
    photo = Image.fromarray(RNG.integers(0, 256, (24, 36, 3), np.uint8))
    turned = Image.Exif()
    turned[274] = 6
    (tmp_path / "good").mkdir()
    photo.convert("CMYK").save(tmp_path / "good/a.jpg")
    photo.resize((50, 20)).save(tmp_path / "good/b.jpg", exif=turned)
    photo.convert("P").save(tmp_path / "good/c.png")
    photo.convert("RGBA").resize((17, 40)).save(tmp_path / "good/d.png")
    photo.convert("L").save(tmp_path / "good/e.bmp")
    photo.save(tmp_path / "good/f.tif", compression="tiff_lzw")
    found = load_for(Data(root=str(tmp_path), size=16, channels=3, fit=fit)).train
    for image, path in zip(found.image, sorted(tmp_path.glob("good/*")), strict=True):
        plain = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
        width, height = plain.size
        if fit == "crop":
            side = min(width, height)
            left, top = (width - side) // 2, (height - side) // 2
            plain = plain.crop((left, top, left + side, top + side))
        if fit == "pad":
            side = max(width, height)
            left, top = (side - width) // 2, (side - height) // 2
            pads = ((top, side - height - top), (left, side - width - left), (0, 0))
            plain = Image.fromarray(np.pad(np.asarray(plain), pads, "edge"))
        wanted = np.asarray(plain.resize((16, 16), Image.Resampling.BILINEAR))
        np.testing.assert_array_equal(image, wanted)


def test_new_images_are_made_square_as_the_runs_own(root, tmp_path, monkeypatch):
    monkeypatch.setattr("jaxad.run.draw", lambda path: [])
    run = jaxad.train(config(root, fit="pad"), out=tmp_path / "run", quiet=True)
    names = np.asarray(run.scores["id"]).tolist()
    paths = [root / f"{name}.png" for name in names]
    save(tmp_path / "wide.png", 9, 33)
    score_files(run.path, [*paths, tmp_path / "wide.png"])
    lines = (run.path / "scored/scores.csv").read_text().splitlines()
    found = [float(line.split(",")[1]) for line in lines[1:]]
    assert found[:-1] == [float(value) for value in run.scores["score_mse"]]
    wide = np.asarray(Image.open(tmp_path / "wide.png"))[None]
    assert jaxad.score(run, wide).values["mse"][0] == np.float32(found[-1])
    for name in ("new/b.png", "new/deep/c.png", "new/-a.png"):
        save(tmp_path / name, 20, 20)
    out = score_files(run.path, [tmp_path / "new"], tmp_path / "out")
    lines = (out / "scores.csv").read_text().splitlines()
    ids = [line.split(",")[0].removeprefix(f"{tmp_path}/new/") for line in lines[1:]]
    assert ids == ["-a.png", "b.png", "deep/c.png"]
    for name in ("new/b.png", "new/deep/c.png"):
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(DataError, match=r"^2 of 3 images cannot be scored: .*/b.png: "):
        score_files(run.path, [tmp_path / "new"], tmp_path / "out")
    with pytest.raises(DataError, match="is a run folder; choose another --out"):
        score_files(run.path, [tmp_path / "new/-a.png"], run.path)
    assert read_json(run.path / "env.json"), "what is there stays"
    unsized = dataclasses.replace(run.config.data, size=None, fit="stretch")
    own = dataclasses.replace(run.config, data=unsized)
    with pytest.raises(DataError, match=r"images of 9x33x3, but .*; give"):
        jaxad.score(dataclasses.replace(run, config=own), wide)


def test_sixteen_bits_of_a_folder_are_kept_in_training_and_in_new_images(tmp_path):
    wide = RNG.integers(0, 65536, (6, 20, 30), np.uint16)
    for number, pixels in enumerate(wide):
        save(tmp_path / f"good/{number}.tif", pixels=pixels)
    data = Data(root=str(tmp_path), size=8, fit="crop")
    found = load_for(data).train.image
    for image, pixels in zip(found, wide, strict=True):
        cut = Image.fromarray((pixels / np.float32(65535))[:, 5:25])
        golden = np.asarray(cut.resize((8, 8), Image.Resampling.BILINEAR))
        np.testing.assert_allclose(image[..., 0], golden, atol=1e-6)
    again = jaxad.data.read_image(tmp_path / "good/2.tif", (8, 8, 1), data)
    np.testing.assert_array_equal(again, found[2])
