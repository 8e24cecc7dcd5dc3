"""Reports from synthetic run folders."""

import dataclasses
import shutil
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.text import Text
from run_folder import GAP, write_run
from sklearn import metrics as golden

from jaxad import report
from jaxad.errors import DataError
from jaxad.report import curves, histogram, plots, read, rules, style, table
from jaxad.report.names import title


@pytest.fixture(scope="module", params=list(GAP))
def run(request, tmp_path_factory):
    small = request.param == "one_class"
    options = {"epochs": 1, "count": (20, 40), "curve": False} if small else {}
    options["last"] = 4 if request.param == "overlapping" else 1
    path = tmp_path_factory.mktemp("runs") / request.param
    return read(write_run(path, request.param, **options))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return read(write_run(tmp_path_factory.mktemp("whole") / "run", "overlapping"))


def words(figure):
    """All text of a figure that is drawn."""
    return [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]


def is_inside(picture):
    """Whether all of a figure that has been laid out is within its frame."""
    box = picture.get_tightbbox().transformed(picture.dpi_scale_trans)
    width, height = picture.bbox.size
    return min(box.x0, box.y0, width - box.x1, height - box.y1) > -1


def test_every_picture_is_drawn_inside_its_frame_without_nan(run):
    pictures = plots.figures(run)
    assert ("curve" in pictures) == ("curve" in run.metrics)
    assert {f"scores_{name}" for name in run.names} < set(pictures)
    for name, picture in pictures.items():
        picture.draw_without_rendering()
        for text in words(picture):
            assert "nan" not in text.get_text().split(), name
        assert is_inside(picture), name


def test_files_are_whole_and_the_same_bytes_each_time(whole, tmp_path):
    path = tmp_path / "run"
    shutil.copytree(whole.path, path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plots, "figures", lambda r: {"loss": plots.loss_figure(r)})
        file, page = report.draw(path)
        first = file.read_bytes()
        again = [path / "plots" / "loss.png", path / "report.html"]
        assert report.draw(path) == again == [file, page]
    assert file.read_bytes() == first
    assert first.startswith(b"\x89PNG")
    assert b"Software" not in first
    assert [f.name for f in (path / "plots").iterdir()] == ["loss.png"]


@given(
    st.lists(st.tuples(st.integers(-4, 4), st.integers(0, 1)), min_size=2, max_size=40)
)
def test_curves_agree_with_scikit_learn(pairs):
    score, label = (np.array(column) for column in zip(*pairs, strict=True))
    ours, pr = curves.roc(score * 0.5, label), curves.pr(score * 0.5, label)
    if label.min() == label.max():
        assert ours is None
        assert (pr is None) == (label.max() == 0)
        return
    x, y = ours
    gx, gy, _ = golden.roc_curve(label, score, drop_intermediate=False)
    assert np.allclose(np.interp(x, gx, gx), x)
    assert np.trapezoid(y, x) == pytest.approx(golden.roc_auc_score(label, score))
    assert all(
        np.isclose(gy[np.isclose(gx, a)], b).any() for a, b in zip(*ours, strict=True)
    )
    recall, precision = pr
    area = np.sum(np.diff(recall) * precision[1:])
    assert area == pytest.approx(golden.average_precision_score(label, score))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.floats(0, 0.3))
def test_spread_keeps_order_and_gaps(places, gap):
    places = np.array(places)
    moved = style.spread(places, gap, 0.0, 1.0)
    order = np.argsort(places, kind="stable")
    room = min(gap, 1 / max(len(places) - 1, 1))
    assert (np.diff(moved[order]) >= room - 1e-9).all()
    assert moved.min() >= -1e-9
    assert moved.max() <= 1 + 1e-9
    if len(places) == 1 or np.diff(np.sort(places)).min() >= gap:
        assert np.allclose(moved, places)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.array([0.01, 0.02, 5.0]), "log"),
        (np.array([1.0, 2.0, 3.0]), "linear"),
        (np.array([0.0, 0.0, 0.0]), "linear"),
        (np.concatenate([np.linspace(-1, 1, 50), [1e6]]), "asinh"),
    ],
)
def test_scale_holds_scores_and_limits(values, kind):
    axis = histogram.scale(values, [-0.5, values.max() * 1.2])
    edges = axis.bins(30)
    assert axis.kind == kind
    assert (np.diff(edges) > 0).all()
    assert np.histogram(values, edges)[0].sum() == len(values)
    assert axis.low < values.max() * 1.2 + 1e-12 <= axis.high
    assert axis.low <= -0.5 or kind == "log"


def test_each_rule_has_a_line_solid_or_dashed(whole):
    axes = plots.scores_figure(whole, "mse").axes[0]
    lines = {round(x.get_xdata()[0], 9): x.get_linestyle() for x in axes.lines}
    for rule in whole.thresholds["mse"].values():
        dash = "-" if rule["status"] == "deployable" else "--"
        for limit in (rule["lower"], rule["upper"]):
            assert np.isinf(limit) or lines[round(limit, 9)] == dash


def test_many_rules_fit(whole):
    rule = whole.thresholds["mse"]["z_score"]
    extra = {f"rule_{i}": rule for i in range(6)}
    more = {"mse": {**whole.thresholds["mse"], **extra}}
    run = dataclasses.replace(whole, thresholds=more)
    for picture in (plots.scores_figure(run, "mse"), plots.roc_figure(run)):
        picture.draw_without_rendering()
        assert is_inside(picture)


