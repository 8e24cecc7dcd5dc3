"""Image and mask files from outside, and the folders they lie in."""

import os
import struct
import zlib
from contextlib import suppress

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFile, ImageOps
from skimage import data as samples
from skimage import io as skimage_io

from jaxad.cli import main
from jaxad.data import read_image, to_float
from jaxad.data.decode import BadFile, as_channels, read_mask, read_pixels
from jaxad.data.folders import (
    FolderError,
    Wanted,
    check,
    find,
    leave_out,
    problems_table,
)
from jaxad.data.folders_stored import Stored, masks
from jaxad.errors import DataError

RNG = np.random.default_rng(0)
COLOUR = samples.astronaut()[100:140, 200:230]
GREY = COLOUR[..., 1]
WIDE = RNG.integers(0, 65536, (40, 30, 3), np.uint16)
FLOAT = RNG.random((40, 30), np.float32)
ALPHA = {"photometric": "rgb", "extrasamples": ["unassalpha"]}
ZIP = {"compression": "zlib", "predictor": True}


def png(path, pixels, chunks=()):
    """A PNG of 16 bits, which Pillow writes for grey alone."""
    height, width, channels = pixels.shape
    lines = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    head = struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0)
    parts = [(b"IHDR", head), *chunks, (b"IDAT", zlib.compress(lines)), (b"IEND", b"")]
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            struct.pack(">I", len(body))
            + t
            + body
            + struct.pack(">I", zlib.crc32(t + body))
            for t, body in parts
        )
    )


def opaque(pixels):
    top = np.full((*pixels.shape[:2], 1), np.iinfo(pixels.dtype).max, pixels.dtype)
    return np.concatenate([pixels, top], 2)


def pil(mode="RGB", **how):
    return lambda path, a: Image.fromarray(a).convert(mode).save(path, **how)


def tiff(**how):
    return lambda path, a: tifffile.imwrite(path, a, **how)


WRITTEN = {
    "grey.png": (GREY, pil("L")),
    "grey.bmp": (GREY, pil("L")),
    "grey.tif": (GREY, pil("L", compression="tiff_lzw")),
    "white_is_0.tif": (GREY, lambda p, a: tiff(photometric="miniswhite")(p, 255 - a)),
    "colour.png": (COLOUR, pil()),
    "colour.bmp": (COLOUR, pil()),
    "colour.tif": (COLOUR, pil()),
    "planes.tif": (
        COLOUR,
        lambda p, a: tifffile.imwrite(
            p, a.transpose(2, 0, 1), photometric="rgb", planarconfig="separate"
        ),
    ),
    "opaque.png": (COLOUR, pil("RGBA")),
    "opaque.tif": (COLOUR, lambda p, a: tiff(**ALPHA)(p, opaque(a))),
    "opaque_grey.png": (GREY, pil("LA")),
    "grey_palette.png": (GREY, pil("P")),
    "bits.tif": (
        GREY // 128 * 255,
        lambda p, a: Image.fromarray(a > 0).save(p, compression="group4"),
    ),
    "wide_grey.png": (WIDE[..., 0], lambda p, a: Image.fromarray(a).save(p)),
    "wide_grey.tif": (WIDE[..., 0], lambda p, a: skimage_io.imsave(p, a)),
    "wide_grey_lzw.tif": (
        WIDE[..., 0],
        lambda p, a: Image.fromarray(a).save(p, compression="tiff_lzw"),
    ),
    "wide_white_is_0.tif": (
        WIDE[..., 0],
        lambda p, a: tiff(photometric="miniswhite")(p, 65535 - a),
    ),
    "wide.png": (WIDE, png),
    "wide_opaque.png": (WIDE, lambda p, a: png(p, opaque(a))),
    "wide_opaque_grey.png": (WIDE[..., 0], lambda p, a: png(p, opaque(a[..., None]))),
    "wide.tif": (WIDE, tiff(photometric="rgb")),
    "wide_big_endian.tif": (WIDE, tiff(photometric="rgb", byteorder=">")),
    "wide_zip.tif": (WIDE, tiff(photometric="rgb", **ZIP)),
    "wide_tiled.tif": (WIDE, tiff(photometric="rgb", tile=(16, 16))),
    "wide_opaque.tif": (WIDE, lambda p, a: tiff(**ALPHA)(p, opaque(a))),
    "wide_bigtiff.tif": (WIDE, tiff(photometric="rgb", bigtiff=True)),
    "float.tif": (FLOAT, tiff()),
    "float_zip.tif": (FLOAT, tiff(compression="zlib")),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_pixels_are_read_as_they_were_written(tmp_path, name):
    expected, write = WRITTEN[name]
    write(tmp_path / name, expected)
    found = read_pixels(tmp_path / name)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected.reshape(40, 30, -1))
    renamed = (tmp_path / name).rename(tmp_path / "without_extension")
    np.testing.assert_array_equal(read_pixels(renamed), found)


