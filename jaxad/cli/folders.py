"""The verbs that read folders of runs and sweeps: `score`, `export` and `report`."""

import csv
import shutil
import sys
from pathlib import Path

from jaxad.cli.arguments import Parser
from jaxad.errors import ConfigError, DataError


def show(path: Path) -> int:
    """The tables of a run, for a terminal."""
    from jaxad.report import read
    from jaxad.report.table import render

    print(render(read(path), _width()))
    _tell(path)
    return 0


def show_sweep(path: Path) -> int:
    """The tables of a sweep, for a terminal."""
    from jaxad.report.sweep import read_sweep
    from jaxad.report.sweep.tables import render_sweep

    print(render_sweep(read_sweep(path), _width()))
    _tell(path)
    for best in sorted(path.resolve().glob("best*/config.json")):
        print(f"best run: {best.parent}")
    return 0


def _tell(path: Path) -> None:
    print(f"\npictures: {path.resolve() / 'plots'}")
    print(f"page: {path.resolve() / 'report.html'}")


def _width() -> int | None:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def score(args: list[str]) -> int:
    parser = Parser(prog="jaxad score", description="Score images with a run.")
    parser.add_argument(
        "run", metavar="RUN", type=Path, help="a run folder, or an exported artefact"
    )
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
    if not (given.run / "contract.json").is_file():
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


def export(args: list[str]) -> int:
    parser = Parser(
        prog="jaxad export",
        description="A run as StableHLO programs that jax alone runs, of images of any "
        "number, for CPU, CUDA and TPU; compared with the run before they are kept.",
    )
    parser.add_argument("run", metavar="RUN", type=Path, help="a run folder")
    parser.add_argument(
        "--out",
        metavar="DIR",
        type=Path,
        help="where to write, by default export/ in the run folder; an artefact that "
        "is there is replaced",
    )
    given = parser.read(args)
    _check_run(given.run)

    from jaxad.export import write
    from jaxad.saved import load_run

    artefact = write(load_run(given.run), given.out)
    told = artefact.contract["difference"]
    far = told["scores"]["batches"].items()
    batches = ", ".join(f"{value:.1e} (batch {size})" for size, value in far)
    print(f"for {', '.join(artefact.contract['platforms'])}; batches of any size")
    print(f"max difference from the run on {told['platform']}: {batches}")
    for file in sorted(artefact.path.iterdir()):
        print(f"{file.stat().st_size / 1e6:9.3f} MB  {file.name}")
    print(f"artefact: {artefact.path.resolve()}")
    return 0


def report(args: list[str]) -> int:
    parser = Parser(
        prog="jaxad report",
        description="Tables, pictures and an HTML page of runs and sweeps.",
    )
    parser.add_argument("runs", metavar="RUN", type=Path, nargs="+")
    parser.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        help="one page more: of one run a copy, of several the page that compares "
        "them, by default report.html here",
    )
    parser.add_argument(
        "--markdown",
        action="store_true",
        help="one table of all runs, and those of each sweep; no pictures, no page",
    )
    given = parser.read(args)
    if given.markdown and given.out is not None:
        raise ConfigError("--out is for the page, which --markdown leaves out")

    from jaxad.report.sweep import is_sweep

    sweeps = [path for path in given.runs if is_sweep(path)]
    for path in given.runs:
        if path not in sweeps:
            _check_run(path)
    if given.markdown:
        _markdown([path for path in given.runs if path not in sweeps], sweeps)
        return 0
    _draw(given.runs, sweeps, given.out)
    return 0


def _draw(paths: list[Path], sweeps: list[Path], out: Path | None) -> None:
    """Pictures, pages and tables of runs and sweeps; of several, one page more."""
    from jaxad.report import draw
    from jaxad.report.page import FILE, check_out, compare_pages, write_page
    from jaxad.report.sweep import draw_sweep

    several = len(paths) > 1
    whole = out or Path(FILE)
    if out or several:
        check_out(whole)
    for path in paths:
        print(f"{path}\n")
        (draw_sweep if path in sweeps else draw)(path)
        if path in sweeps:
            # The page of a sweep links to those of its best settings.
            for best in sorted(path.glob("best*/metrics.json")):
                write_page(best.parent)
        (show_sweep if path in sweeps else show)(path)
    if several:
        print(f"\npage of all: {compare_pages(paths, whole).resolve()}")
    elif out:
        print(f"copy of the page: {write_page(paths[0], out).resolve()}")


def _markdown(runs: list[Path], sweeps: list[Path]) -> None:
    from jaxad.report import read
    from jaxad.report.compare import compare
    from jaxad.report.sweep import read_sweep
    from jaxad.report.sweep.tables import sweep_markdown

    tables = [compare([read(path) for path in runs])] if runs else []
    tables += [sweep_markdown(read_sweep(path)) for path in sweeps]
    print("\n".join(tables), end="")
