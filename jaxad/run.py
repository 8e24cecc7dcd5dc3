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
    generated,
    loop,
    methods,
    opening,
    parallel,
    results,
)
from jaxad.batches import TrainData, on_device
from jaxad.checkpoint import differences
from jaxad.config import Config, stages
from jaxad.config.load import load_config, plain
from jaxad.errors import ConfigError, DataError, Preempted
from jaxad.fitting import AFTER, FREE, Fitted, fit_stages, layout_of
from jaxad.progress import Reporter
from jaxad.report import draw
from jaxad.results import Results
from jaxad.saved import (
    Parts,
    Run,
    describe_module,
    load_run,
    make_parts,
    saved_model,
)
from jaxad.signals import Stop, watch

METRICS = "metrics.json"


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
) -> Run:
    """Train, score, set thresholds, measure, draw; all of it is in the run folder.

    data: images (N, H, W, C) or (N, H, W), uint8 or float in [0, 1], or a pair of
        images and labels, in place of the config's data set; labels are 0 normal, 1
        anomalous, or the classes that a protocol by class asks for.
    module: a Flax module of one's own in place of the config's model.
    out: the run folder; by default a new one below `runs/`.
    resume: go on with the run that is in `out`.
    first: leaves of the carry that a sweep ended the first stage with.
    profile: trace one segment of the training into the run folder's `profile/`, for
        Perfetto (perfetto_trace.json.gz) and XProf.

    Raises ConfigError, DataError, CheckpointError, DivergedError, BusyError, and
    Preempted after a signal, with everything saved.
    """
    path = opening.chosen(out, config.name or "run")
    environment.use_compilation_cache()
    quiet = quiet or not parallel.first()
    traced = path / "profile" if profile and parallel.first() else None
    show = Reporter(quiet, profile=traced)
    with opening.held(path), watch() as stop, show as reporter:
        found = parallel.told(lambda: opening.open_run(path, resume, reporter.say))
        work = _Work(path, config, module, reporter, stop)
        work.run(data, found, {"command": command}, first)
    return load_run(path, module=module)


class _Work(NamedTuple):
    """A run at work in its folder, which this process holds."""

    path: Path
    config: Config
    module: Any
    reporter: Reporter
    stop: Stop

    def run(self, data: Any, found: bool, told: dict[str, Any], first) -> None:
        """found: whether something has been saved. told: for env.json."""
        path, config, say = self.path, self.config, self.reporter.say
        layout, began = layout_of(config, say), time.monotonic()
        source, maker = generated.load_for(config.data, data)
        identity = _identity(config, source.fingerprint, self.module)
        environment.check_same(identity)
        if found and parallel.told(lambda: _finished(path, identity)):
            say(f"{path}: finished already; drawing its pictures again")
            return _draw(path)
        splits = generated.split(source, maker, config)
        seen = methods.labelled(config), stages.validate(config)
        arrays = on_device(splits, *seen, layout)
        size = len(arrays.rows)
        parts = make_parts(config, size, self.module, arrays.label, layout)
        warm = _check(parts, splits)
        env = identity | told | _sizes(arrays) | _images(config, source, splits, say)
        env = _begin(path, env, layout.size)
        loaded = time.monotonic() - began
        own = self.reporter, self.stop, first
        fitted = fit_stages(parts, arrays, path, identity, warm, *own)
        say("scoring, thresholds, metrics, baselines")
        measured = _measure(parts, splits, fitted, parts.untrained(arrays), self.stop)
        seconds = {"load": loaded} | fitted.seconds | measured[0].seconds
        env["seconds"] = seconds | {"total": time.monotonic() - began}
        _write(path, loop.history(*fitted.carries), env, *measured)
        return _draw(path)


def _draw(path: Path) -> None:
    parallel.told(lambda: draw(path) and None)


def _identity(config: Config, fingerprint: str, module: Any) -> dict[str, Any]:
    """What has to be the same where a run goes on, in JSON's types."""
    identity: dict[str, Any] = {"run": plain(config), "data": fingerprint}
    if module is not None:
        identity["module"] = describe_module(module)
    return identity


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
        (path / METRICS).unlink(missing_ok=True)
        shutil.rmtree(path / folder.MODEL, ignore_errors=True)
        folder.write_json(path / folder.CONFIG, config)
        folder.write_json(path / "env.json", env)

    parallel.told(write)
    return env


def _finished(path: Path, identity: dict[str, Any]) -> bool:
    """Whether the run in a folder has all its results, with the same config.

    Raises ConfigError where it is another run that is there.
    """
    env = folder.read_json(path / "env.json")
    # Read as a config, so that fields which came since then have their defaults.
    before = plain(load_config(path / folder.CONFIG))
    old = {"run": before, "data": env["data"]}
    if env.get("module") is not None:
        old["module"] = env["module"]
    free = [f"run.{name}" for name in FREE]
    after = [f"run.{name}" for name in AFTER]
    changed = differences(old, identity, free + after)
    if changed:
        raise ConfigError(
            f"{path}: another run is there ({', '.join(changed)}); go back to its "
            "values or choose another --out"
        )
    return (path / METRICS).is_file() and not differences(old, identity, free)


def _check(parts: Parts, splits: sources.Splits) -> Any:
    """Fail before the training where something after it would; the model to start from.

    Raises ConfigError, DataError or CheckpointError, one line.
    """
    shape = splits.train.image.shape[1:]
    for part in parts.stages:
        part.form(shape)
        if part.method.finalize is not None and isinstance(
            splits.train.image, sources.Stored
        ):
            raise ConfigError(
                f"data.stream: {' '.join(part.config.score.names)} are fitted to all "
                "training images at once; take other score.names, or leave stream out"
            )
    results.check(parts.config, splits.val.label, splits.train.image.shape)
    start = parts.config.train.init_from
    if start is None:
        return None
    if not (Path(start) / folder.CONFIG).is_file():
        raise DataError(f"train.init_from: {start} is not a run folder")
    return saved_model(Path(start), parts.stages[0], shape)


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
        folder.write_json(path / METRICS, found.metrics)

    parallel.told(write)
