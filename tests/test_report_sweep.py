"""Pictures and tables of sweeps, from synthetic folders."""

import csv
import html
import json
import shutil

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from sweep_folder import KINDS, write_sweep

from jaxad.cli import main
from jaxad.config import Config, Grid
from jaxad.errors import DataError
from jaxad.report.sweep import draw_sweep, is_sweep, read_sweep
from jaxad.report.sweep.plots import sweep_figures
from jaxad.report.sweep.scales import scale
from jaxad.report.sweep.tables import leaderboard_block, render_sweep, sweep_blocks
from jaxad.search import Sweep

LR = {"optim.lr": [1e-4, 1e-3, 1e-2]}
LONG = "six layers, tanh, a name that is far too long for any table, $x$ | <b>"
CASES = {
    "one": {"axes": [{}], "seeds": 1},
    "seeds": {"axes": [{}], "seeds": 4},
    "axis": {"axes": LR, "failed": (2,), "stuck": (0,)},
    "two": {"axes": {**LR, "model.latent_dim": [2, 4, 8]}, "failed": (2, 7)},
    "many": {
        "axes": {
            **LR,
            "model.hidden": [(8,), (16, 8), ()],
            "data.augment.shift": [0, 1],
            "train.batch_size": [2**n for n in range(6)],
        },
        "failed": range(90, 108),
        "criterion": "difference",
    },
    "each": {
        "axes": {"data.protocol.normal": list(range(10)), "model.latent_dim": [2, 4]},
        "each": "data.protocol.normal",
    },
    "linked": {
        "axes": [{"model": f"{n} {LONG}", "optim.lr": 0.1 / 2**n} for n in range(4)]
    },
    "draws": {
        "axes": [{"a.x": 10 ** (-n / 9), "b.x": 0.1 + n % 7} for n in range(35)],
        "criterion": "val_loss",
        "seeds": 1,
    },
    "failed": {"axes": LR, "failed": range(3)},
}


@pytest.fixture(scope="module", params=list(CASES))
def case(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("sweeps") / request.param
    return request.param, write_sweep(path, **CASES[request.param])


@pytest.fixture
def small(tmp_path):
    return write_sweep(tmp_path / "small", **CASES["axis"])


def table(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_every_picture_is_drawn_inside_its_frame(case):
    name, path = case
    pictures = sweep_figures(read_sweep(path))
    expected = {"leaderboard"}
    if name != "failed":
        expected |= {"reconstruction_vs_detection", "losses", "held_out"}
    if name not in ("failed", "one", "seeds"):
        expected |= {"axes"}
    if name in ("two", "each"):  # over model.latent_dim
        expected |= {"bottleneck"}
    assert set(pictures) == expected
    for key, picture in pictures.items():
        picture.draw_without_rendering()
        box = picture.get_tightbbox().transformed(picture.dpi_scale_trans)
        width, height = picture.bbox.size
        assert min(box.x0, box.y0, width - box.x1, height - box.y1) > -1, key
        for words in picture.findobj(Text):
            assert "nan" not in words.get_text().split(), key


def test_pictures_are_the_same_bytes_each_time(small):
    files = draw_sweep(small)
    assert {file.suffix for file in files} == {".png", ".html"}
    before = [file.read_bytes() for file in files]
    draw_sweep(small)
    assert [file.read_bytes() for file in files] == before


def test_leaderboard_has_the_numbers_of_the_file(case):
    name, path = case
    sweep = read_sweep(path)
    ranked = [row for row in table(path / "leaderboard.csv") if row["rank"]]
    block = leaderboard_block(sweep, 10)
    assert len(block.rows) == min(len(ranked), 10)
    for line, row in zip(block.rows, ranked, strict=False):
        cells = dict(zip(block.header, line, strict=True))
        mean, _, sd = cells["AUROC"].partition(" ± ")
        assert float(mean) == pytest.approx(float(row["auroc"]), abs=6e-5)
        assert (not sd) == np.isnan(float(row["auroc_sd"]))
        assert float(cells["val loss"]) == pytest.approx(
            float(row["val_loss"]), rel=1e-3
        )
        assert cells["rank"] == row["rank"]
        assert cells["failed"] == row["failed"]
    words = render_sweep(sweep)
    failed = len(sweep.leaderboard) - len(ranked)
    assert (f"Without a rank, {failed}: " in words) == (failed > 0)
    assert ("diverged at step 7" in words) == (failed > 0)
    assert ("measured once" in words) == (name != "failed")
    assert "nan" not in words


def test_the_held_out_table_has_the_numbers_of_the_file(small):
    block = sweep_blocks(read_sweep(small))[1]
    rows = table(small / "held_out.csv")
    assert [line[0] for line in block.rows] == [
        "best",
        *KINDS[1:3],
        "PCA",
        "LOF",
        KINDS[5],
    ]
    for line, row in zip(block.rows, rows, strict=True):
        cells = dict(zip(block.header, line, strict=True))
        low, high = float(row["auroc_low"]), float(row["auroc_high"])
        assert cells["95 % interval"] == f"{low:.4f}-{high:.4f}"
        for name, key in (("recall", "recall"), ("FPR", "fpr"), ("F1-max*", "f1_max")):
            assert float(cells[name]) == pytest.approx(float(row[key]), abs=6e-5)
        less = row["best_minus"]
        assert cells["best minus this"].startswith(
            f"{float(less):+.4f}" if less else ""
        )
    assert "oracle" in block.title


def test_each_has_a_row_a_value_and_their_mean(tmp_path):
    path = write_sweep(tmp_path / "each", **CASES["each"])
    _, best, block = sweep_blocks(read_sweep(path))
    assert len(best.rows) == 10  # sixty rows would hide them
    rows = table(path / "held_out.csv")
    assert [line[0] for line in block.rows] == [*map(str, range(10)), "mean"]
    for place, kind in enumerate(KINDS, 1):
        name = f": {kind}" if kind else ""
        values = [
            float(row["auroc"])
            for row in rows
            if row["row"].partition("=")[2][1:] == name
        ]
        shown = [float(line[place].partition(" ±")[0]) for line in block.rows]
        assert shown == pytest.approx([*values, np.mean(values)], abs=6e-5)


def test_a_narrow_terminal_keeps_what_counts(small):
    lines = render_sweep(read_sweep(small), 76).splitlines()
    header = next(line for line in lines if line.startswith("rank"))
    assert len(header) <= 76
    assert {"lr", "AUROC", "failed"} <= set(header.split())


def test_the_command_prints_and_draws(small, capsys, monkeypatch):
    assert main(["report", str(small)]) == 0
    printed = capsys.readouterr().out
    assert "Leaderboard" in printed
    assert f"pictures: {small / 'plots'}" in printed
    assert len(list((small / "plots").glob("*.png"))) == 5
    assert main(["report", str(small), "--markdown"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("| rank | lr |") for line in lines)
    assert any(line.startswith("| best | 2 |") for line in lines)


def test_a_notebook_shows_the_leaderboard(tmp_path):
    path = write_sweep(tmp_path / "linked", **CASES["linked"])
    sweep = Sweep(Config(), Grid(), path, *[None] * 3, {}, {})
    page = sweep._repr_html_()
    assert page.count("<tr>") == 5
    assert html.escape("| <b>") in page
    assert "<b>" not in page
    ax = Figure().subplots()
    assert sweep.plot_leaderboard(ax) is ax
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert [label.partition(".")[0] for label in labels] == ["1", "2", "3", "4"]
    other = Figure().subplots()
    assert sweep.plot_tradeoff(other) is other
    legend = [words.get_text() for words in other.get_legend().get_texts()]
    best = max(table(path / "members.csv"), key=lambda row: float(row["auroc"]))
    (detector,) = (line for line in legend if line.startswith("best detector"))
    assert f"AUROC {float(best['auroc']):.4f}" in detector


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["0.1", "0.001", "0.01"], "log"),
        (["2", "4", "8", "16"], "log"),
        (["2", "3", "4"], "linear"),
        (["0.0", "0.001", "0.1"], "steps"),
        (["0.001", "0.01", "1e+30"], "steps"),
        (["relu", "tanh"], "steps"),
        (["True", "False"], "steps"),
        (["", "3"], "steps"),
    ],
)
def test_scales_suit_the_values(cells, kind):
    assert scale(cells).kind == kind


