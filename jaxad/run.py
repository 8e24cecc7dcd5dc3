"""A run from config to folder: the one place that orders its steps and writes it."""

import json
import time
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxad import data as sources
from jaxad import environment, examples, folder, loop, results
from jaxad.batches import TrainData
from jaxad.checkpoint import Checkpointer, differences, restore
from jaxad.config import Config
from jaxad.config.load import to_json
from jaxad.errors import ConfigError, DataError, DivergedError
from jaxad.program import Carry, chosen, program
from jaxad.progress import Reporter
from jaxad.report.plots import draw
from jaxad.results import Results
from jaxad.saved import Parts, Run, load_run, make_parts, saved_model
from jaxad.signals import watch

# They change how a run is carried out, not what comes out of it.
FREE = ("name", "train.segment_seconds", "train.checkpoint_seconds")


def train(
    config: Config,
    data: Any = None,
    *,
    module: Any = None,
    out: str | Path | None = None,
    resume: bool = False,
    quiet: bool = False,
    command: str = "",
) -> Run:
    """Train, score, set thresholds, measure, draw; all of it is in the run folder.

    data: images (N, H, W, C) or (N, H, W), uint8 or float in [0, 1], or a pair of
        images and labels (0 normal, 1 anomalous), in place of the config's data set.
    module: a Flax module of one's own in place of the config's model.
    out: the run folder; by default a new one below `runs/`.
    resume: go on with the run that is in `out`.

    Raises ConfigError, DataError, CheckpointError, DivergedError, BusyError, and
    Preempted after a signal, with everything saved.
    """
    path = Path(out) if out is not None else folder.fresh(config.name or "run")
    environment.use_compilation_cache()
    with folder.lock(path), watch() as stop, Reporter(quiet) as reporter:
        if folder.open_run(path, resume, reporter.say):
            _check_same(path, config)
            if (path / "metrics.json").is_file():
                reporter.say(f"{path}: finished already; drawing its pictures again")
                draw(path)
                return load_run(path, module=module)
        began = time.monotonic()
        source = _source(config, data)
        splits = sources.split(source, config.data, config.seed)
        parts = make_parts(config, len(splits.train.image), module)
        env = environment.describe() | {"command": command, "data": source.fingerprint}
        env["image_shape"] = splits.train.image.shape[1:]
        env["module"] = None if module is None else repr(module)
        folder.write_text(path / folder.CONFIG, to_json(config))
        folder.write_json(path / "env.json", env)
        seconds = {"load": time.monotonic() - began}
        carry, compiled, trained = _fit(
            parts, splits, path, source.fingerprint, reporter, stop
        )
        reporter.say("scoring, thresholds, metrics, baselines")
        seconds |= {"compile": compiled, "train": trained}
        seconds |= _measure(parts, splits, path, carry)
        seconds["total"] = time.monotonic() - began
        folder.write_json(path / "env.json", env | {"seconds": seconds})
        draw(path)
    return load_run(path, module=module)


def _source(config: Config, data: Any) -> sources.Source:
    if data is None:
        return sources.load(config.data.name)
    return sources.from_arrays(*(data if isinstance(data, tuple) else (data,)))


def _check_same(path: Path, config: Config) -> None:
    """Refuse to go on with another config than the one that is in the folder."""
    old = folder.read_json(path / folder.CONFIG)
    changed = differences(old, json.loads(to_json(config)), FREE)
    if changed:
        raise ConfigError(
            f"{path}: its config is another one ({', '.join(changed)}); go back to its "
            "values or choose another --out"
        )


