"""What every verb says: help whose examples work, JSON, silence, the end of a run."""

import json
import math
import shlex
import subprocess
import sys

import numpy as np
import pytest
from idx_source import write_source
from PIL import Image
from run_folder import write_run
from sweep_folder import measured, write_sweep

from jaxad import benchmark, cli, search
from jaxad.benchmark import auroc
from jaxad.cli import pages
from jaxad.cli.arguments import STARTS, SWEEP_OPTIONS
from jaxad.dry import scoring
from jaxad.errors import JaxadError
from jaxad.report import plots
from jaxad.report import read as read_run

PAGES = {n.lower(): p for n, p in vars(pages).items() if isinstance(p, pages.Page)}
EXAMPLES = list(
    dict.fromkeys(
        line.partition("#")[0].strip()
        for page in PAGES.values()
        for line in page.examples.splitlines()
    )
)
AFTER = ("model", "baselines", "metrics", "pictures")
LEFT_OUT = dict.fromkeys(
    ("jaxad benchmark train --out speed.json", "jaxad benchmark throughput"),
    "PyTorch is not installed; see test_benchmark.py",
)
SMALL = "--data.limit 40 --train.batch-size 16 --baselines.names --threshold.rules mad"
SMALL += " --score.names mse"
SHRUNK = {"train": f"{SMALL} --train.epochs 2"}
SHRUNK["sweep"] = f"{SMALL} --train.epochs 4 --execution loop"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with what the examples name. Pictures are not drawn, and sweeps begin
    but leave made-up tables: those of `test_grid.py` train."""
    path = tmp_path_factory.mktemp("home")
    (path / "images").mkdir()
    for place in ("image.png", "images/a.png", "images/b.png"):
        Image.fromarray(np.zeros((28, 28), np.uint8)).save(path / place)
    write_source(path / "downloads")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path)
        patch.setenv("JAXAD_DATA_DIR", str(path / "data"))
        patch.setattr(plots, "figures", lambda run: {})
        patch.setattr(search, "train", lambda at: None)
        patch.setattr(search, "measure", measured)
        patch.setattr(scoring, "seconds", lambda *given: dict.fromkeys(AFTER, 1.0))
        small = {"auroc": lambda: auroc.measure(2000, pairs=1)}
        patch.setattr(benchmark, "BENCHMARKS", small)
        yield path


@pytest.mark.parametrize("line", EXAMPLES)
def test_every_example_of_the_help_works(line, home, capfd):
    if line in LEFT_OUT:
        pytest.skip(LEFT_OUT[line])
    _, verb, *words = shlex.split(line)
    code = cli.main([verb, *words, *SHRUNK.get(verb, "").split()])
    out, err = capfd.readouterr()
    assert code == 0, err
    assert out
    if "--dry-run" in words:
        assert "Time: about" in out
        assert "nothing has been written" in out or "is there" in out


@pytest.mark.parametrize("verb", [v for v in PAGES if v != "main"])
def test_help_begins_with_examples_and_names_every_option(verb, capsys):
    assert cli.main([verb, "--help"]) == 0
    out = capsys.readouterr().out
    first, *lines = PAGES[verb].text.splitlines()
    assert out.startswith("\n".join([first, *lines]))
    assert first == "examples:"
    assert 2 <= PAGES[verb].examples.count("\n") <= 4
    assert all(option in out for option in ("--quiet", "--json"))
    if verb in ("train", "sweep"):
        own = STARTS if verb == "train" else [x for x in STARTS if x != "profile"]
        more = SWEEP_OPTIONS if verb == "sweep" else ()
        assert all(f"--{name}" in out for name in own)
        assert all(name in out for name in more)
        assert "--optim.lr FLOAT" in out


def test_the_first_help_needs_no_library_that_is_slow_to_import():
    heavy = "jax numpy flax optax orbax tyro rich pydantic matplotlib sklearn"
    code = "import sys, jaxad.cli as c; c.main(['--help']); "
    code += f"sys.exit(bool({{*{heavy.split()!r}}} & {{*sys.modules}}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def strict(text):
    """JSON as its standard has it: without NaN and infinities."""

    def refuse(name):
        raise AssertionError(name)

    return json.loads(text, parse_constant=refuse)


def told(value):
    """Every number that is missing somewhere has its reason beside it."""
    if isinstance(value, list):
        return all(map(told, value))
    if not isinstance(value, dict):
        return True
    why = value.get("undefined", {})
    empty = {k for k, v in value.items() if v is None} - {"report", "rule", "anomalous"}
    empty -= {"name", "default", "best"}
    return empty <= {*why} and all(map(told, value.values()))


@pytest.mark.parametrize("kind", ["separable", "one_class"])
def test_json_of_a_run_has_its_numbers_and_a_reason_for_each_that_is_missing(
    kind, tmp_path, capsys
):
    path = write_run(tmp_path / "a", kind)
    assert cli.main(["report", "--markdown", "--json", str(path)]) == 0
    (value,) = strict(capsys.readouterr().out)["reports"]
    assert told(value)
    run = read_run(path)
    assert value["primary"] == {"score": "mse", "rule": "max_margin"}
    assert value["path"] == str(path)
    for name, limits in run.thresholds.items():
        own, metrics = value["scores"][name], run.metrics["image"][name]
        assert own["auroc"] == metrics["auroc"]
        for rule, limit in limits.items():
            at = own["at"][rule]
            assert at["f1"] == metrics["at"][rule]["f1"]
            assert at["upper"] == limit["upper"]
            assert (at["lower"] is None) == math.isinf(limit["lower"])
    if kind == "one_class":
        assert value["scores"]["mse"]["undefined"]["auroc"] == "no anomalous examples"


def test_json_of_a_sweep_has_the_best_setting_first(tmp_path, capsys):
    axes = {"optim.lr": [0.1, 0.01, 0.001], "model.kind": ["deep", "conv"]}
    path = write_sweep(tmp_path / "s", axes, failed=(2,))
    assert cli.main(["report", "--markdown", "--json", str(path)]) == 0
    (value,) = strict(capsys.readouterr().out)["reports"]
    assert told(value)
    rows = value["leaderboard"]
    assert [row["rank"] for row in rows] == [1, 2, 3, 4, 5, None]
    assert value["best"] == {name: rows[0][name] for name in axes}
    assert isinstance(value["best"]["optim.lr"], float)
    assert "diverged" in rows[-1]["undefined"]["auroc"]
    assert value["settings"] == 6
    assert value["members"] == 12


@pytest.mark.parametrize("args", ["train", "score x a.png", "data verify mnst", "zz"])
def test_an_error_is_in_the_json_document_too(args, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    more = ["--optim.lrr", "1"] if args == "train" else []
    code = cli.main([*args.split(), *more, "--json"])
    out, err = capsys.readouterr()
    error = strict(out)["error"]
    assert error["exit_code"] == code > 0
    assert error["kind"] == ("DataError" if code == 3 else "ConfigError")
    assert err == f"jaxad: error: {error['message']}\n"


def test_problems_of_a_folder_are_rows_beside_the_error(tmp_path, capsys):
    (tmp_path / "good").mkdir()
    (tmp_path / "good" / "a.png").write_bytes(b"no image")
    assert cli.main(["data", "verify", str(tmp_path), "--json"]) == 3
    value = strict(capsys.readouterr().out)
    assert value["error"]["exit_code"] == 3
    ((path, reason),) = [(row["path"], row["reason"]) for row in value["problems"]]
    assert path == str(tmp_path / "good" / "a.png")
    assert reason
    assert cli.main(["data", "list", "--json"]) == 0
    entries = strict(capsys.readouterr().out)["entries"]
    assert {"name": "digits", "ready": False}.keys() == entries[0].keys()


def test_quiet_says_nothing_but_errors_and_else_the_end_of_a_run_is_told(home, capfd):
    args = f"train --out quiet {SHRUNK['train']}".split()
    assert cli.main([*args, "--quiet"]) == 0
    assert capfd.readouterr() == ("", "")
    assert cli.main([*args, "--quiet"]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "a run is there already" in err
    assert cli.main([*args, "--resume", "--json", "--quiet"]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    assert strict(out)["path"] == str(home / "quiet")
    assert told(strict(out))
    assert cli.main(["--quiet", "report", "quiet"]) == 0
    assert capfd.readouterr() == ("", "")
    assert cli.main(["score", "quiet", "image.png", "--json"]) == 0
    (row,) = strict(capfd.readouterr().out)["rows"]
    assert row["anomalous_mad"] in (True, False)
    assert isinstance(row["score_mse"], float)
    (home / "quiet" / "report.html").touch()
    assert cli.main([*args, "--resume"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert any(line.startswith("Anomalous: MSE ≥ ") for line in lines)
    assert any(line.startswith("all anomalous ") for line in lines)
    *_, run, pictures, page, more = lines
    assert run.startswith(f"run: {home / 'quiet'} (")
    assert pictures == f"pictures: {home / 'quiet' / 'plots'}"
    assert page == f"page: {home / 'quiet' / 'report.html'}"
    assert more == "all tables: jaxad report quiet"


def test_a_warning_is_no_error(monkeypatch, capsys):
    import warnings

    from jaxad.cli import tools
    from jaxad.cli.answers import Answer

    def data(args):
        warnings.warn("something", stacklevel=1)
        return Answer(lambda: "a", lambda: {"a": math.inf}, JaxadError("b"))

    monkeypatch.setattr(tools, "data", data)
    assert cli.main(["data", "--quiet"]) == 1
    assert capsys.readouterr() == ("", "jaxad: error: b\n")
    assert cli.main(["data", "--quiet", "--json"]) == 1
    assert strict(capsys.readouterr().out)["a"] is None
