"""Plots and tables of a sweep, from its folder alone."""

from pathlib import Path

from jaxad.report.sweep.folder import SweepFolder, is_sweep, read_sweep

__all__ = ["SweepFolder", "draw_sweep", "is_sweep", "read_sweep"]


def draw_sweep(path: str | Path) -> list[Path]:
    """`jaxad.report.sweep.plots.draw_sweep`: writes `plots/*.png` into a sweep."""
    # Matplotlib takes most of a second, which printing tables can spare.
    from jaxad.report.sweep import plots

    return plots.draw_sweep(path)
