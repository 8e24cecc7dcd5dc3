"""What `jaxad sweep` would do: members, programs, memory and time."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax

from jaxad import environment, parallel, prepared
from jaxad.config import Config, stages
from jaxad.config.grid import Grid
from jaxad.config.load import grid_to_json
from jaxad.dry import configs, lanes, scoring
from jaxad.grid.members import Member, epochs_of
from jaxad.grid.work import Work
from jaxad.parts import make_parts
from jaxad.progress import Reporter, part
from jaxad.search import training
from jaxad.search.context import Context
from jaxad.signals import Stop

Plan = dict[str, Any]


def plan(
    config: Config,
    grid: Grid,
    path: Path,
    quiet: bool = False,
    data: Any = None,
    module: Any = None,
    before: float = 0.0,
) -> Plan:
    """kind, config (see `configs.described`), grid, devices, members, settings, before
    (the stages that all stand behind) and groups (see `lanes.group`), runs, seconds.

    The arguments are those of `dry.train.plan`. Raises what the sweep would raise
    before its first epochs.
    """
    environment.use_compilation_cache()
    quiet = quiet or not parallel.first()
    with Reporter(quiet) as reporter:
        began = time.monotonic()
        at = Context(config, grid, data, module, path, reporter, Stop())
        at.work.keep = _nothing
        at.check()
        load = time.monotonic() - began
        first = _before(at.work, module)
        part("compiling and timing")
        own = lanes.groups(at.work, at.members)
        part("timing the run of the best setting")
        runs, seconds = _runs(at)
    rungs = _rungs(at)
    groups = sum(found["seconds"]["total"] for found in own) * rungs
    parts = {"start": before, "load": load, "trainings": groups}
    parts |= {"before": sum(found["seconds"]["total"] for found in first)}
    parts |= {"runs": runs * seconds}
    return {
        "kind": "sweep",
        **configs.described(config, path),
        "grid": json.loads(grid_to_json(grid)),
        "devices": environment.describe(at.work.layout.size)["devices"],
        "members": len(at.members),
        "settings": len({member.setting for member in at.members}),
        "before": first,
        "groups": own,
        "runs": runs,
        "seconds": parts | {"total": sum(parts.values())},
    }


def _nothing(choices: Mapping[str, Any]) -> None:
    """In place of what writes choices down."""


def _before(work: Work, module: Any) -> list[Plan]:
    """The groups of what members stand behind, and an untrained model of each in the
    place of the fitted one."""
    wanted = {stages.before(member.config) for member in work.members} - {None}
    if not wanted:
        return []
    beside = work.work_before()
    for member in beside.members:
        shape, rows = work.images.rows(member.config)
        made = make_parts(member.config, len(rows.train), module)
        work.fitted[member.config] = made.fresh(tuple(shape[:-1]))
    part("compiling and timing the autoencoders")
    return lanes.groups(beside, beside.members)


def _rungs(at: Context) -> float:
    """Epochs of all members with culling, over those of all without."""
    if at.grid.halve is None:
        return 1.0
    alive, total = 1.0, 0.0
    for rung in training.rungs(at):
        total += alive * rung
        alive /= at.grid.halve
    return total / max(map(epochs_of, at.members))


def _runs(at: Context) -> tuple[int, float]:
    """Runs of the best settings, and about how many seconds one takes beside its
    training: scores, metrics, pictures."""
    member = at.members[0]
    each = (
        {m.values.get(at.grid.each or "") for m in at.members} if at.tasks else {None}
    )
    return len(each), _after(at, member)


def _after(at: Context, member: Member) -> float:
    config = member.config
    given = prepared.load(config, at.data, at.module, _silent)
    ready = prepared.split(given, config, at.module, at.reporter.say)
    arrays = ready.arrays
    untrained = jax.block_until_ready(ready.parts.untrained(arrays))
    return sum(scoring.seconds(ready.parts, ready.splits, untrained).values())


def _silent(text: str) -> None:
    pass
