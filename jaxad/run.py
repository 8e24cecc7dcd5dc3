"""A run from config to folder: the one place that orders its steps and writes it."""

import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxad import data as sources
from jaxad import (
    environment,
    examples,
    folder,
    loop,
    methods,
    opening,
    parallel,
    prepared,
    results,
    resuming,
)
from jaxad.batches import TrainData
from jaxad.config import Config
from jaxad.errors import Preempted
from jaxad.fitting import Fitted, fit_stages
from jaxad.parts import Parts
from jaxad.prepared import Given, Ready
from jaxad.progress import Reporter
from jaxad.report import draw
from jaxad.results import Results
from jaxad.saved import Run, load_run
from jaxad.signals import Stop, watch
from jaxad.track import Track, named


def train(
    config: Config,
    data: Any = None,
    *,
    module: Any = None,
    out: str | Path | None = None,
    resume: bool = False,
    quiet: bool = False,
    command: str = "",
    first: Sequence[np.ndarray] | None = None,
    profile: bool = False,
    track: str | Sequence[str] = (),
) -> Run:
    """Train, score, set thresholds, measure, draw; all of it is in the run folder.

    data: images (N, H, W, C) or (N, H, W), uint8 or float in [0, 1], or a pair of
        images and labels, in place of the config's data set; labels are 0 normal, 1
        anomalous, or the classes that a protocol by class asks for. A third array holds
        masks (N, H, W) for the protocol `defects`, not 0 where a pixel is anomalous.
    module: a Flax module of one's own in place of the config's model.
    out: the run folder; by default a new one below `runs/`.
    resume: go on with the run that is in `out`.
    first: leaves of the carry that a sweep ended the first stage with.
    profile: trace one segment of the training into the run folder's `profile/`, for
        Perfetto (perfetto_trace.json.gz) and XProf.
    track: `tensorboard`, `wandb` or both: the rows of history.csv, the results and some
        pictures are told there too.

    Raises ConfigError, DataError, CheckpointError, DivergedError, BusyError, and
    Preempted after a signal, with everything saved.
    """
    followers = tuple(parallel.told(lambda: named(track)))
    path = opening.chosen(out, config.name or "run")
    environment.use_compilation_cache()
    quiet = quiet or not parallel.first()
    traced = path / "profile" if profile and parallel.first() else None
    show = Reporter(quiet, profile=traced)
    with opening.held(path), watch() as stop, show as reporter:
        found = parallel.told(lambda: resuming.open_run(path, resume, reporter.say))
        work = _Work(path, config, module, reporter, stop, followers)
        work.run(data, found, {"command": command}, first)
    return load_run(path, module=module)


class _Work(NamedTuple):
    """A run at work in its folder, which this process holds."""

    path: Path
    config: Config
    module: Any
    reporter: Reporter
    stop: Stop
    track: tuple[str, ...]

    def run(self, data: Any, found: bool, told: dict[str, Any], first) -> None:
        """found: whether something has been saved. told: for env.json."""
        path, config, say = self.path, self.config, self.reporter.say
        began = time.monotonic()
        given = prepared.load(config, data, self.module, say)
        environment.check_same(given.identity)
        done = found and parallel.told(
            lambda: resuming.finished(path, given.identity, say)
        )
        followers = self.track if parallel.first() else ()
        with Track(followers, path, config, say, self.reporter.quiet) as track:
            if done:
                say(f"{path}: finished already; drawing its pictures again")
            else:
                ready = prepared.split(given, config, self.module, say)
                self._fit(given, ready, told, first, track, began)
            _draw(path)
            track.results()

    def _fit(self, given: Given, ready: Ready, told, first, track, began) -> None:
        """Everything from the training to the last file but the pictures."""
        path, say, parts = self.path, self.reporter.say, ready.parts
        images = _images(self.config, given.source, ready.splits, say)
        env = given.identity | told | _sizes(ready.arrays) | images
        env = _begin(path, env, given.layout.size)
        loaded = time.monotonic() - began
        own = ready.warm, self.reporter, self.stop, first, track
        fitted = fit_stages(parts, ready.arrays, path, given.identity, *own)
        say("scoring, thresholds, metrics, baselines")
        untrained = parts.untrained(ready.arrays)
        measured = _measure(parts, ready.splits, fitted, untrained, self.stop)
        seconds = {"load": loaded} | fitted.seconds | measured[0].seconds
        env["seconds"] = seconds | {"total": time.monotonic() - began}
        # What loading it, and resuming, have to find.
        kept = parts.method.finalize is not None
        env |= {"steps": fitted.steps, "final_model": kept}
        _write(path, loop.history(*fitted.carries), env, *measured)


def _draw(path: Path) -> None:
    parallel.told(lambda: draw(path) and None)


def _sizes(arrays: TrainData) -> dict[str, int]:
    """Training examples and validation normals: the forms of a final model."""
    return {"examples": len(arrays.rows), "normals": len(arrays.val_rows)}


def _images(config: Config, source, splits, say) -> dict[str, Any]:
    """What env.json tells of the images, their numbers also to the user."""
    sizes = sources.counts(source, splits, config.data)
    if "labelled" in sizes:
        sizes["labelled"]["trained_on"] = bool(methods.labelled(config))
    say(sources.counts_line(sizes))
    told = {"image_shape": splits.train.image.shape[1:], "images": sizes}
    if source.left_out:
        say(sources.left_out_lines(source))
        told["left_out"] = [{"id": i, "reason": why} for i, why in source.left_out]
    return told


def _begin(path: Path, env: dict[str, Any], devices: int) -> dict[str, Any]:
    """Write what is known before the training; the content of env.json."""
    config = env.pop("run")
    env = environment.describe(devices) | {"module": None} | env

    def write() -> None:
        (path / folder.METRICS).unlink(missing_ok=True)
        shutil.rmtree(path / folder.MODEL, ignore_errors=True)
        folder.write_json(path / folder.CONFIG, config)
        folder.write_json(path / "env.json", env)

    parallel.told(write)
    return env


def _measure(
    parts: Parts, splits, fitted: Fitted, untrained: Any, stop
) -> tuple[Results, Any]:
    """Results and examples of a trained model."""

    def pause() -> None:
        if parallel.anywhere(stop.requested):
            raise Preempted("stopped while measuring; go on with --resume")

    config, scorer, model = parts.config, parts.scorer, fitted.model
    found = results.gather(config, splits, scorer, model, untrained, pause)
    found.metrics["fit"] |= loop.kept(parts.static, fitted.carries)
    score, rule = found.metrics["primary"].values()
    upper = found.thresholds[score][rule]["upper"]
    shown = examples.choose(splits, scorer, model, found.test, config.seed, upper)
    pause()
    return found, shown


def _write(path: Path, history, env, found: Results, shown) -> None:
    arrays, index = shown

    def write() -> None:
        folder.write_csv(path / "history.csv", history)
        folder.write_csv(path / "scores.csv", found.columns)
        folder.write_npz(path / "examples" / "examples.npz", arrays)
        folder.write_json(path / "examples" / "index.json", index)
        folder.write_json(path / "thresholds.json", found.thresholds)
        folder.write_json(path / "env.json", env)
        # Last, since it marks the run as finished.
        folder.write_json(path / folder.METRICS, found.metrics)

    parallel.told(write)
