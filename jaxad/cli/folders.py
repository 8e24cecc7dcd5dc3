"""The verbs that read folders of runs and sweeps: `jaxad score`, `jaxad report`."""

import csv
import shutil
import sys
from pathlib import Path

from jaxad.cli.arguments import Parser
from jaxad.errors import DataError


def show(path: Path) -> int:
    from jaxad.report import read
    from jaxad.report.table import render

    print(render(read(path), _width()))
    print(f"\npictures: {path.resolve() / 'plots'}")
    return 0


def show_sweep(path: Path) -> int:
    """The tables of a sweep, for a terminal."""
    from jaxad.report.sweep import read_sweep
    from jaxad.report.sweep.tables import render_sweep

    print(render_sweep(read_sweep(path), _width()))
    print(f"\npictures: {path.resolve() / 'plots'}")
    for best in sorted(path.resolve().glob("best*/config.json")):
        print(f"best run: {best.parent}")
    return 0


def _width() -> int | None:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def score(args: list[str]) -> int:
    parser = Parser(prog="jaxad score", description="Score images with a run.")
    parser.add_argument("run", metavar="RUN", type=Path, help="a run folder")
    parser.add_argument(
        "images",
        metavar="IMAGES",
        type=Path,
        nargs="+",
        help="files, and folders of them; names that begin with - go after --",
    )
    parser.add_argument("--out", metavar="DIR", type=Path, help="where to write")
    parser.add_argument("--maps", action="store_true", help="anomaly maps as well")
    given = parser.read(args)
    _check_run(given.run)
    for image in given.images:
        if not image.exists():
            raise DataError(f"no image {image}")

    from jaxad.new_images import score_files

    _say(score_files(given.run, given.images, out=given.out, maps=given.maps))
    return 0


def _say(scored: Path) -> None:
    """How many images the first rule called anomalous, and where the scores are."""
    with open(scored / "scores.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    column = next((name for name in rows[0] if name.startswith("anomalous_")), None)
    if column is None:
        print(f"{len(rows)} images scored; the run has no rule to call them by")
    else:
        called = sum(row[column] == "1" for row in rows)
        rule = column.removeprefix("anomalous_")
        print(f"{called} of {len(rows)} images called anomalous by {rule}")
    print(f"scores: {scored.resolve()}")


def _check_run(path: Path) -> None:
    if not (path / "config.json").is_file():
        if (path / "grid.json").is_file():
            best = min(path.glob("best*/config.json"), default=path / "best" / "none")
            raise DataError(f"{path} is a sweep; give a run of it, as {best.parent}")
        raise DataError(f"{path} is not a run folder: it has no config.json")


def report(args: list[str]) -> int:
    parser = Parser(prog="jaxad report", description="Tables and pictures of runs.")
    parser.add_argument("runs", metavar="RUN", type=Path, nargs="+")
    parser.add_argument(
        "--markdown",
        action="store_true",
        help="one table of all runs, and those of each sweep; no pictures",
    )
    given = parser.read(args)

    from jaxad.report.sweep import is_sweep

    sweeps = [path for path in given.runs if is_sweep(path)]
    for path in given.runs:
        if path not in sweeps:
            _check_run(path)
    if given.markdown:
        _markdown([path for path in given.runs if path not in sweeps], sweeps)
        return 0

    from jaxad.report import draw
    from jaxad.report.sweep import draw_sweep

    for path in given.runs:
        print(f"{path}\n")
        (draw_sweep if path in sweeps else draw)(path)
        (show_sweep if path in sweeps else show)(path)
    return 0


def _markdown(runs: list[Path], sweeps: list[Path]) -> None:
    from jaxad.report import read
    from jaxad.report.compare import compare
    from jaxad.report.sweep import read_sweep
    from jaxad.report.sweep.tables import sweep_markdown

    tables = [compare([read(path) for path in runs])] if runs else []
    tables += [sweep_markdown(read_sweep(path)) for path in sweeps]
    print("\n".join(tables), end="")
