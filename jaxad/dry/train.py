"""What `jaxad train` would do: its config, images, model, memory and time."""

import time
from pathlib import Path
from typing import Any

from jaxad import data as sources
from jaxad import environment, parallel, prepared
from jaxad.batches import TrainData
from jaxad.config import Config
from jaxad.dry import configs, model, scoring, training
from jaxad.parts import Parts
from jaxad.progress import Reporter, part

Plan = dict[str, Any]
"""In JSON's types, but for tuples."""


def plan(
    config: Config,
    path: Path,
    quiet: bool = False,
    data: Any = None,
    module: Any = None,
    before: float = 0.0,
) -> Plan:
    """kind, config (see `configs.described`), devices, images, stages, shapes, seconds.

    path: where the run would be; nothing is written there. data, module: as of
    `jaxad.train`. before: seconds that the command took to get here. Raises what the
    run would raise before its first epochs.
    """
    environment.use_compilation_cache()
    quiet = quiet or not parallel.first()
    with Reporter(quiet) as reporter:
        began = time.monotonic()
        given = prepared.load(config, data, module, reporter.say)
        environment.check_same(given.identity)
        ready = prepared.split(given, config, module, reporter.say)
        load = time.monotonic() - began
        stages, fitted = [], ready.arrays
        for number, own in enumerate(ready.parts.stages):
            warm = None if number else ready.warm
            found, fitted = _stage(own, fitted, warm)
            stages.append(found)
        part("scoring a few images")
        after = scoring.seconds(ready.parts, ready.splits, fitted.before)
    shape = ready.splits.train.image.shape[1:]
    return {
        "kind": "train",
        **configs.described(config, path),
        "devices": environment.describe(given.layout.size)["devices"],
        "images": sources.counts(given.source, ready.splits, config.data),
        "left_out": [list(pair) for pair in given.source.left_out],
        "shapes": model.shapes(ready.parts, fitted.before, shape),
        "stages": stages,
        "seconds": _seconds(stages, {"start": before, "load": load} | after),
    }


def _stage(own: Parts, data: TrainData, warm: Any) -> tuple[Plan, TrainData]:
    """A stage of the training, and the data of the next one, behind a model that has
    hardly been trained: it takes the same time."""
    kind = own.config.model.kind if own.before is None else "denoiser"
    part(f"{kind}: compiling and timing some steps")
    begun = training.begin(own, data, warm)
    train, tables = own.static.train, model.layers(begun.carry.state.model)
    found = {
        "model": kind,
        "layers": tables,
        "parameters": model.total(tables),
        "batch_size": train.batch_size,
        "epochs": train.epochs,
        "patience": train.patience,
        "steps_per_epoch": begun.steps,
        "memory": model.memory(begun.carry, data, begun.compiled, own.layout.size),
        "seconds": {
            "compile": begun.compile_seconds,
            "cached": begun.cached_seconds,
            "step": begun.pace.step,
            "epoch_end": begun.pace.end,
            "call": begun.pace.call,
            "train": begun.pace.training(begun.steps, train),
        },
    }
    fitted = own.finalizer(data)(begun.carry.state.model)
    return found, data._replace(before=fitted)


def _seconds(stages: list[Plan], others: dict[str, float]) -> dict[str, float]:
    """Seconds by part of the run, and their sum; programs come from the cache, which
    they are in by now."""
    own = [stage["seconds"] for stage in stages]
    found = {k: others[k] for k in ("start", "load")}
    for number, stage in enumerate(own, 1):
        found[f"compile_{number}"] = stage["cached"]
        found[f"train_{number}"] = stage["train"]
    found |= others
    return found | {"total": sum(found.values())}