def test_maps_share_one_scale(whole):
    ax, *_ = plots.reconstructions_figure(whole).axes
    shown = [i for i in ax.images if i.get_cmap().name == "inferno"]
    assert len(shown) == 12
    assert {i.get_clim() for i in shown} == {(0.0, float(whole.examples.map.max()))}


def test_rules_count_what_the_metrics_hold(whole):
    known = dict(whole.metrics["image"]["mse"]["at"])
    for mark in rules.marks(whole, "mse"):
        expected = known.pop(mark.rule)
        counted = rules.measured(whole, "mse", mark)
        assert counted == {key: expected[key] for key in counted}


def test_rows_are_model_baselines_trivial(whole):
    rows = table.rows(whole)
    assert [r["kind"] for r in rows] == 2 * ["model"] + 4 * ["baseline"] + 2 * [
        "trivial"
    ]
    assert rows[0]["seconds"] == pytest.approx(34.7)
    assert rows[2]["seconds"] == pytest.approx(2.8)
    assert rows[-1]["status"] == "oracle"
    entry = whole.metrics["image"]["mse"]
    assert rows[0]["recall"] == entry["at"]["max_margin"]["recall"]
    assert rows[0]["auroc"] == entry["auroc"]


def test_tables_say_why_a_number_is_undefined(run):
    text = table.render(run)
    assert "nan" not in text.lower()
    assert "None" not in text
    missing = "\n(a) no anomalous examples" in text
    assert missing == ("undefined (a)" in text) == (run.path.name == "one_class")
    assert all(f"\n{title(name)} " in text for name in run.names)


@pytest.mark.parametrize(
    ("kind", "unit"),
    [
        ("salt_and_pepper", "salt and pepper, share of the pixels (%); "),
        ("masking", "masking, share of the pixels (%); "),
        ("gaussian", "gaussian, standard deviation (range 0 to 1); "),
        ("speckle", "speckle, standard deviation of the factor; "),
        ("poisson", "poisson, 1 / photons at white; "),
    ],
)
def test_levels_have_the_unit_of_their_kind(whole, kind, unit):
    curve = whole.metrics["curve"] | {"kind": kind}
    run = dataclasses.replace(whole, metrics=whole.metrics | {"curve": curve})
    ax = plots.curve_figure(run).axes[0]
    assert ax.get_xlabel() == unit + "weaker to the right"
    scale = 100 if "%" in unit else 1
    assert max(ax.get_xticks()) == pytest.approx(scale * max(curve["levels"]))


def test_a_narrow_terminal_gets_a_narrow_table(whole):
    lines = table.render(whole, 92).splitlines()
    assert "95 % interval" not in lines[1]
    assert "AUROC" in lines[1]
    assert max(map(len, lines[1:10])) <= 92


@pytest.mark.parametrize(
    ("value", "word"),
    [(1.0, "1.0000"), (0.99997, ">0.9999"), (0.0, "0.0000"), (2e-5, "<0.0001")],
)
def test_numbers_never_round_to_perfect(value, word):
    assert table.number(value) == word


def cut(name, size):
    return name, lambda data: data[:size]


def swap(name, old, new):
    return name, lambda data: data.replace(old, new, 1)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (("metrics.json", None), "lacks this file"),
        (cut("metrics.json", 50), "damaged"),
        (swap("metrics.json", b'"fit"', b'"fat"'), "no entry 'fit'"),
        (swap("metrics.json", b'"auroc"', b'"aurok"'), "lacks ['auroc']"),
        (swap("thresholds.json", b'"upper"', b'"uper"'), "not of the form"),
        (cut("scores.csv", 500), "cut off"),
        (("scores.csv", lambda data: data[: data.rindex(b",")] + b"\n"), "cells"),
        (("scores.csv", lambda data: data[: data[:-1].rindex(b"\n") + 1]), "n_anom"),
        (swap("scores.csv", b"score_mse", b"score_mso"), "'mso'"),
        (swap("scores.csv", b",val,0,", b",val,2,"), "label"),
        (swap("scores.csv", b",0.0", b",nan0.0"), "could not convert"),
        (swap("history.csv", b"val_loss", b"loss"), "no column val_loss"),
        (cut("history.csv", 0), "no rows"),
        (cut("config.json", 3), "damaged"),
        (cut("examples/examples.npz", 400), "damaged"),
        (swap("examples/index.json", b"[", b"[{}, "), "differ in shape"),
    ],
)
def test_damage_is_one_clear_line(whole, tmp_path, damage, reason):
    name, change = damage
    path = tmp_path / "run"
    shutil.copytree(whole.path, path)
    file = path / name
    if change is None:
        file.unlink()
    else:
        file.write_bytes(change(file.read_bytes()))
    with pytest.raises(DataError) as error:
        read(path)
    line = str(error.value)
    assert "\n" not in line
    assert reason in line
    assert file.name in line or file.parent.name in line


def test_a_missing_folder_is_one_clear_line(tmp_path):
    with pytest.raises(DataError, match="no such run folder"):
        read(tmp_path / "nothing")


def test_the_table_needs_neither_jax_nor_matplotlib():
    code = "import sys, jaxad.report.table; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert not {"jax", "matplotlib"} & set(done.stdout.decode().split())
