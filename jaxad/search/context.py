"""A sweep at work: its members, images and results, and what is checked before."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jaxad import data as sources
from jaxad import environment, fitting, folder, generated, opening, parallel, results
from jaxad.checkpoint import differences
from jaxad.config import Config
from jaxad.config.grid import Grid
from jaxad.config.load import grid_to_json, load_sweep, plain
from jaxad.errors import ConfigError, Preempted
from jaxad.grid.members import column, expand
from jaxad.grid.prepare import Images
from jaxad.grid.work import Choice, Work
from jaxad.parts import make_parts
from jaxad.progress import Reporter
from jaxad.saved import describe_module, saved_model
from jaxad.signals import Stop

# They change how a sweep is carried out, not what comes out of it.
FREE = (
    *("grid.execution", "grid.members", "grid.memory_gb"),
    *(f"config.{name}" for name in fitting.FREE),
)


class Context:
    """What all stages of a sweep share.

    members: all of them. shown: columns of their settings' values. score: the one that
    ranks. best_yet: what progress says of the best so far.
    """

    def __init__(self, config, grid: Grid, data, module, path, reporter, stop: Stop):
        self.config, self.grid, self.path, self.module = config, grid, path, module
        self.reporter: Reporter = reporter
        self.stop, self.data = stop, data
        self.members = expand(config, grid)
        self.shown = list(dict.fromkeys(n for m in self.members for n in m.values))
        self.score = grid.score or config.score.names[0]
        self.prints: dict[str, str] = {}
        self.images = Images(self._split)
        self.best_yet = ""
        self._models: dict[Any, Any] = {}
        self.work = Work(
            path,
            grid,
            self.members,
            self.images,
            say=reporter.say,
            look=self._look,
            keep=self._keep,
            warm=self._warm,
            module=module,
            layout=parallel.over_all(config.parallel.devices),
        )

    def open(self, resume: bool, command: str) -> None:
        parallel.told(lambda: opening.open_run(self.path, resume, lambda _: None))
        if (self.path / folder.CONFIG).is_file():
            raise ConfigError(
                f"{self.path}: a run is there, not a sweep; choose another --out"
            )
        self.check()
        self.identity = _plain(self.config, self.grid) | {
            "data": sorted(set(self.prints.values())),
            "module": None if self.module is None else describe_module(self.module),
        }
        digests = {k: self.identity[k] for k in ("data", "module")}
        environment.check_same({"run": _plain(self.config, self.grid)} | digests)
        if (self.path / folder.GRID).is_file():
            self._go_on(self.path / folder.GRID)
        env = environment.describe(self.work.layout.size) | {"command": command}
        parallel.told(lambda: folder.write_json(self.path / "env.json", env))
        self._keep(self.work.choices)

    def _go_on(self, file: Path) -> None:
        """Take in what is there. Raises ConfigError where it is of another sweep."""
        # Read as config and grid, so that fields which came since have their defaults.
        config, grid = load_sweep(file)
        old = folder.read_json(file)
        before = {k: old.get(k) for k in ("data", "module")} | _plain(config, grid)
        changed = differences(before, self.identity, FREE)
        if changed:
            raise ConfigError(
                f"{self.path}: another sweep is there ({', '.join(changed)}); go back "
                "to its values or choose another --out"
            )
        kept = old.get("choices", {}).items()
        self.work.choices |= {name: Choice(**choice) for name, choice in kept}
        self.work.say(f"going on: {self.work.restore()} results are there")

    @property
    def tasks(self) -> bool:
        """Whether `each` is an axis of the data, whose rows are tasks of their own."""
        names = {column(axis) or axis.names[0]: axis.names for axis in self.grid.axes}
        own = names.get(self.grid.each or "", (self.grid.each or "",))
        return any(name.startswith("data.") for name in own)

    def check(self) -> None:
        """Fail before the training where something after it would."""
        grid = self.grid
        for member in self.members:
            if self.score not in member.config.score.names:
                raise ConfigError(
                    f"the score that ranks, {self.score}, is not in score.names of "
                    "every member"
                )
        if grid.each is not None and grid.each not in self.shown:
            names = ", ".join(self.shown) or "none"
            raise ConfigError(f"--each {grid.each} is no axis; axes are {names}")
        if grid.halve and any("train.epochs" in m.values for m in self.members):
            raise ConfigError("--halve chooses the epochs; leave train.epochs out")
        seen = set()
        for member in self.members:
            config = member.config
            if parallel.count() > 1:  # the best of them is a run of all processes
                fitting.layout_of(config, lambda _: None)
            self._warm(config)
            later = (config.threshold, config.baselines, config.model.kind)
            key = (config.data, config.split_seed, *later)
            if key in seen:
                continue
            seen.add(key)
            (*shape, _), rows = self.images.rows(config)
            self.images.seen(config)
            results.check(config, rows.val_label, (len(rows.train), *shape))
            if grid.rank != "val_loss" and not np.any(rows.val_label == 1):
                raise ConfigError(
                    f"ranking by {grid.rank} needs anomalous validation images; give "
                    "the protocol some (tune), or rank by val_loss"
                )

    def _split(self, config: Config) -> sources.Splits:
        if config.data.stream and self.data is None:
            raise ConfigError(
                "data.stream: a sweep holds its images in memory, once for all members;"
                " leave it out, or train settings one by one"
            )
        source, maker = generated.load_for(config.data, self.data)
        self.prints[repr(config.data)] = source.fingerprint
        if source.left_out:
            self.reporter.say(sources.left_out_lines(source))
        return generated.split(source, maker, config)

    def _warm(self, config: Config) -> Any:
        start = config.train.init_from
        if start is None:
            return None
        shape = self.images.rows(config)[0][:-1]
        key = (start, config.model, shape)
        if key not in self._models:
            parts = make_parts(config, 1, self.module)
            self._models[key] = saved_model(
                Path(start), parts.stages[0], shape, self.reporter.say
            )
        return self._models[key]

    def _keep(self, choices: Mapping[str, Choice]) -> None:
        own = {k: v._asdict() for k, v in choices.items()}
        whole = {**self.identity, "choices": own}
        parallel.told(lambda: folder.write_json(self.path / folder.GRID, whole))

    def _look(self, done: float, total: int, epoch: str) -> None:
        if parallel.anywhere(self.stop.requested):
            raise Preempted("stopped; finished chunks are kept: go on with --resume")
        best = f" best {self.best_yet}" if self.best_yet else ""
        text = f"trainings {done:.1f}/{total} epoch {epoch}{best}"
        self.reporter.show(text, done, total)


def _plain(config: Config, grid: Grid) -> dict[str, Any]:
    """Config and grid in JSON's types."""
    return {
        "config": plain(config),
        "grid": json.loads(grid_to_json(grid)),
    }
