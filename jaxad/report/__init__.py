"""Plots, tables and the page of a run, from its folder alone.

`read` gives the folder as plain values; `jaxad.report.table`, `jaxad.report.plots` and
`jaxad.report.page` turn them into text, pictures and an HTML page.
"""

from pathlib import Path

from jaxad.report.examples import Examples
from jaxad.report.folder import RunFolder, read
from jaxad.report.notebook import Shown

__all__ = ["Examples", "RunFolder", "Shown", "draw", "read", "write_page"]


def draw(path: str | Path) -> list[Path]:
    """Writes `plots/*.png` and `report.html` into the run folder `path`; the files.

    Raises as `jaxad.report.plots.draw` and `jaxad.report.page.write_page` do.
    """
    # Matplotlib takes most of a second, which reading a run to score with it can spare.
    from jaxad.report import page, plots

    return [*plots.draw(path), page.write_page(path)]


def write_page(path: str | Path, out: str | Path | None = None) -> Path:
    """`jaxad.report.page.write_page`: writes `report.html` into the folder `path`, of a
    run or a sweep, or to the file `out`."""
    from jaxad.report import page

    return page.write_page(path, out)
