"""How a sweep shows itself in a notebook. Matplotlib is loaded by what needs it."""

from typing import TYPE_CHECKING, Any

from jaxad.errors import DataError
from jaxad.report.notebook import Drawn

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from jaxad.report.sweep.folder import SweepFolder


class ShownSweep(Drawn):
    """Tables and pictures of a sweep, the same of a `Sweep` and of a `SweepFolder`.

    The pictures are those of `plots/`, on figures that a notebook shows. A method
    returns the axes of its figure, an array where there are several; given `ax`, it
    draws on that, and returns it.
    """

    def read(self) -> "SweepFolder":
        """All that the sweep left, as `jaxad.report.sweep.read_sweep` gives it."""
        return super().read()

    def plot_leaderboard(self, ax: "Axes | None" = None) -> "Axes":
        """The best settings by what ranks, members as dots, and what failed."""
        from jaxad.report.sweep.leaderboard import draw_leaderboard, leaderboard_figure

        return self._plot(ax, leaderboard_figure, draw_leaderboard)

    def plot_tradeoff(self, ax: "Axes | None" = None) -> "Axes":
        """AUROC of the members against their error of reconstruction."""
        from jaxad.report.sweep.tradeoff import draw_tradeoff, tradeoff_figure

        return self._plot(ax, tradeoff_figure, draw_tradeoff)

    def plot_losses(self, ax: "Axes | None" = None) -> "Axes":
        """Validation loss of all members by epoch, the best setting in front."""
        from jaxad.report.sweep.losses import draw_losses, losses_figure

        return self._plot(ax, losses_figure, draw_losses)

    def plot_heat(self, ax: "Axes | None" = None) -> "Axes":
        """What ranks, over the two axes of the grid. Raises DataError where there are
        not two axes of numbers."""
        from jaxad.display.style import on_axes
        from jaxad.report.sweep.heat import draw_heat, heat_axes

        sweep = self.read()
        pair = heat_axes(sweep)
        if pair is None:
            raise DataError(
                f"{sweep.path}: a heat map needs two axes of numbers; the grid has "
                f"{', '.join(sweep.axes) or 'none'}"
            )
        return on_axes(lambda ax: draw_heat(ax.figure, ax, sweep, *pair), ax, 5.6, 4.2)

    def plot_axes(self) -> Any:
        """What ranks, against each axis of the grid. Raises DataError where there is
        none."""
        from jaxad.report.sweep.axes import axes_figure

        if not self.read().axes:
            raise DataError(f"{self.read().path}: the grid has no axes to draw")
        return self._plot(None, axes_figure)

    def plot_held_out(self) -> "Axes":
        """AUROC on held-out data: the best, its ensembles, what stands beside them."""
        from jaxad.report.sweep.held_out import held_out_figure

        return self._plot(None, held_out_figure)

    def __repr__(self) -> str:
        sweep = self.read()
        words = f"{len(sweep.leaderboard)} settings, {len(sweep.members)} members"
        best = f", best {sweep.label(sweep.leaderboard, 0)}" if sweep.ranked else ""
        return f"{type(self).__name__}({sweep.path.name!r}, {words}{best})"

    def _repr_html_(self) -> str:
        from jaxad.report.sweep.tables import sweep_html

        return sweep_html(self.read())
