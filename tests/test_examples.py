"""The examples of a run: which are kept, and on what scale their maps are shown."""

import json
import shutil

import jax.numpy as jnp
import numpy as np
import pytest
from run_folder import write_run

from jaxad import examples, threshold
from jaxad.config import FixedFpr
from jaxad.data import Split, Splits
from jaxad.errors import DataError
from jaxad.report import plots, read
from jaxad.report.anomaly_maps import FOUND
from jaxad.types import Scores

SIZE = 12


class Pixels:
    """Says of an image that its anomaly map is its brightness."""

    def __init__(self, maps=True, recon=True):
        self.maps, self.gives = maps, recon

    def block(self, image):
        return 7

    def scores(self, model, image):
        maps = {"mse": image.mean(-1)} if self.maps else {}
        return Scores(
            {"kde": image.mean((1, 2, 3)), "mse": image.mean((1, 2, 3))}, maps
        )

    def recon(self, model, image):
        return image / 2 if self.gives else None

    def pictures(self, model, image):
        return {"recon": image / 2} if self.gives else {}

    def sample(self, model, count, seed):
        return None


def part(seed, normal, defects, masks=True):
    """A split: normal images are dark, defects are bright spots in their middle."""
    draw = np.random.default_rng(seed)
    count = normal + len(defects)
    label = np.repeat([0, 1], [normal, len(defects)]).astype(np.int32)
    mask = np.zeros((count, SIZE, SIZE), np.uint8)
    mask[normal:, 4:8, 4:9] = 1
    image = draw.random((count, SIZE, SIZE, 2), np.float32) / 2 + mask[..., None] / 2
    ids = np.array([f"image {i}" for i in range(count)])
    defect = np.array(["good"] * normal + list(defects))
    rows = np.arange(count, dtype=np.int32)
    return Split(image, label, ids, defect, rows, None, mask if masks else None)


FOR_PAGE = ("next worst", "near the limit")
KINDS = ["hole"] * 12 + ["dent", "crack"] + ["stain"] * 20 + ["burn", "cut"]


@pytest.fixture
def splits():
    return Splits(part(0, 4, []), part(1, 30, ["hole"] * 5), part(2, 25, KINDS))


def values(test):
    return {"kde": test.image.mean((1, 2, 3)), "mse": test.image.mean((1, 2, 3))}


def chosen(splits, scorer=None):
    scorer = Pixels() if scorer is None else scorer
    return examples.choose(splits, scorer, None, values(splits.test), 3)


def test_best_worst_and_every_kind_are_kept_once(splits):
    arrays, index = chosen(splits)
    assert len({entry["id"] for entry in index}) == len(index) == len(arrays["map"])
    assert {e["defect"] for e in index if e["label"]} == set(KINDS)
    for label, sign in ((0, 1), (1, -1)):
        own = [e for e in index if e["label"] == label]
        why = [e["why"] for e in own if e["why"] not in FOR_PAGE]
        assert why == ["best"] * 4 + ["worst"] * 4 + ["random"] * (len(why) - 8)
        score = values(splits.test)["kde"][splits.test.label == label]
        ranks = np.sort(sign * score)
        kept = [sign * e["scores"]["kde"] for e in own]
        np.testing.assert_allclose(kept[:4], ranks[:4])
        np.testing.assert_allclose(kept[4:8], ranks[::-1][:4])
    rows = [int(e["id"].split()[1]) for e in index]
    np.testing.assert_array_equal(arrays["mask"], splits.test.mask[rows] == 1)


def test_more_are_kept_for_the_page_worst_and_nearest_up_to_a_limit(
    splits, monkeypatch
):
    test = splits.test
    score = values(test)["kde"]
    limit = float(np.median(score))
    ranks = np.searchsorted(np.sort(score), [*score, limit])
    places = {name: k for k, name in enumerate(test.id.tolist())}
    monkeypatch.setattr(examples, "GALLERY", 40)
    own = Pixels(), None, values(test), 3, limit
    arrays, index = examples.choose(splits, *own)
    assert len(index) == 40 == len(arrays["recon"])
    few = [entry for entry in index if entry["why"] not in FOR_PAGE]
    assert few == chosen(splits)[1][: len(few)]
    shown = {entry["id"] for entry in few}
    for anomalous in (0, 1):
        rest = [
            k
            for k, n in enumerate(test.id)
            if test.label[k] == anomalous and n not in shown
        ]
        more = [e for e in index[len(few) :] if e["label"] == anomalous]
        bad = [places[e["id"]] for e in more if e["why"] == "next worst"]
        near = [places[e["id"]] for e in more if e["why"] == "near the limit"]
        assert abs(len(bad) - len(near)) <= 1
        sign = 1 if anomalous else -1
        assert bad == sorted(rest, key=lambda k: sign * score[k])[: len(bad)]
        left = [abs(ranks[k] - ranks[-1]) for k in rest if k not in bad]
        assert [abs(ranks[k] - ranks[-1]) for k in near] == sorted(left)[: len(near)]
    monkeypatch.setattr(examples, "BYTES", 30 * (4 * 12 * 12 * 2 * 3 + 5 * 12 * 12))
    assert len(examples.choose(splits, *own)[1]) == max(len(few), 30)


def test_few_images_are_shown_once_each(splits):
    few = splits._replace(test=part(2, 3, ["hole"]))
    assert [e["why"] for e in chosen(few)[1]] == ["best", "best", "worst", "best"]