def cut(name, count):
    return lambda path: (path / name).write_bytes((path / name).read_bytes()[:count])


def without(name, column):
    def change(path):
        rows = table(path / name)
        with open(path / name, "w", newline="") as file:
            names = [key for key in rows[0] if key != column]
            writer = csv.DictWriter(file, names, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)

    return change


def ranked_by(criterion):
    def change(path):
        value = json.loads((path / "grid.json").read_text())
        value["grid"]["rank"] = criterion
        (path / "grid.json").write_text(json.dumps(value))

    return change


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda path: (path / "members.csv").unlink(), "members.csv: .* lacks"),
        (lambda path: (path / "held_out.csv").unlink(), "held_out.csv: .* lacks"),
        (cut("leaderboard.csv", 300), "leaderboard.csv: damaged"),
        (cut("grid.json", 40), "grid.json: damaged"),
        (cut("history.csv", 10), "history.csv: damaged"),
        (without("members.csv", "status"), "no column status"),
        (without("members.csv", "optim.lr"), "no column optim.lr"),
        (ranked_by("beauty"), "grid.json: damaged.*beauty"),
    ],
)
def test_a_damaged_folder_gives_one_line(small, change, match):
    assert is_sweep(small)
    change(small)
    with pytest.raises(DataError, match=match) as caught:
        read_sweep(small)
    assert "\n" not in str(caught.value)
    assert "--resume" in str(caught.value)


def test_a_sweep_cannot_score_and_says_what_can(small, capsys):
    assert main(["score", str(small), "a.png"]) == 3
    assert f"as {small / 'best'}" in capsys.readouterr().err
    tasks = small.parent / "tasks"
    shutil.copytree(small, tasks)
    for digit in (1, 0):
        (tasks / f"best-normal_{digit}").mkdir()
        (tasks / f"best-normal_{digit}" / "config.json").touch()
    assert main(["score", str(tasks), "a.png"]) == 3
    assert f"as {tasks / 'best-normal_0'}" in capsys.readouterr().err
