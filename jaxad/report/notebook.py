"""How a run shows itself in a notebook: tables and pictures of what it left.

Matplotlib and pandas are loaded by what needs them, not by a run that only scores.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from jaxad.errors import DataError

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes

    from jaxad.report.folder import RunFolder


class Drawn:
    """What has pictures, by `read`."""

    def read(self) -> Any:
        """All that was left, as the functions that draw take it."""
        raise NotImplementedError

    def _plot(self, ax: Any, whole: Callable[..., Any], part: Any = None) -> Any:
        """On a new figure, by `whole`; or the main part of it on `ax`, by `part`."""
        from jaxad.display.style import on_new

        if ax is None:
            return on_new(lambda picture: whole(self.read(), on=picture))
        part(ax, self.read())
        return ax


class Shown(Drawn):
    """Tables and pictures of a run, the same of a `Run` and of a `RunFolder`.

    The pictures are those of `plots/`, on figures that a notebook shows. A method
    returns the axes of its figure, an array where there are several; given `ax`, it
    draws its main part on that, and returns it. Numbers are those of metrics.json.
    """

    def read(self) -> "RunFolder":
        """All that the run left, as `jaxad.report.read` gives it."""
        return super().read()

    def table(self) -> "pandas.DataFrame":
        """A row for each score, baseline and trivial row; all on test data.

        Index: name. Columns: kind (model, baseline, trivial), auroc with the ends of
        its 95 % interval, average_precision; f1, recall, precision, fpr at `rule`, and
        their `status`, "deployable" or "oracle" (tuned on test labels);
        f1_max_oracle; of scores with maps pixel_*. NaN: undefined, or not measured.
        """
        from jaxad.report import frames

        return frames.table(self.read())

    def rules(self, score: str | None = None) -> "pandas.DataFrame":
        """A row for each threshold rule of a score; none: of the primary one.

        Index: rule. Columns: lower, upper (anomalous iff score <= lower or score >=
        upper), fit_on, status, and what it does on test data: tp, fp, fn, tn,
        precision, recall, fpr, f1, with 95 % intervals of recall and fpr where they
        are known. Raises DataError for a score that is not there.
        """
        from jaxad.report import frames

        return frames.rules(self.read(), self._known(score))

    def plot_loss(self, ax: "Axes | None" = None) -> Any:
        """Losses by epoch, and their gap; on `ax` the losses of the last stage."""
        from jaxad.report.loss import draw_loss, loss_figure

        return self._plot(ax, loss_figure, draw_loss)

    def plot_scores(self, score: str | None = None, ax: "Axes | None" = None) -> Any:
        """Histogram of a score (none: the primary one) with the limits of all rules, of
        validation and test; on `ax` of the test. Raises DataError for an unknown one.
        """
        from jaxad.report.histogram import draw_scores, scores_figure

        name = self._known(score)
        whole, part = partial(scores_figure, name=name), partial(draw_scores, name=name)
        return self._plot(ax, whole, part)

    def plot_roc(self, ax: "Axes | None" = None) -> Any:
        """ROC curves of all scores and baselines, with the rules as points."""
        from jaxad.report.operating import draw_roc, roc_figure

        return self._plot(ax, roc_figure, draw_roc)

    def plot_pr(self, ax: "Axes | None" = None) -> Any:
        """Precision-recall curves, likewise."""
        from jaxad.report.operating import draw_pr, pr_figure

        return self._plot(ax, pr_figure, draw_pr)

    def plot_confusion(self, rule: str | None = None, ax: "Axes | None" = None) -> Any:
        """Confusion matrices of the primary score at all rules; on `ax`, or where a
        `rule` is named, the one of it (none: of the primary rule). Raises DataError
        for an unknown one."""
        from jaxad.display.style import on_axes
        from jaxad.report.confusion import confusion_figure, draw_confusion

        one = partial(draw_confusion, rule=rule)
        if rule is None:
            return self._plot(ax, confusion_figure, one)
        known = self.read().thresholds[self.read().primary[0]]
        self._needs(rule in known, f"no rule {rule}; there are {', '.join(known)}")
        return on_axes(partial(one, run=self.read()), ax, 4.6, 4.4)

    def plot_reconstructions(self) -> Any:
        """The best, the worst and random test images: input, reconstruction, maps."""
        from jaxad.report.reconstructions import reconstructions_figure

        return self._plot(None, reconstructions_figure)

    def plot_maps(self) -> Any:
        """The same images with their maps alone, what is found and what is true.

        Raises DataError where the run has no maps.
        """
        from jaxad.report.reconstructions import reconstructions_figure

        self._needs(
            self.read().examples.map is not None, "none of its scores has a map"
        )
        return self._plot(None, partial(reconstructions_figure, made=False))

    def plot_levels(self) -> Any:
        """AUROC by the level of the corruption. Raises DataError where the config names
        no `data.protocol.curve`."""
        from jaxad.report.levels import curve_figure

        found = bool(self.read().metrics.get("curve"))
        self._needs(found, "it measured no levels (data.protocol.curve)")
        return self._plot(None, curve_figure)

    def plot_latents(self) -> Any:
        """What the bottleneck holds. Raises DataError where there is none."""
        from jaxad.report.latents import latents_figure

        found = "variance" in (self.read().metrics.get("latent") or {})
        self._needs(found, "it has no latents")
        return self._plot(None, latents_figure)

    def plot_samples(self) -> Any:
        """Images that the model draws. Raises DataError where it draws none."""
        from jaxad.report.samples import samples_figure

        self._needs(
            self.read().examples.samples is not None, "its model draws no images"
        )
        return self._plot(None, samples_figure)

    def _known(self, score: str | None) -> str:
        names = self.read().names
        if score is not None and score not in names:
            raise self._error(f"no score {score}; there are: {', '.join(names)}")
        return self.read().primary[0] if score is None else score

    def _needs(self, there: bool, words: str) -> None:
        if not there:
            raise self._error(words)

    def _error(self, words: str) -> DataError:
        return DataError(f"{self.read().path}: {words}")

    def __repr__(self) -> str:
        from jaxad.report.show import short

        return f"{type(self).__name__}({short(self.read())})"

    def _repr_html_(self) -> str:
        from jaxad.report.show import html

        return html(self.read())
