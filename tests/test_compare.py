"""Several runs in one table."""

import dataclasses
import re

import pytest
from run_folder import write_run

from jaxad.report import read, table
from jaxad.report.compare import compare
from jaxad.report.names import title


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs that differ in their scores and in what their model was at first."""
    folder = tmp_path_factory.mktemp("runs")
    found = []
    for name, kind in {"a|b": "separable", "c": "overlapping"}.items():
        run = read(write_run(folder / name, kind, epochs=2, count=(20, 40), last=4))
        trivial = run.metrics["trivial"]
        trivial = {"untrained": dict(trivial["all_anomalous"], auroc=0.25)} | trivial
        found.append(
            dataclasses.replace(run, metrics=run.metrics | {"trivial": trivial})
        )
    return found


def cells(block):
    """Name -> further cells of a Markdown table."""
    lines = [re.split(r"(?<!\\)\|", line)[1:-1] for line in block.splitlines()]
    assert len({len(line) for line in lines}) == 1
    rows = [[cell.strip().replace(r"\|", "|") for cell in line] for line in lines]
    assert len({row[0] for row in rows}) == len(rows)
    return {row[0]: row[1:] for row in rows}


def test_each_run_shows_its_own_rows_and_the_first_those_shared(runs):
    results, levels, errors = map(cells, compare(runs).strip().split("\n\n"))
    for run in runs:
        known = run.metrics["fit"]["val_loss"]
        assert float(errors[run.path.name][-1]) == pytest.approx(known, rel=1e-4)
    own = ["mse", "top", "untrained"]
    names = [f"{run.path.name}: {title(name)}" for run in runs for name in own]
    shared = ["pca", "isolation_forest", "all_anomalous", "brightness_either_way"]
    assert list(results)[2:] == [*names, *map(title, shared)]
    for run in runs:
        entry = run.metrics["image"]["mse"]
        row = results[f"{run.path.name}: MSE"]
        assert row[0] == table.number(entry["auroc"])
        assert results[f"{run.path.name}: untrained"][0] == "0.2500"
    assert results["PCA"][0] == table.number(runs[0].metrics["image"]["pca"]["auroc"])
    head = next(name for name in levels if name.startswith("AUROC"))
    assert head == "AUROC by salt and pepper, share of the pixels (%)"
    assert levels[head] == ["50", "20", "10", "5", "2", "1", "0.5"]
    assert len(levels) == 2 + 2 * 2 + 2


def test_levels_are_compared_within_one_kind_of_corruption(runs):
    def with_kind(run, kind):
        curve = run.metrics["curve"] | {"kind": kind}
        return dataclasses.replace(run, metrics=run.metrics | {"curve": curve})

    gaussian = [with_kind(run, "gaussian") for run in runs]
    assert "deviation (range 0 to 1) | 0.5 | 0.2 | " in compare(gaussian)
    assert "AUROC by" not in compare([runs[0], gaussian[1]])
