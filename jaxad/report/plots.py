"""The pictures of a run. Each function gives a matplotlib figure; `draw` saves all."""

from pathlib import Path

from matplotlib.figure import Figure

from jaxad.report.confusion import confusion_figure
from jaxad.report.folder import RunFolder, read
from jaxad.report.histogram import scores_figure
from jaxad.report.latents import bandwidth_figure, latents_figure
from jaxad.report.levels import curve_figure
from jaxad.report.loss import loss_figure
from jaxad.report.operating import pr_figure, roc_figure
from jaxad.report.reconstructions import reconstructions_figure
from jaxad.report.samples import samples_figure
from jaxad.report.style import save_all

__all__ = [
    "bandwidth_figure",
    "confusion_figure",
    "curve_figure",
    "draw",
    "figures",
    "latents_figure",
    "loss_figure",
    "pr_figure",
    "reconstructions_figure",
    "roc_figure",
    "samples_figure",
    "scores_figure",
]


def figures(run: RunFolder) -> dict[str, Figure]:
    """All pictures of a run, by file name without ending."""
    pictures = {"loss": loss_figure(run)}
    for name in run.names:
        pictures[f"scores_{name}"] = scores_figure(run, name)
    pictures["roc"] = roc_figure(run)
    pictures["pr"] = pr_figure(run)
    pictures["confusion"] = confusion_figure(run)
    shown = "examples" if run.examples.recon is None else "reconstructions"
    pictures[shown] = reconstructions_figure(run)
    if run.examples.samples is not None:
        pictures["samples"] = samples_figure(run)
    if "variance" in (run.metrics.get("latent") or {}):
        pictures["latents"] = latents_figure(run)
    if "bandwidth" in (run.metrics.get("latent") or {}):
        pictures["bandwidth"] = bandwidth_figure(run)
    if run.metrics.get("curve"):
        pictures["curve"] = curve_figure(run)
    for noise in run.metrics.get("robustness") or []:
        pictures[f"robustness_{noise['kind']}"] = curve_figure(run, noise)
    return pictures


def draw(path: str | Path) -> list[Path]:
    """Writes `plots/*.png` into the run folder `path` and returns their paths.

    Raises: DataError where the folder is incomplete or damaged, JaxadError where a
    picture cannot be written.
    """
    run = read(path)
    return save_all(figures(run), run.path / "plots")