@pytest.mark.parametrize("how", ["RGB.jpg", "L.jpg", "CMYK.jpg", "CMYK.tif", "P.png"])
def test_pixels_are_those_that_pillow_shows(tmp_path, how):
    mode, path = how.split(".")[0], tmp_path / how
    Image.fromarray(COLOUR).convert(mode).save(path)
    expected = np.asarray(Image.open(path).convert("L" if mode == "L" else "RGB"))
    np.testing.assert_array_equal(read_pixels(path).squeeze(), expected)


@pytest.mark.parametrize("orientation", range(10))
def test_images_and_masks_are_turned_as_exif_says(tmp_path, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    image = Image.fromarray(COLOUR)
    image.save(tmp_path / "a.png", exif=exif)
    image.save(tmp_path / "a.tif", tiffinfo={274: orientation})
    expected = np.asarray(ImageOps.exif_transpose(Image.open(tmp_path / "a.png")))
    for name in ("a.png", "a.tif"):
        np.testing.assert_array_equal(read_pixels(tmp_path / name), expected)
    png(tmp_path / "a.png", WIDE, [(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))])
    tag = (274, "H", 1, orientation, True)
    tifffile.imwrite(tmp_path / "a.tif", WIDE, photometric="rgb", extratags=[tag])
    turned = read_pixels(tmp_path / "a.png")
    np.testing.assert_array_equal(read_pixels(tmp_path / "a.tif"), turned)
    assert turned.shape == expected.shape
    corner = np.asarray(ImageOps.exif_transpose(_red_corner(exif)))
    red = _red_corner(exif)
    red.save(tmp_path / "a.jpg", exif=exif, quality=95)
    np.testing.assert_allclose(read_pixels(tmp_path / "a.jpg"), corner, atol=9)
    mask = Image.fromarray(COLOUR[..., 0] > 99)
    mask.save(tmp_path / "m.png", exif=exif)
    found = read_mask(tmp_path / "m.png", expected.shape)
    np.testing.assert_array_equal(found, expected[..., 0] > 99)


def _red_corner(exif):
    pixels = np.full((48, 32, 3), 128, np.uint8)
    pixels[:16, :16] = 200
    image = Image.fromarray(pixels)
    image.getexif()[274] = exif[274]
    return image


def _transparent(path):
    Image.fromarray(np.dstack([COLOUR, GREY])).save(path)


def _cut(path):
    Image.fromarray(COLOUR).save(path, "png")
    path.write_bytes(path.read_bytes()[:-500])


def _frames(path, kind):
    first, second = Image.fromarray(COLOUR), Image.fromarray(COLOUR[::-1].copy())
    first.save(path, kind, save_all=True, append_images=[second])


def _huge(path):
    pixels = np.zeros((1, 1, 3), np.uint16)
    png(path, pixels)
    head = struct.pack(">IIBBBBB", 60000, 60000, 16, 2, 0, 0, 0)
    old = path.read_bytes()
    check_sum = struct.pack(">I", zlib.crc32(b"IHDR" + head))
    path.write_bytes(old[:16] + head + check_sum + old[33:])


def _nan(path, value=np.nan):
    pixels = FLOAT.copy()
    pixels[3, 5] = value
    tifffile.imwrite(path, pixels)


