"""Plots and tables of a run, from its folder alone.

`read` gives the folder as plain values; `jaxad.report.table` and `jaxad.report.plots`
(which loads matplotlib) turn them into text and pictures.
"""

from jaxad.report.folder import Examples, RunFolder, read

__all__ = ["Examples", "RunFolder", "read"]
