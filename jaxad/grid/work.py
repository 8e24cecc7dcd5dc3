"""Trains the members that have no results yet, group by group, chunk by chunk.

Every finished chunk is on disk before the next one starts, so a sweep that was killed
does only the rest.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxad import methods
from jaxad.batches import steps_of
from jaxad.config import Config
from jaxad.config.grid import Grid
from jaxad.errors import ConfigError
from jaxad.grid import chunks, execute, prepare, store
from jaxad.grid.execute import Compiled
from jaxad.grid.lanes import functions
from jaxad.grid.members import Group, Lane, Member, groups, lanes
from jaxad.grid.prepare import Images

IN_TURN = 8
"""Lanes of a chunk under `map`."""
Results = dict[tuple[int, int], dict[str, Any]]
"""(member number, epochs) -> what `measure` gave for it, nested."""


class Choice(NamedTuple):
    """How a kind of network runs here, and the seconds a step of each way tried.

    size: lanes in a chunk at most; None: as many as fit.
    """

    mode: str
    size: int | None
    tried: dict[str, float]


@dataclass
class Work:
    """A sweep at work.

    say: one line to the user. look: (trainings done, in all, epoch) while it works;
        what it raises ends the work. after: called after each chunk.
    keep: writes down `choices`, by kind of network, for a resumed sweep.
    warm: a config's model to start from. module: the user's own, or None.
    compiled: training programs so far. total, done: trainings of this call of `run`.
    """

    path: Path
    grid: Grid
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

    def restore(self) -> int:
        """Take in what earlier starts left; the number of results."""
        for chunk in store.read(self.path):
            self._take(chunk)
        return len(self.results)

    def run(self, members: Sequence[Member], epochs: Callable[[Member], int]) -> None:
        """Train members without results, each for so many epochs."""
        found = lanes(members)
        self.total, self.done = len(found), 0
        # Of all members, so that a sweep that goes on pads and groups as before.
        grouped = groups(found, prepare.forms(found, self.images))
        before = self.compiled
        for number, group in enumerate(grouped, 1):
            waiting = [lane for lane in group.lanes if self._missing(lane, epochs)]
            self.done += len(group.lanes) - len(waiting)
            if waiting:
                name = f"group {number} of {len(grouped)}"
                _Group(self, group, epochs, name).run(waiting)
        if self.compiled > before:
            self.say(
                f"{self.compiled - before} training programs compiled for "
                f"{len(grouped)} groups of shapes, those of the probe included"
            )

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
        store.write(self.path, chunk)
        self._take(chunk)
        self.after()


class _Group:
    """Lanes of one shape at work."""

    def __init__(self, work: Work, group: Group, epochs, name: str):
        self.work, self.group, self.epochs, self.name = work, group, epochs, name
        self.sizes = prepare.sizes(group, work.images)
        config = group.config
        self.steps = steps_of(config.train, self.sizes.train)
        total = self.steps * group.epochs
        if work.module is None:
            method = methods.build(config, total)
        else:
            method = methods.reconstruction(work.module, config, total)
        self.functions = {
            mode: functions(method, config, self.sizes.train, mode == "vmap")
            for mode in execute.MODES
        }
        what = work.images.rows(group.lanes[0].config)[0]
        self.image = jnp.asarray(work.images.pool(what))
        self.limit = execute.limit_bytes(work.grid.memory_gb)

    def run(self, waiting: list[Lane]) -> None:
        compiled = self._compile()
        while waiting:
            some = waiting[: compiled.size]
            try:
                trained = self._train(compiled, some)
            except jax.errors.JaxRuntimeError as error:
                compiled = self._smaller(compiled, error)
                continue
            self.work.finish(self._chunk(some, trained))
            self.work.done += len(some)
            waiting = waiting[len(some) :]

    def _smaller(self, compiled: Compiled, error: Exception) -> Compiled:
        """Programs for half as many lanes, where the device ran out of memory."""
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise error
        if compiled.size == 1:
            raise ConfigError(
                "the device has no memory for one member; make the network or "
                "train.batch_size smaller"
            ) from error
        size = compiled.size // 2
        self.work.say(f"{self.name}: out of memory, {size} at a time now")
        return self._fit(compiled.mode, size)

    def _compile(self) -> Compiled:
        """The programs of the group; how they run is found out once for each kind."""
        grid, model = self.work.grid, self.group.config.model
        kind = f"{model.kind}, batch {self.group.config.train.batch_size}"
        known = self.work.choices.get(kind)
        if known is None and grid.execution == "auto" and len(self.group.lanes) > 1:
            compiled, known = self._probe()
            self.work.choices[kind] = known
            self.work.keep(self.work.choices)
            tried = ", ".join(f"{m} {s * 1e3:.3g}" for m, s in known.tried.items())
            self.work.say(f"{kind}: {known.mode} (ms a step and member: {tried})")
        elif grid.execution == "auto":
            compiled = self._fit(*(known[:2] if known else ("loop", None)))
        else:
            compiled = self._fit(grid.execution)
        self.work.say(
            f"{self.name}: {len(self.group.lanes)} trainings, {compiled.mode}, "
            f"{compiled.size} at a time, {execute.gb(compiled.bytes)}; compiled in "
            f"{compiled.seconds:.1f} s"
        )
        return compiled

    def _probe(self) -> tuple[Compiled, Choice]:
        def seconds(compiled: Compiled) -> float:
            some = self._data(list(self.group.lanes[: compiled.size]))
            try:
                return execute.probe(compiled, some, self.steps)
            except jax.errors.JaxRuntimeError as error:
                return seconds(self._smaller(compiled, error))

        best = execute.fastest(self._fit, seconds)
        return best.compiled, Choice(best.compiled.mode, best.most, best.seconds)

    def _fit(self, mode: str, most: int | None = None) -> Compiled:
        lanes = list(self.group.lanes)
        most = min(most or len(lanes), self.work.grid.members or len(lanes))
        # In turn, more at a time is no faster, and more is lost when stopped.
        most = min(most, IN_TURN) if mode == "map" else most
        compiled = execute.fit(
            self.functions[mode],
            mode,
            self.image,
            lambda size: self._data(lanes[:size]),
            min(most, len(lanes)),
            self.limit,
        )
        self.work.compiled += compiled.compilations
        return compiled

    def _data(self, lanes: list[Lane]):
        return prepare.lane_data(lanes, self.work.images, self.sizes, self.work.warm)

    def _train(self, compiled: Compiled, some: list[Lane]) -> chunks.Trained:
        # The last chunk is filled up, since another size would be another program.
        filled = some + [some[-1]] * (compiled.size - len(some))
        wanted = sorted({self.epochs(m) for lane in some for m in lane.members})
        last, work = wanted[-1] * self.steps, self.work

        def look(at: int) -> None:
            done = work.done + len(some) * at / last
            work.look(done, work.total, f"{at // self.steps}/{wanted[-1]}")

        return chunks.train(compiled, self._data(filled), self.steps, wanted, look)

    def _chunk(self, some: list[Lane], trained: chunks.Trained) -> store.Chunk:
        keys, parts = [], []
        for i, lane in enumerate(some):
            for member in lane.members:
                epochs = self.epochs(member)
                keys.append((member.number, epochs))
                found = trained.measured[epochs]
                parts.append(jax.tree.map(lambda leaf, i=i: leaf[i], found))
        arrays = jax.tree.map(lambda *leaves: np.stack(leaves), *parts)
        members, epochs = np.array(keys, np.int32).T
        history = {k: v[: len(some)] for k, v in trained.history.items()}
        last = np.array([lane.members[-1].number for lane in some], np.int32)
        return store.Chunk(members, epochs, store.flat(arrays), last, history)
