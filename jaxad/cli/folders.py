"""What runs and sweeps say when they end, and the verb `jaxad report`."""

import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

from jaxad.cli.answers import Answer
from jaxad.cli.arguments import Parser
from jaxad.cli.pages import REPORT
from jaxad.errors import ConfigError, DataError


def show(path: Path) -> str:
    """The tables of a run, for a terminal."""
    from jaxad.report import read
    from jaxad.report.table import render

    return f"{render(read(path), _width())}\n\n{_places(path)}"


def show_sweep(path: Path) -> str:
    """The tables of a sweep, for a terminal."""
    from jaxad.report.sweep import read_sweep
    from jaxad.report.sweep.tables import render_sweep

    return f"{render_sweep(read_sweep(path), _width())}\n\n{_places(path)}"


def finished(path: Path, seconds: float) -> Answer:
    """What a run that has just ended says: the first table, and where the rest is."""
    from jaxad.progress import duration
    from jaxad.report import read
    from jaxad.report.summary import render_first, summary

    def text() -> str:
        last = f"run: {path.resolve()} ({duration(seconds)})\n{_places(path)}"
        more = f"all tables: jaxad report {shlex.quote(str(path))}"
        return f"{render_first(read(path), _width())}\n\n{last}\n{more}"

    return Answer(text, lambda: summary(read(path)))


def finished_sweep(path: Path, seconds: float) -> Answer:
    """What a sweep that has just ended says."""
    from jaxad.progress import duration
    from jaxad.report.sweep import read_sweep
    from jaxad.report.sweep.summary import render_first, sweep_summary

    def text() -> str:
        last = f"sweep: {path.resolve()} ({duration(seconds)})\n{_places(path)}"
        more = f"all tables: jaxad report {shlex.quote(str(path))}"
        return f"{render_first(read_sweep(path), _width())}\n\n{last}\n{more}"

    return Answer(
        text, lambda: sweep_summary(read_sweep(path)) | {"seconds": {"total": seconds}}
    )


def _places(path: Path) -> str:
    """Where the pictures of a folder are, its page and its best runs, if any."""
    whole = path.resolve()
    lines = [f"pictures: {whole / 'plots'}"]
    lines += [f"page: {file}" for file in whole.glob("report.html")]
    best = sorted(whole.glob("best*/config.json"))
    return "\n".join([*lines, *(f"best run: {file.parent}" for file in best)])


def _width() -> int | None:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def check_run(path: Path) -> None:
    if not (path / "config.json").is_file():
        if (path / "grid.json").is_file():
            best = min(path.glob("best*/config.json"), default=path / "best" / "none")
            raise DataError(f"{path} is a sweep; give a run of it, as {best.parent}")
        raise DataError(f"{path} is not a run folder: it has no config.json")


def report(args: list[str]) -> Answer:
    parser = Parser(prog="jaxad report", page=REPORT)
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
    runs = [path for path in given.runs if path not in sweeps]
    for path in runs:
        check_run(path)

    def values() -> dict[str, Any]:
        return {"reports": [_value(path, path in sweeps) for path in given.runs]}

    if given.markdown:
        return Answer(lambda: _markdown(runs, sweeps).rstrip("\n"), values)

    from jaxad.progress import Reporter

    with Reporter(given.quiet):
        more = _draw(given.runs, sweeps, given.out)

    def text() -> str:
        shown = [(p, show_sweep(p) if p in sweeps else show(p)) for p in given.runs]
        last = "page of all" if len(given.runs) > 1 else "copy of the page"
        parts = [f"{path}\n\n{tables}" for path, tables in shown]
        return "\n".join([*parts, *([f"\n{last}: {more}"] if more else [])])

    return Answer(text, lambda: values() | ({"page": str(more)} if more else {}))


def _draw(paths: list[Path], sweeps: list[Path], out: Path | None) -> Path | None:
    """Pictures and pages of runs and sweeps; of several, or to `out`, one page more,
    which is returned."""
    from jaxad.report import draw
    from jaxad.report.page import FILE, check_out, compare_pages, write_page
    from jaxad.report.sweep import draw_sweep

    several = len(paths) > 1
    whole = out or Path(FILE)
    if out or several:
        check_out(whole)
    owner = whole.resolve().parent
    if several and any(
        (owner / name).is_file() for name in ("config.json", "grid.json")
    ):
        raise ConfigError(
            f"{whole}: {owner} is the folder of a run or a sweep; choose another --out"
        )
    for path in paths:
        (draw_sweep if path in sweeps else draw)(path)
        if path in sweeps:
            # The page of a sweep links to those of its best settings.
            for best in sorted(path.glob("best*/metrics.json")):
                write_page(best.parent)
    if several:
        return compare_pages(paths, whole).resolve()
    return write_page(paths[0], out).resolve() if out else None


def _value(path: Path, sweep: bool) -> dict[str, Any]:
    if sweep:
        from jaxad.report.sweep import read_sweep
        from jaxad.report.sweep.summary import sweep_summary

        return {"kind": "sweep"} | sweep_summary(read_sweep(path))
    from jaxad.report import read
    from jaxad.report.summary import summary

    return {"kind": "run"} | summary(read(path))


def _markdown(runs: list[Path], sweeps: list[Path]) -> str:
    from jaxad.report import read
    from jaxad.report.compare import compare
    from jaxad.report.sweep import read_sweep
    from jaxad.report.sweep.tables import sweep_markdown

    tables = [compare([read(path) for path in runs])] if runs else []
    return "\n".join(tables + [sweep_markdown(read_sweep(path)) for path in sweeps])