REFUSED = {
    "missing": (lambda p: None, "No such file"),
    "empty": (lambda p: p.touch(), "an empty file"),
    "folder": (lambda p: p.mkdir(), "not a file"),
    "pipe": (lambda p: os.mkfifo(p), "not a file"),
    "text": (lambda p: p.write_text("P5 1 1 1"), "not a PNG, JPEG, TIFF or BMP"),
    "gif": (lambda p: Image.fromarray(GREY).save(p, "gif"), "not a PNG, JPEG, TIFF"),
    "truncated": (_cut, r"not a readable image \(.*truncated"),
    "animation": (lambda p: _frames(p, "png"), "several images in one file"),
    "pages": (lambda p: _frames(p, "tiff"), "several images in one file"),
    "bomb": (_huge, "60000x60000 pixels are more than the 134217728"),
    "transparent": (_transparent, "partly transparent"),
    "transparent_colour": (
        lambda p: Image.fromarray(COLOUR).save(
            p, "png", transparency=(*COLOUR[0, 0].tolist(),)
        ),
        "partly transparent",
    ),
    "transparent_palette": (
        lambda p: (
            Image.fromarray(GREY).convert("P").save(p, transparency=int(GREY[0, 0]))
        ),
        "partly transparent",
    ),
    "premultiplied": (
        lambda p: tifffile.imwrite(
            p,
            np.dstack([WIDE, WIDE[..., 0]]),
            photometric="rgb",
            extrasamples=["assocalpha"],
        ),
        "partly transparent",
    ),
    "nan": (_nan, r"nan at row 3, column 5; float images must lie in \[0, 1\]"),
    "above_1": (lambda p: _nan(p, 1.5), "1.5 at row 3, column 5"),
    "signed": (lambda p: tifffile.imwrite(p, GREY.astype(np.int8)), "signed or 32-bit"),
    "signed_16": (lambda p: tifffile.imwrite(p, GREY.astype(np.int16)), "signed or"),
    "32_bit": (lambda p: tifffile.imwrite(p, GREY.astype(np.uint32)), "signed or"),
    "float64": (lambda p: tifffile.imwrite(p, FLOAT.astype(float)), "TIFF of a type"),
    "float_colour": (
        lambda p: tifffile.imwrite(p, np.dstack([FLOAT] * 3), photometric="rgb"),
        "a TIFF of a type that is not read; save it with 8 or 16 bits",
    ),
    "wide_planes": (
        lambda p: tifffile.imwrite(
            p, WIDE.transpose(2, 0, 1), photometric="rgb", planarconfig="separate"
        ),
        "16-bit channels in separate planes",
    ),
    "lab": (
        lambda p: Image.fromarray(COLOUR).convert("LAB").save(p, "tiff"),
        "type LAB",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_files_are_refused_in_one_line(tmp_path, name):
    write, reason = REFUSED[name]
    path = tmp_path / f"{name}.png\n.png"
    write(path)
    for read in (read_pixels, lambda p: read_image(p, (40, 30, 3))):
        with pytest.raises(BadFile, match=reason) as caught:
            read(path)
        assert "\n" not in str(caught.value)
        assert str(caught.value).startswith(rf"{tmp_path}/{name}.png\n.png: ")
        assert caught.value.path == path


def test_the_limit_on_pixels_is_the_callers(tmp_path):
    path = tmp_path / "sem.tif"
    Image.new("L", (8000, 8000)).save(path, compression="tiff_lzw")
    assert read_pixels(path).shape == (8000, 8000, 1)
    with pytest.raises(BadFile, match="8000x8000 pixels are more than the 63999999"):
        read_pixels(path, max_pixels=63_999_999)


def test_files_of_several_kinds_of_damage_never_raise_anything_else(tmp_path):
    originals = []
    for name in ("wide.png", "colour.png", "wide_zip.tif", "colour.tif", "colour.bmp"):
        WRITTEN[name][1](tmp_path / name, WRITTEN[name][0])
        originals.append((tmp_path / name).read_bytes())
    Image.fromarray(COLOUR).save(tmp_path / "a.jpg")
    originals.append((tmp_path / "a.jpg").read_bytes())
    path = tmp_path / "damaged"

    @given(st.sampled_from(originals), st.data())
    def damaged(original, draw):
        changed = bytearray(original)
        place = st.integers(0, 400) | st.integers(0, len(changed) - 1)
        for at in draw.draw(st.lists(place, min_size=1, max_size=3)):
            changed[min(at, len(changed) - 1)] = draw.draw(st.integers(0, 255))
        end = draw.draw(st.just(len(changed)) | place)
        path.write_bytes(changed[:end])
        with suppress(BadFile):
            assert read_pixels(path).ndim == 3

    damaged()


def test_truncated_files_are_not_read_even_where_pillow_is_told_to(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    with pytest.raises(DataError, match="LOAD_TRUNCATED_IMAGES = False"):
        read_pixels(tmp_path / "any.png")


def test_grey_is_pillows_and_wide_pixels_keep_their_range():
    grey = np.asarray(Image.fromarray(COLOUR).convert("L"))
    np.testing.assert_array_equal(as_channels(COLOUR, 1)[..., 0], grey)
    wide = as_channels(COLOUR.astype(np.uint16) * 257, 1)[..., 0]
    np.testing.assert_allclose(wide / 65535, grey / 255, atol=0.6 / 255)
    floats = as_channels((COLOUR / 255).astype(np.float32), 1)[..., 0]
    np.testing.assert_allclose(floats, wide / 65535, atol=1e-5)
    np.testing.assert_array_equal(as_channels(GREY[..., None], 3)[..., 2], GREY)
    np.testing.assert_array_equal(
        np.asarray(to_float(np.array([0, 4095, 65535], np.uint16))),
        np.array([0, 4095, 65535], np.float32) / np.float32(65535),
    )


MASK = GREY > 120


def _voc(path):
    indexed = Image.fromarray(MASK.astype(np.uint8), "L")
    indexed.putpalette([0, 0, 0, 200, 0, 30])
    indexed.save(path, "png")


MASKS = {
    "bits": lambda p: Image.fromarray(MASK).save(p, "png"),
    "0_1": lambda p: Image.fromarray(MASK.astype(np.uint8)).save(p, "png"),
    "0_255": lambda p: Image.fromarray(MASK.astype(np.uint8) * 255).save(p, "bmp"),
    "0_65535": lambda p: tifffile.imwrite(p, MASK.astype(np.uint16) * 65535),
    "float": lambda p: tifffile.imwrite(p, MASK.astype(np.float32)),
    "colour": lambda p: Image.fromarray(MASK).convert("RGB").save(p, "png"),
    "opaque": lambda p: Image.fromarray(MASK).convert("RGBA").save(p, "png"),
    "palette": _voc,
}
NO_MASKS = {
    "other size": (
        lambda p: Image.fromarray(MASK[:9]).save(p, "png"),
        "a mask of 30x9 for an image of 30x40",
    ),
    "grey": (
        lambda p: Image.fromarray(np.where(MASK, 128, 0).astype(np.uint8)).save(
            p, "png"
        ),
        f"not binary: 1 values beside 0 and 255, in {MASK.sum()} pixels",
    ),
    "jpeg": (
        lambda p: Image.fromarray(MASK).save(p, "jpeg"),
        r"not binary: \d+ values",
    ),
    "colours": (
        lambda p: Image.fromarray(COLOUR).save(p, "png"),
        "a colour image, not",
    ),
    "nan": (lambda p: _nan(p), "not binary"),
}


@pytest.mark.parametrize("name", MASKS)
def test_masks_are_binary_in_any_of_the_usual_ways(tmp_path, name):
    MASKS[name](tmp_path / "mask")
    np.testing.assert_array_equal(read_mask(tmp_path / "mask", MASK.shape), MASK)


@pytest.mark.parametrize("name", NO_MASKS)
def test_what_is_no_mask_is_refused(tmp_path, name):
    NO_MASKS[name][0](tmp_path / "mask")
    with pytest.raises(BadFile, match=NO_MASKS[name][1]):
        read_mask(tmp_path / "mask", MASK.shape)


def save(pixels, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def tree(root, names):
    """Different images, and masks of 40x30 where a name is one of a mask."""
    for number, name in enumerate(names):
        is_mask = any(word in name.lower() for word in ("gt/", "mask", "ground"))
        save(MASK if is_mask else np.roll(GREY, number), root / name)
    for name in (".DS_Store", "Thumbs.db", "readme.txt", ".hidden.png", "a.json"):
        (root / name).touch()


NANOTWICE = "Normal/1.tif Normal/10.tif Normal/2.tif Anomalous/images/ITIA_10.tif "
NANOTWICE += "Anomalous/images/ITIA_9.tif Anomalous/gt/ITIA_9_gt.png "
NANOTWICE += "Anomalous/gt/ITIA_10.bmp"
MVTEC = "train/good/000.png train/good/001.png test/good/000.png test/Cut/000.png "
MVTEC += "test/Cut/001.png test/hole/000.png ground_truth/Cut/000_mask.png "
MVTEC += "ground_truth/Cut/001_mask.png ground_truth/hole/000_mask.png"
FREE = "OK/a.b.png OK/c.jpg scratch/1.png scratch/2.png dent/1.bmp "
FREE_MASKS = {
    "suffixed": "scratch_masks/1.png scratch_mask/2.png dent_mask/1.png",
    "container": "masks/scratch/1.png masks/scratch/2_mask.png masks/dent/1.png",
    "ground_truth": "ground_truth/scratch/1.png ground_truth/scratch/2.png "
    "ground_truth/dent/1.png",
}


def listed(found):
    return [
        (i.id, i.label, i.defect, i.mask and i.mask.name, i.part) for i in found.items
    ]


@pytest.mark.parametrize("upper", [False, True])
def test_the_nanotwice_layout(tmp_path, upper):
    names = NANOTWICE.replace("Normal", "NORMAL") if upper else NANOTWICE
    tree(tmp_path, names.split())
    found = find(tmp_path)
    normal = "NORMAL" if upper else "Normal"
    assert found.layout == "nanotwice"
    assert listed(found) == [
        ("Anomalous/images/ITIA_9", 1, "anomalous", "ITIA_9_gt.png", "test"),
        ("Anomalous/images/ITIA_10", 1, "anomalous", "ITIA_10.bmp", "test"),
        (f"{normal}/1", 0, "good", None, "train"),
        (f"{normal}/2", 0, "good", None, "train"),
        (f"{normal}/10", 0, "good", None, "train"),
    ]
    assert check(found).problems == []
    forms, wanted = check(found).forms, Wanted(channels=3)
    assert Stored.of(found.items, forms, wanted)[1:].shape == (4, 40, 30, 3)
    marked = masks(found.items, forms, wanted)
    np.testing.assert_array_equal(marked[0], MASK)
    assert not marked[4].any()


def test_the_mvtec_layout_by_its_root_and_by_its_category(tmp_path):
    for category in ("bottle", "screw"):
        tree(tmp_path / category, MVTEC.split())
    found = find(tmp_path, "bottle")
    assert found == find(tmp_path / "bottle")._replace(root=found.root)
    assert found.items == find(tmp_path / "bottle", "bottle", "mvtec").items
    assert found.layout == "mvtec"
    assert listed(found) == [
        ("test/Cut/000", 1, "Cut", "000_mask.png", "test"),
        ("test/Cut/001", 1, "Cut", "001_mask.png", "test"),
        ("test/good/000", 0, "good", None, "test"),
        ("test/hole/000", 1, "hole", "000_mask.png", "test"),
        ("train/good/000", 0, "good", None, "train"),
        ("train/good/001", 0, "good", None, "train"),
    ]
    assert check(found).problems == []


@pytest.mark.parametrize("kind", [None, *FREE_MASKS])
def test_free_folders_with_and_without_masks(tmp_path, kind):
    names = FREE_MASKS[kind] if kind else ""
    if kind == "suffixed":
        names = names.replace("scratch_mask/", "scratch_masks/")
    tree(tmp_path, (FREE + names).split())
    found = find(tmp_path)
    assert found.layout == "free"
    assert [row[:3] for row in listed(found)] == [
        ("OK/a.b", 0, "good"),
        ("OK/c", 0, "good"),
        ("dent/1", 1, "dent"),
        ("scratch/1", 1, "scratch"),
        ("scratch/2", 1, "scratch"),
    ]
    assert [item.mask is not None for item in found.items[2:]] == [bool(kind)] * 3
    assert check(found).problems == []
    marked = masks(found.items, check(found).forms, Wanted())
    assert (marked is None) == (kind is None)


@pytest.mark.parametrize("names", [NANOTWICE, MVTEC])
def test_masks_are_optional_as_a_whole(tmp_path, names):
    masks = [name for name in names.split() if "gt/" in name or "ground_" in name]
    tree(tmp_path, sorted(set(names.split()) - set(masks)))
    assert check(find(tmp_path)).problems == []
    save(MASK, tmp_path / masks[0])
    missing = [
        p for p in check(find(tmp_path)).problems if "without a mask" in p.reason
    ]
    assert len(missing) == len(masks) - 1


def test_a_mask_that_two_images_could_have_belongs_to_none(tmp_path):
    tree(tmp_path, ["good/1.png", "dent/1.png", "dent/1.jpg", "dent_mask/1.png"])
    found = find(tmp_path)
    assert [item.id for item in found.items] == ["dent/1.jpg", "dent/1.png", "good/1"]
    reasons = [problem.reason for problem in check(found).problems]
    assert reasons.count("an anomalous image without a mask") == 2
    assert reasons.count("a mask of 2 images of one name") == 1


def test_images_alone_are_all_normal(tmp_path):
    tree(tmp_path, ["10.png", "2.PNG", "1.png", "1.jpg"])
    (tmp_path / "empty").mkdir()
    found = find(tmp_path)
    assert [i.id for i in found.items] == ["1.jpg", "1.png", "2", "10"]
    assert {i.label for i in found.items} == {0}


LINES = {
    ("", None, None): "has no images in it",
    ("a/1.png b/1.png", None, None): r"none of its folders \(a, b\) is called good",
    ("good/1.txt bad/1.png", None, None): "has no normal images",
    ("x/train/good/1.png", None, None): "holds categories, name one: x",
    ("bottle/good/1.png cable/good/1.png", "botle", None): "did you mean bottle?",
    ("bottle/good/1.png cable/good/1.png", "x", None): "there are: bottle, cable",
    ("good/1.png", "../good", None): "has no category ../good",
    ("train/good/1.txt test/good/1.png", None, None): r"to train on \(in train/good\)",
    ("test/good/1.png", None, None): "to train on: there is no train/good",
    ("good/1.png bad/1.png", None, "mvtec"): "not in mvtec layout; it has bad, good",
    ("good/1.png", None, "mvtek"): "no layout is called mvtek; there are mvtec, nano",
    ("good/1.png Good/1.png", None, None): "differ only in case; rename one",
}


@pytest.mark.parametrize("given_", LINES, ids=lambda g: g[0] or "nothing")
def test_what_is_no_data_set_is_refused_in_one_line(tmp_path, given_):
    names, category, layout = given_
    root = tmp_path / "a\n<b>"
    root.mkdir()
    for name in names.split():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    with pytest.raises(DataError, match=LINES[given_]) as caught:
        find(root, category, layout)
    assert "\n" not in str(caught.value)
    for missing, text in (
        (root / "nowhere", "does not exist"),
        (__file__, "is a file"),
    ):
        with pytest.raises(DataError, match=text):
            find(missing)


def test_all_offenders_are_listed_at_once(tmp_path):
    root, bottle = tmp_path / "set", tmp_path / "set" / "bottle"
    tree(bottle, MVTEC.split())
    save(GREY[::-1], tmp_path / "outside.png")
    for name in ("copy", "other", "empty", "grey", "small", "no", "link", "two"):
        save(RNG.integers(0, 256, (40, 30), np.uint8), bottle / f"test/Cut/{name}.png")
        save(MASK, bottle / f"ground_truth/Cut/{name}.png")
    cut, truth = bottle / "test/Cut", bottle / "ground_truth/Cut"
    (cut / "copy.png").write_bytes((bottle / "train/good/000.png").read_bytes())
    Image.open(bottle / "train/good/001.png").save(bottle / "test/good/again.bmp")
    Image.fromarray(GREY[::-1, ::-1]).save(bottle / "train/good/renamed.png", "jpeg")
    save(GREY[::-1, ::-1] // 2, bottle / "train/good/known.png")
    save(COLOUR, cut / "other.png")
    save(np.zeros_like(MASK), truth / "empty.png")
    save(np.uint8(MASK) * 9, truth / "grey.png")
    save(MASK[1:], truth / "small.png")
    (truth / "no.png").unlink()
    (cut / "link.png").unlink()
    (cut / "link.png").symlink_to(tmp_path / "outside.png")
    save(MASK, truth / "two_mask.png")
    save(MASK, truth / "orphan_mask.png")
    save(MASK, bottle / "ground_truth/good/000_mask.png")
    save(MASK, bottle / "ground_truth/crack/000_mask.png")
    save(GREY, bottle / "train/bad/000.png")
    save(GREY, bottle / "test/stray.png")
    save(GREY, bottle / "test/hole/more/1.png")
    for name, write in (("cut", _cut), ("empty", lambda p: p.touch()), ("nan", _nan)):
        write(bottle / f"train/good/{name}.png")
    (bottle / "train/good/photo.heic").write_bytes(b"\0\0\0\x18ftypheic")
    (bottle / "train/good/gone.png").symlink_to("nowhere.png")
    (bottle / "train/good/loop").symlink_to(bottle / "train")
    (bottle / "train/good/loop.png").symlink_to("loop.png")
    _huge(bottle / "train/good/huge.png")
    found = find(root, "bottle")
    declared = ("train/good/known", "test/Cut/000.png", "test/Cut/nowhere")
    problems, forms = check(found, Wanted(declared=declared))
    expected = {
        "test/Cut/copy.png": "the same image as train/good/000, called normal",
        "train/good/000.png": "the same image as test/Cut/copy, called anomalous",
        "test/good/again.bmp": "the same image as train/good/001",
        "train/good/renamed.png": "a JPEG file called .png; rename or convert it",
        "train/good/known.png": "declared a defect, among the normal training images",
        "test/Cut/nowhere": "declared a defect, but there is no such image",
        "test/Cut/link.png": "a link out of",
        "test/Cut/no.png": "an anomalous image without a mask",
        "test/Cut/other.png": "in colour, but most are grey",
        "test/hole/more": "a folder within a folder of images",
        "test/stray.png": "an image beside the folders",
        "ground_truth/Cut/empty.png": "an empty mask",
        "ground_truth/Cut/grey.png": "not binary: 1 values",
        "ground_truth/Cut/small.png": "a mask of 30x39 for an image of 30x40",
        "ground_truth/Cut/orphan_mask.png": "a mask without an image",
        "ground_truth/Cut/two_mask.png": "a second mask beside two.png",
        "ground_truth/crack": "masks without images: there is no folder crack",
        "ground_truth/good/000_mask.png": "a mask of a normal image",
        "train/bad": "anomalous images within those to train on",
        "train/good/cut.png": "truncated",
        "train/good/empty.png": "an empty file",
        "train/good/gone.png": "No such file",
        "train/good/huge.png": "more than the 134217728",
        "train/good/loop.png": "Too many levels",
        "train/good/nan.png": "nan at row 3",
        "train/good/photo.heic": "not a PNG, JPEG, TIFF or BMP file",
    }
    told = {p.path.relative_to(bottle).as_posix(): p.reason for p in problems}
    assert told.keys() == expected.keys()
    assert len(problems) == len(expected)
    for name, reason in expected.items():
        assert reason in told[name]
    table = problems_table(problems, bottle).splitlines()
    assert [row.split()[0] for row in table] == sorted(expected)
    error = FolderError(bottle, problems)
    assert f"has {len(expected)} problems: ground_truth/Cut/empty.png: " in str(error)
    assert f"; and {len(expected) - 3} more; " in str(error)
    assert error.problems == problems
    kept, gone = leave_out(found, problems)
    assert [item.id for item in kept if item.part == "test"] == [
        *("test/Cut/000", "test/Cut/001", "test/hole/000"),
    ]
    assert [item.id for item in kept if item.part == "train"] == ["train/good/001"]
    assert len(gone) == len(problems)
    assert {
        ("test/good/000", "ground_truth/good/000_mask.png: a mask of a normal image"),
        ("train/bad", expected["train/bad"]),
    } < {(name, reason.replace("a folder of ", "")) for name, reason in gone}
    assert forms.keys() > {item.image for item in kept}
    assert cut / "link.png" not in forms, "nothing is read behind a link"
    assert not check(found._replace(items=kept, problems=[])).problems


def test_copies_are_found_wherever_they_lie(tmp_path):
    names = ["good/1.png", "good/2.png", "scratch/1.png", "dent/1.png", "dent/2.png"]
    tree(tmp_path, names)
    for name, copy in (("good/1", "good/3"), ("dent/1", "dent/3"), ("dent/1", "a/4")):
        (tmp_path / copy).parent.mkdir(exist_ok=True)
        (tmp_path / f"{copy}.png").write_bytes((tmp_path / f"{name}.png").read_bytes())
    found = find(tmp_path)
    told = {p.path.relative_to(tmp_path).as_posix(): p.reason for p in check(found)[0]}
    assert told == {
        "good/3.png": "the same image as good/1",
        "dent/1.png": "the same image as a/4",
        "dent/3.png": "the same image as a/4",
    }
    kept, _ = leave_out(found, check(found).problems)
    assert check(found._replace(items=kept)).problems == []


def test_a_folder_that_is_linked_out_is_one_problem(tmp_path):
    tree(tmp_path / "set", ["good/1.png", "dent/1.png", "dent_mask/1.png"])
    tree(tmp_path / "away", ["1.png", "2.png"])
    (tmp_path / "set/cut").symlink_to(tmp_path / "away")
    reasons = [p.reason for p in check(find(tmp_path / "set")).problems]
    assert [reason.split("/")[0] for reason in reasons] == ["a link out of "]


HOSTILE = ["new\nline", "<b>&amp;", "ü 日本", "a.b..c", "x" * 250]
HOSTILE += [" spaces ", "-rf", "%s{0}", "back\\slash", "new\\nline", "[red]", "a\rb"]


def test_names_of_any_kind_are_kept_apart_and_on_one_line(tmp_path):
    names = [f"{name}{end}" for name in HOSTILE for end in (".png", ".tif")]
    for folder in ("good", "de\nfect"):
        tree(tmp_path, [f"{folder}/{name}" for name in [*names, "a.png.bmp", "a.png"]])
    (tmp_path / "good" / os.fsdecode(b"\xff.png")).write_bytes(b"")
    found = find(tmp_path)
    ids = [item.id for item in found.items]
    assert len(set(ids)) == len(ids) == 2 * len(names) + 5
    assert all(name.isprintable() for name in ids)
    assert {item.defect for item in found.items} == {"good", r"de\nfect"}
    "".join(ids).encode()
    problems = check(found).problems
    table = problems_table(problems, tmp_path)
    assert table.splitlines()[-1].endswith("  an empty file")
    assert len(table.splitlines()) == len(problems)
    assert "\n" not in str(FolderError(tmp_path, problems))


def test_data_verify_shows_the_table_of_a_folder(tmp_path, capsys):
    tree(tmp_path, [*FREE.split()])
    assert main(["data", "verify", str(tmp_path)]) == 0
    assert "5 images, free layout" in capsys.readouterr().out
    (tmp_path / "OK" / "new\nline.png").touch()
    assert main(["data", "verify", str(tmp_path)]) == 3
    told = capsys.readouterr()
    assert told.out == "OK/new\\nline.png  an empty file\n"
    assert "has 1 problem: OK/new\\nline.png: an empty file" in told.err
    assert main(["data", "verify", str(tmp_path), "--category", "x"]) == 3
    assert main(["data", "verify", "digits", "--category", "x"]) == 2


def test_data_verify_says_what_cannot_be_measured_and_what_is_declared(
    tmp_path, capsys, monkeypatch
):
    tree(tmp_path, FREE.split())
    assert main(["data", "verify", str(tmp_path)]) == 0
    assert "no anomalous image has a mask" in capsys.readouterr().out
    command = ["data", "verify", str(tmp_path), "--declared", "OK/d"]
    monkeypatch.chdir(tmp_path.parent)
    for typed in ("OK/c", f"{tmp_path}/OK/c.jpg", f"{tmp_path.name}/OK/c.jpg"):
        assert main([*command, typed]) == 3
        assert capsys.readouterr().out.splitlines() == [
            "OK/c.jpg  declared a defect, among the normal training images",
            "OK/d      declared a defect, but there is no such image",
        ]
    assert main(["data", "verify", "digits", "--declared", "x"]) == 2
    capsys.readouterr()
    assert main(["data", "verify", str(tmp_path / "OK")]) == 0
    assert "none is anomalous: recall and AUROC cannot" in capsys.readouterr().out


def test_data_verify_looks_at_what_training_will_make_of_the_images(tmp_path, capsys):
    tree(tmp_path, FREE.split())
    verify = ["data", "verify", str(tmp_path)]
    save(GREY[:9], tmp_path / "OK" / "small.png")
    assert main(verify) == 3
    assert "images differ in size" in capsys.readouterr().err
    assert main([*verify, "--size", "16", "--fit", "crop"]) == 0
    save(COLOUR, tmp_path / "OK" / "colour.png")
    assert main([*verify, "--size", "16"]) == 3
    assert "most are grey; data.channels 1 or 3" in capsys.readouterr().out
    assert main([*verify, "--size", "16", "--channels", "1"]) == 0
    assert main([*verify, "--size", "0"]) == 2
    capsys.readouterr()
    assert main(["data", "verify", f"{tmp_path}/nowhere"]) == 3
    assert "there is no folder" in capsys.readouterr().err
