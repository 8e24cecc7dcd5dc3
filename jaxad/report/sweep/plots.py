"""The pictures of a sweep. Each function gives a matplotlib figure."""

from pathlib import Path

from matplotlib.figure import Figure

from jaxad.report.style import save_all
from jaxad.report.sweep.axes import axes_figure
from jaxad.report.sweep.bottleneck import bottleneck_axis, bottleneck_figure
from jaxad.report.sweep.every import every_figure
from jaxad.report.sweep.folder import SweepFolder, read_sweep, reconstructs
from jaxad.report.sweep.held_out import held_out_figure
from jaxad.report.sweep.leaderboard import leaderboard_figure
from jaxad.report.sweep.losses import losses_figure
from jaxad.report.sweep.tradeoff import tradeoff_figure


def sweep_figures(sweep: SweepFolder) -> dict[str, Figure]:
    """The pictures that have something to show, by file name without ending."""
    pictures = {"leaderboard": leaderboard_figure(sweep)}
    if sweep.ranked:
        if reconstructs(sweep):
            pictures["reconstruction_vs_detection"] = tradeoff_figure(sweep)
        pictures["losses"] = losses_figure(sweep)
        pictures["held_out"] = held_out_figure(sweep)
        if sweep.axes:
            pictures["axes"] = axes_figure(sweep)
        if (size := bottleneck_axis(sweep)) is not None:
            pictures["bottleneck"] = bottleneck_figure(sweep, size)
        if len(sweep.every) and set(sweep.axes) - {sweep.each}:
            pictures["every"] = every_figure(sweep)
    return pictures


def draw_sweep(path: str | Path) -> list[Path]:
    """Writes `plots/*.png` into the sweep folder `path` and returns their paths.

    Raises: DataError where the folder is incomplete or damaged, JaxadError where a
    picture cannot be written.
    """
    sweep = read_sweep(path)
    return save_all(sweep_figures(sweep), sweep.path / "plots")