class _Saver:
    """Checkpoints of carries in a run folder, and the seconds that went into them."""

    def __init__(self, checkpointer: Checkpointer, identity: Any, say):
        self.checkpointer, self.identity, self.say = checkpointer, identity, say
        self.began, self.before = time.monotonic(), 0.0

    def restore(self, template: Carry) -> tuple[int, Carry] | None:
        path = self.checkpointer.path
        found = restore(
            path,
            template,
            say=self.say,
            config=self.identity,
            may_differ=[f"run.{name}" for name in FREE],
        )
        if found is None:
            return None
        self.before = found.meta["seconds"]
        self.say(f"going on from step {found.step}")
        return found.step, found.tree

    def save(self, step: int, carry: Carry) -> None:
        self.checkpointer.save(step, carry, {"seconds": self.seconds})

    @property
    def seconds(self) -> float:
        """Compiling and training, over all the times that the run was started."""
        return self.before + time.monotonic() - self.began


def _fit(parts: Parts, splits, path: Path, fingerprint: str, reporter, stop):
    config = parts.config
    normal = np.flatnonzero(splits.val.label == 0).astype(np.int32)
    count = len(splits.train.image)
    data = TrainData(
        image=jnp.asarray(splits.train.image),
        label=jnp.asarray(splits.train.label, jnp.int32),
        rows=jnp.arange(count, dtype=jnp.int32),
        val_image=jnp.asarray(splits.val.image[normal]),
        val_label=jnp.zeros(len(normal), jnp.int32),
        val_rows=jnp.arange(len(normal), dtype=jnp.int32),
    )
    identity = {"run": json.loads(to_json(config)), "data": fingerprint}
    warm = None
    if config.train.init_from is not None:
        warm = _warm(config.train.init_from, parts, splits.train.image.shape[1:])
    with Checkpointer(path / folder.CHECKPOINTS, config=identity) as checkpointer:
        saver = _Saver(checkpointer, identity, reporter.say)
        try:
            fitted = loop.fit(
                program(parts.method, parts.static, count),
                parts.static,
                parts.key,
                parts.hparams,
                data,
                warm=warm,
                saver=saver,
                reporter=reporter,
                stopping=lambda: stop.requested,
            )
        except DivergedError as error:
            folder.write_csv(path / "history.csv", loop.history(error.carry))
            raise
        compiled = fitted.compile_seconds
        return fitted.carry, compiled, saver.seconds - compiled


def _warm(path: str, parts: Parts, shape: tuple[int, ...]) -> Any:
    """The model of another run, to start from; its form has to be the same."""
    if not (Path(path) / folder.CONFIG).is_file():
        raise DataError(f"train.init_from: {path} is not a run folder")
    return saved_model(Path(path), parts, shape)


def _measure(parts: Parts, splits, path: Path, carry: Carry) -> dict[str, Any]:
    """Score, measure and write; returns what took how long."""
    config, scorer = parts.config, parts.scorer
    model = chosen(parts.static, carry)
    untrained = parts.untrained(splits.train.image.shape[1:])
    found = results.gather(config, splits, scorer, model, untrained)
    found.metrics["fit"] = _fit_summary(carry)
    shown = examples.choose(splits.test, scorer, model, found.test, config.seed)
    _write(path, carry, found, shown)
    return found.seconds


def _fit_summary(carry: Carry) -> dict[str, Any]:
    """Losses at the best epoch. gap: validation minus training loss."""
    history = loop.history(carry)
    best = max(int(carry.best_epoch), 0)
    train_loss = float(history["train_loss"][best])
    val_loss = float(history["val_loss"][best])
    return {
        "best_epoch": best + 1,
        "epochs": len(history["epoch"]),
        "train_loss": train_loss,
        "val_loss": val_loss,
        "gap": val_loss - train_loss,
    }


def _write(path: Path, carry: Carry, found: Results, shown) -> None:
    arrays, index = shown
    folder.write_csv(path / "history.csv", loop.history(carry))
    folder.write_csv(path / "scores.csv", found.columns)
    folder.write_npz(path / "examples" / "examples.npz", arrays)
    folder.write_json(path / "examples" / "index.json", index)
    folder.write_json(path / "thresholds.json", found.thresholds)
    folder.write_json(path / "metrics.json", found.metrics)
