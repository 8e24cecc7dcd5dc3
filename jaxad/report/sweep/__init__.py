"""Plots, tables and the page of a sweep, from its folder alone."""

from pathlib import Path

from jaxad.report.sweep.folder import SweepFolder, is_sweep, read_sweep
from jaxad.report.sweep.notebook import ShownSweep

__all__ = ["ShownSweep", "SweepFolder", "draw_sweep", "is_sweep", "read_sweep"]


def draw_sweep(path: str | Path) -> list[Path]:
    """Writes `plots/*.png` and `report.html` into the sweep folder `path`; the files.

    Raises as `jaxad.report.sweep.plots.draw_sweep` and `jaxad.report.page.write_page`.
    """
    # Matplotlib takes most of a second, which printing tables can spare.
    from jaxad.report import page
    from jaxad.report.sweep import plots

    return [*plots.draw_sweep(path), page.write_page(path)]
