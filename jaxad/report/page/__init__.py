"""One self-contained HTML page of a run, a sweep, or several runs.

Everything is in the file: the numbers as JSON, the pictures as PNG, the styles, the
scripts and Apache ECharts. A content security policy forbids the browser to run or to
load anything else.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from jaxad.errors import ConfigError, DataError
from jaxad.folder import write_bytes
from jaxad.report.folder import read
from jaxad.report.page.compare import comparison
from jaxad.report.page.document import is_page, to_html
from jaxad.report.page.pictures import BUDGET
from jaxad.report.page.run import run_page
from jaxad.report.page.sweep import sweep_page
from jaxad.report.sweep import is_sweep, read_sweep

__all__ = ["FILE", "check_out", "compare_pages", "write_page"]

FILE = "report.html"


def write_page(path: str | Path, out: str | Path | None = None) -> Path:
    """Writes the page of the run or sweep in the folder `path`; the same folder gives
    the same bytes.

    out: the file; by default `report.html` in the folder. Returns the file.
    Raises DataError, one line, where the folder is incomplete or damaged; ConfigError
    where `out` is a file that is no page of jaxad; CheckpointError where it cannot be
    written.
    """
    path = Path(path)
    if is_sweep(path):
        sweep = read_sweep(path)
        page = Path(out) if out else path / FILE
        value = _built(path, lambda: sweep_page(sweep, page))
    else:
        run = read(path)
        value = _built(path, lambda: run_page(run, BUDGET))
    return _write(Path(out) if out else path / FILE, value)


def compare_pages(paths: Sequence[str | Path], out: str | Path = FILE) -> Path:
    """Writes one page of several runs: a leaderboard, and all that each has of its own.

    A sweep among them stands for the runs of its best settings. Returns the file;
    raises as `write_page` does.
    """
    runs = [read(one) for path in map(Path, paths) for one in _runs(path)]
    value = _built(Path(out), lambda: comparison(runs))
    return _write(Path(out), value)


def _runs(path: Path) -> list[Path]:
    if not is_sweep(path):
        return [path]
    best = sorted(file.parent for file in path.glob("best*/metrics.json"))
    if not best:
        raise DataError(f"{path}: the sweep has no run of a best setting to compare")
    return best


def _built(path: Path, build: Callable[[], Any]) -> Any:
    """What `build` gives; what it trips over in a folder, as one line."""
    try:
        return build()
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        reason = " ".join(repr(error).split())
        raise DataError(
            f"{path}: no page can be made of what is there ({reason})"
        ) from error


def _write(out: Path, value: dict[str, Any]) -> Path:
    check_out(out)
    write_bytes(out, to_html(value))
    return out


def check_out(out: Path) -> None:
    """Raises ConfigError where something is at `out` that is no page of jaxad."""
    if out.is_dir():
        raise ConfigError(f"{out} is a folder; --out takes the name of a file")
    if out.exists() and not is_page(out):
        raise ConfigError(
            f"{out} is there and is no page of jaxad; move it, or choose another --out"
        )
