"""Trains the members that have no results yet, group by group, chunk by chunk.

Every finished chunk is on disk before the next one starts, so a sweep that was killed
does only the rest.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxad import methods, parallel
from jaxad.batches import steps_of
from jaxad.config import Config, stages
from jaxad.config.grid import Grid
from jaxad.grid import chunks, execute, prepare, store
from jaxad.grid.execute import Compiled
from jaxad.grid.lane_data import LaneData, placed
from jaxad.grid.members import Group, Lane, Member, before, epochs_of, groups, lanes
from jaxad.grid.prepare import Images
from jaxad.grid.programs import Programs
from jaxad.parallel import ONE, Layout

BEFORE = "autoencoders"
"""Folder of the chunks of stages before the last ones."""
Results = dict[tuple[int, int], dict[str, Any]]
"""(member number, epochs) -> what `measure` gave for it, nested."""


class Choice(NamedTuple):
    """How a kind of network runs here, and the seconds a step of each way tried.

    size: lanes of a program at most; None: as many as fit. threads: programs that run
        side by side.
    """

    mode: str
    size: int | None
    threads: int
    tried: dict[str, float]


@dataclass
class Work:
    """A sweep at work.

    members: all of them, which number the stages before theirs.
    say: one line to the user. look: (trainings done, in all, epoch) while it works;
        what it raises ends the work. after: called after each chunk.
    keep: writes down `choices`, by kind of network, for a resumed sweep.
    warm: a config's model to start from. module: the user's own, or None.
    compiled: training programs so far. total, done: trainings of this call of `run`.
    fitted: models of stages before the last one, by config. keep_models: whether they
        are what this work makes. layout: of the devices that all lanes are laid over.
    """

    path: Path
    grid: Grid
    members: Sequence[Member]
    images: Images
    say: Callable[[str], None]
    look: Callable[..., None]
    keep: Callable[[dict[str, Choice]], None]
    warm: Callable[[Config], Any]
    module: Any = None
    results: Results = field(default_factory=dict)
    history: dict[int, dict[str, np.ndarray]] = field(default_factory=dict)
    choices: dict[str, Choice] = field(default_factory=dict)
    after: Callable[[], None] = lambda: None
    compiled: int = 0
    total: int = 0
    done: int = 0
    keep_models: bool = False
    layout: Layout = ONE
    fitted: dict[Config, Any] = field(default_factory=dict)

    def restore(self) -> int:
        """Take in what earlier starts left; the number of results."""
        for chunk in store.read(self.path):
            self._take(chunk)
        return len(self.results)

    def run(self, members: Sequence[Member], epochs: Callable[[Member], int]) -> None:
        """Train members without results, each for so many epochs."""
        left = [m for m in members if (m.number, epochs(m)) not in self.results]
        self._run_before(left)
        found = lanes(members)
        self.total, self.done = len(found), 0
        # Of all members, so that a sweep that goes on pads and groups as before.
        grouped = groups(found, prepare.forms(found, self.images))
        compiled = self.compiled
        for number, group in enumerate(grouped, 1):
            waiting = [lane for lane in group.lanes if self._missing(lane, epochs)]
            self.done += len(group.lanes) - len(waiting)
            if waiting:
                name = f"group {number} of {len(grouped)}"
                Lanes(self, group, epochs, name).run(waiting)
        if self.compiled > compiled:
            self.say(
                f"{self.compiled - compiled} training programs compiled for "
                f"{len(grouped)} groups of shapes, those of the probe included"
            )

    def _run_before(self, left: list[Member]) -> None:
        """Train what members stand behind, each once, and keep the models."""
        if not {stages.before(m.config) for m in left} - {None, *self.fitted}:
            return
        work = self.work_before()
        self.say(f"{len(work.members)} autoencoders first")
        work.run(work.members, epochs_of)
        for member in work.members:
            found = work.results[member.number, epochs_of(member)]
            self.fitted[member.config] = found["model"]
        self.compiled = work.compiled

    def work_before(self) -> "Work":
        work = replace(
            self,
            path=self.path / BEFORE,
            members=before(self.members),
            results={},
            history={},
            after=lambda: None,
            keep_models=True,
        )
        work.restore()
        return work

    def stage_before(self, config: Config) -> list[np.ndarray] | None:
        """The leaves of the carry that the stage before `config` ended with; None where
        there is no such stage."""
        wanted = stages.before(config)
        if wanted is None:
            return None
        numbers = {m.config: m.number for m in before(self.members)}
        return store.carry(self.path / BEFORE, numbers[wanted])

    def _missing(self, lane: Lane, epochs: Callable[[Member], int]) -> bool:
        return any((m.number, epochs(m)) not in self.results for m in lane.members)

    def _take(self, chunk: store.Chunk) -> None:
        for i, key in enumerate(zip(chunk.members, chunk.epochs, strict=True)):
            one = {name: values[i] for name, values in chunk.found.items()}
            self.results[int(key[0]), int(key[1])] = store.nested(one)
        for i, member in enumerate(chunk.trained):
            columns = {name: values[i] for name, values in chunk.history.items()}
            self.history[int(member)] = columns

    def finish(self, chunk: store.Chunk) -> None:
        parallel.told(lambda: store.write(self.path, chunk))
        self._take(store.without_carry(chunk))
        self.after()


class Lanes:
    """Lanes of one shape at work."""

    def __init__(self, work: Work, group: Group, epochs, name: str):
        self.work, self.group, self.epochs, self.name = work, group, epochs, name
        self.sizes = prepare.sizes(group, work.images)
        config = group.config
        self.steps = steps_of(config.train, self.sizes.train)
        total = self.steps * group.epochs
        what = work.images.rows(group.lanes[0].config)[0]
        lanes = list(group.lanes)
        together = min(work.grid.members or len(lanes), len(lanes))
        self.layout = work.layout.for_members(together)
        self.programs = Programs(
            methods.build(config, total, work.module),
            config,
            self.sizes.train,
            self.layout.replicate(work.images.pool(what)),
            lambda number: self.data(lanes[:number], number),
            len(lanes),
            work.grid.members or len(lanes),
            execute.limit_bytes(work.grid.memory_gb),
            self.steps,
            work.keep_models,
            self.layout,
        )

    def run(self, waiting: list[Lane]) -> None:
        compiled = self.compile()
        while waiting:
            some = waiting[: compiled.lanes]
            try:
                trained = self._train(compiled, some)
            except jax.errors.JaxRuntimeError as error:
                compiled = self.programs.smaller(compiled, error)
                self.work.say(
                    f"{self.name}: out of memory, {compiled.lanes} at a time now"
                )
                continue
            self.work.finish(chunks.to_keep(some, self.epochs, trained))
            self.work.done += len(some)
            waiting = waiting[len(some) :]
        self.work.compiled += self.programs.compilations

    def compile(self) -> Compiled:
        """The programs of the group; how they run is found out once for each kind."""
        grid, config = self.work.grid, self.group.config
        what = config.denoiser or config.model
        kind = (
            f"{what.kind} of about {self.programs.weights:,} weights, batch "
            f"{config.train.batch_size}"
        )
        known = self.work.choices.get(kind)
        if known is None and grid.execution == "auto" and len(self.group.lanes) > 1:
            best = self.programs.fastest()
            compiled = best.compiled
            known = Choice(compiled.mode, best.most, compiled.threads, best.seconds)
            self.work.choices[kind] = known
            self.work.keep(self.work.choices)
            tried = ", ".join(f"{m} {s * 1e3:.3g}" for m, s in known.tried.items())
            self.work.say(f"{kind}: {best.name} (ms a step and member: {tried})")
        elif grid.execution == "auto":
            compiled = self.programs.spread(*(known[:3] if known else ("loop", 1, 1)))
        else:
            compiled = self.programs.fit(grid.execution)
        self.work.say(
            f"{self.name}: {len(self.group.lanes)} trainings, {compiled.mode}, "
            f"{compiled.lanes} at a time, {execute.gb(compiled.total)}; compiled in "
            f"{compiled.seconds:.1f} s"
        )
        return compiled

    def data(self, lanes: list[Lane], size: int) -> LaneData:
        """Data of so many lanes: filled up, since another size is another program."""
        full = lanes + [lanes[-1]] * (size - len(lanes))
        work = self.work
        made = prepare.lane_data(full, work.images, self.sizes, work.warm, work.fitted)
        return placed(made, self.layout)

    def _train(self, compiled: Compiled, some: list[Lane]) -> chunks.Trained:
        size = compiled.size
        parts = [some[i : i + size] for i in range(0, len(some), size)]
        wanted = sorted({self.epochs(m) for lane in some for m in lane.members})
        last, work = wanted[-1] * self.steps, self.work

        def look(at: int) -> None:
            done = work.done + len(some) * at / last
            work.look(done, work.total, f"{at // self.steps}/{wanted[-1]}")

        data = [self.data(part, size) for part in parts]
        return chunks.train(compiled, data, self.steps, wanted, look)
