"""Plots and tables of a run, from its folder alone.

`read` gives the folder as plain values; `jaxad.report.table` and `jaxad.report.plots`
turn them into text and pictures.
"""

from pathlib import Path

from jaxad.report.examples import Examples
from jaxad.report.folder import RunFolder, read

__all__ = ["Examples", "RunFolder", "draw", "read"]


def draw(path: str | Path) -> list[Path]:
    """`jaxad.report.plots.draw`: writes `plots/*.png` into the run folder `path`."""
    # Matplotlib takes most of a second, which reading a run to score with it can spare.
    from jaxad.report import plots

    return plots.draw(path)