def test_the_scale_is_of_validation_normals_alone(splits):
    arrays, _ = chosen(splits)
    normal = splits.val.image[:30].mean(-1).ravel()
    golden = threshold.fit(FixedFpr(rate=0.01), threshold.Validation(jnp.array(normal)))
    assert arrays["map_threshold"] == golden[1]
    low, high = arrays["map_limits"]
    assert low <= normal.min() < normal.max() < high
    assert arrays["map_score"] == "mse"
    changed = splits._replace(
        test=part(5, 9, KINDS), val=splits.val._replace(image=splits.val.image.copy())
    )
    changed.val.image[30:] = 9
    again, _ = chosen(changed)
    for name in ("map_limits", "map_threshold", "map_rate"):
        np.testing.assert_array_equal(arrays[name], again[name])
    changed.val.image[0] += 1
    assert (chosen(changed)[0]["map_limits"] != arrays["map_limits"]).any()


def test_rare_bright_pixels_of_normals_fit_the_scale_but_one_image_does_not(splits):
    image = splits.val.image.copy()
    image[3, 0, 0] = 90
    outlier = splits.val._replace(image=image)
    before = examples.scale_of(splits.val, Pixels(), None, "mse")
    assert examples.scale_of(outlier, Pixels(), None, "mse").high < 1.1 * before.high
    image[:30, 5, 5] = 8
    bright = examples.scale_of(outlier, Pixels(), None, "mse")
    assert bright.high == 8
    assert bright.threshold < before.high


def test_maps_of_one_value_and_none_at_all(splits):
    flat = splits.val._replace(image=np.full_like(splits.val.image, 0.25))
    scale = examples.scale_of(flat, Pixels(), None, "mse")
    assert scale.low < scale.threshold < scale.high
    residual, _ = chosen(splits, Pixels(maps=False))
    assert residual["map_score"] == "squared_residual"
    bare = splits._replace(test=splits.test._replace(mask=None))
    arrays, _ = chosen(bare, Pixels(maps=False, recon=False))
    assert arrays.keys() == {"image", "original"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run folder with examples of `splits`."""
    path = write_run(tmp_path_factory.mktemp("runs") / "run", "overlapping", last=2)
    test = part(2, 25, KINDS)
    arrays, index = chosen(Splits(part(0, 4, []), part(1, 30, []), test))
    np.savez(path / "examples" / "examples.npz", **arrays)
    (path / "examples" / "index.json").write_text(json.dumps(index))
    return path, arrays


def test_the_picture_shows_the_threshold_and_the_truth(folder):
    path, arrays = folder
    run = read(path)
    kept = run.examples.scale
    assert (kept.low, kept.high) == tuple(arrays["map_limits"].tolist())
    assert kept[3:] == (arrays["map_threshold"], arrays["map_rate"])
    np.testing.assert_array_equal(run.examples.mask, arrays["mask"])
    picture = plots.reconstructions_figure(run)
    normals, anomalies, bar = picture.axes
    contours = [c for ax in (normals, anomalies) for c in ax.collections]
    assert {level for c in contours for level in c.levels} == {kept.threshold}
    maps = arrays["map"][[e["why"] not in FOR_PAGE for e in run.examples.index]]
    assert len(maps) < len(arrays["map"])
    crossed = (maps >= kept.threshold).any((1, 2)).sum()
    assert len(contours) == 2 * crossed  # on the map and on the image
    maps = [i for i in (*normals.images, *anomalies.images) if i.cmap.name == "inferno"]
    assert {i.get_clim() for i in maps} == {(kept.low, kept.high)}
    (line,) = [line for line in bar.lines if line.get_color() == FOUND]
    assert set(line.get_ydata()) == {kept.threshold}
    (words,) = [t.get_text() for t in picture.legends[0].texts if "found" in str(t)]
    assert f"{kept.threshold:.3g} or above" in words
    groups = {t.get_text().strip() for ax in picture.axes for t in ax.texts}
    reasons = {f"{k}, {w}" for k in ("normal", "anomalous") for w in ("best", "worst")}
    assert reasons < groups


def without(*names):
    return lambda arrays: [arrays.pop(name) for name in names]


def changed(**new):
    return lambda arrays: arrays.update({k: np.array(v) for k, v in new.items()})


SCALE = ("map_score", "map_limits", "map_threshold", "map_rate")


def test_runs_without_a_scale_or_masks_are_drawn(folder, tmp_path):
    for names in ((*SCALE, "mask"), SCALE, ("mask",), (*SCALE, "map", "recon")):
        path = tmp_path / "-".join(names)
        shutil.copytree(folder[0], path)
        arrays = dict(folder[1])
        without(*names)(arrays)
        np.savez(path / "examples" / "examples.npz", **arrays)
        picture = plots.reconstructions_figure(read(path))
        assert bool(picture.axes[0].collections) == ("map_limits" in arrays)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (without("map_threshold"), "map_threshold is missing"),
        (without("map"), "no map"),
        (changed(map_limits=[0.0, np.nan]), "impossible numbers"),
        (changed(map_limits=[1.0, 0.0]), "impossible numbers"),
        (changed(map_limits=[1.0]), "map_limits is missing or of another form"),
        (changed(map_rate=0.0), "impossible numbers"),
        (changed(map_score=1.0), "map_score is missing or of another form"),
        (changed(mask=np.zeros((33, SIZE, SIZE))), "differ in shape"),
        (lambda a: a.update(mask=a["mask"] * 2.0), "other values than true and false"),
    ],
)
def test_damaged_arrays_are_one_clear_line(folder, tmp_path, damage, reason):
    path = tmp_path / "run"
    shutil.copytree(folder[0], path)
    arrays = dict(folder[1])
    damage(arrays)
    np.savez(path / "examples" / "examples.npz", **arrays)
    with pytest.raises(DataError, match=reason) as error:
        read(path)
    assert "\n" not in str(error.value)
