"""The tables of a sweep, and the best settings on held-out data."""

import math
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas

from jaxad import folder, parallel
from jaxad import run as runs
from jaxad.config import Config, set_values, stages
from jaxad.config.load import load_config
from jaxad.errors import DivergedError
from jaxad.evaluate import Pair
from jaxad.grid import choose, held_out, rank
from jaxad.parts import make_parts
from jaxad.report.sweep import draw_sweep
from jaxad.saved import Run
from jaxad.search import training
from jaxad.search.context import Context
from jaxad.search.every import every
from jaxad.search.result import Sweep


def measure(at: Context, done: training.Finished, track: Sequence[str] = ()) -> Sweep:
    """Write tables and pictures; the best on held-out data, a run folder of each.

    track: as of `jaxad.train`, for these runs.

    Raises DivergedError where no member can be ranked.
    """
    table, board = _tables(at, done)
    if all(place is None for place in board["rank"]):
        parallel.told(lambda: draw_sweep(at.path) and None)
        raise DivergedError(
            f"no member can be ranked: {board['reason'][0]}; see "
            f"{at.path / 'members.csv'}",
            None,
        )
    grid = at.grid
    wanted = (grid.each, grid.ensemble, at.tasks)
    chosen = choose.bests(at.members, table, board, *wanted)
    found = training.found(at, done.epochs, list(done.epochs))
    rows: list[dict[str, Any]] = []
    made: dict[str, Run] = {}
    for best in chosen:
        if best.whole and (run := _run(at, best, done.epochs, track)):
            made[best.name] = run
        rows += _rows(at, best, found, made.get(best.name))
    last = {name: [row.get(name) for row in rows] for name in rows[0]}
    tables = {"held_out": last}
    if grid.every:
        tables["every"] = every(at, table, board, found)
    _write(at, tables)
    members, leaderboard, measured = map(pandas.DataFrame, (table, board, last))
    arrays = _arrays(at, found)
    parallel.told(lambda: draw_sweep(at.path) and None)
    frames = (members, leaderboard, measured)
    return Sweep(at.config, at.grid, at.path, *frames, arrays, made)


def _tables(at: Context, done: training.Finished) -> tuple[rank.Table, rank.Table]:
    """Members and settings, written with the history of all trainings."""
    table = training.table(at, done.epochs, [member.number for member in at.members])
    table["epochs"] = [done.epochs[number] for number in table["member"]]
    for i, number in enumerate(table["member"]):
        if number not in done.alive and table["status"][i] == "ok":
            table["status"][i] = f"culled after epoch {table['epochs'][i]}"
    board = rank.leaderboard(table, at.grid.rank, at.shown)
    found = {"members": table, "leaderboard": board}
    _write(at, found | {"history": training.history(at, done.epochs)})
    return table, board


def _write(at: Context, tables: Mapping[str, Any]) -> None:
    """Tables of columns as files of their names."""

    def write() -> None:
        for name, columns in tables.items():
            folder.write_csv(at.path / f"{name}.csv", columns)

    parallel.told(write)


def _rows(
    at: Context, best: choose.Best, found: Mapping[int, Any], run: Run | None
) -> list[dict[str, Any]]:
    """Rows of the held-out table: the best, its ensembles, what stands beside it."""
    rules, seed = best.members[0].config.threshold.rules, at.config.seed
    cases = choose.cases(best, found, at.images, at.score)
    rows = [held_out.measure(name, some, rules, seed) for name, some in cases.items()]
    first, *others = rows
    table = [held_out.summary(first), *(held_out.summary(r, first) for r in others)]
    if run is None:
        return table
    own = cases[best.name][0]
    beside = choose.beside(best, run, at.images, own) | _untrained(at, best, own)
    # They stand beside the first member, on its images: the pairs are of those.
    alone = held_out.measure(best.name, [own], rules, seed)
    for name, one in beside.items():
        row = held_out.measure(name, [one], rules, seed)
        table.append(held_out.summary(row, alone))
    return table


def _untrained(
    at: Context, best: choose.Best, own: choose.Case
) -> dict[str, choose.Case]:
    """The best setting's first member before training; nothing where its scores need
    something fitted."""
    config = best.members[0].config
    (*shape, _), rows = at.images.rows(config)
    parts = make_parts(config, len(rows.train), at.module)
    if parts.method.finalize is not None:
        return {}
    pool = at.images.pool(at.images.rows(config)[0])
    model = parts.fresh(tuple(shape))
    scores = [
        parts.scorer.values(model, pool[part])[at.score]
        for part in (rows.val, rows.test)
    ]
    return {f"{best.name}: untrained": choose.Case(Pair(*scores), own.labels)}


def _dividing(config: Config) -> Config:
    """With as many of its devices as the batches of a run divide by; the members of a
    sweep need not."""
    number = config.parallel.devices
    if number is None or parallel.count() > 1:
        return config
    batches = [stage.train.batch_size for stage in stages.every(config)]
    return set_values(config, {"parallel.devices": math.gcd(number, *batches)})


def _run(
    at: Context, best: choose.Best, epochs: Mapping[int, int], track: Sequence[str]
) -> Run | None:
    """The best setting's first member again, as a run of its own, behind the sweep's
    own autoencoder where there is one; None where the run diverges, whose numbers
    differ from the member's in their last bits."""
    member = best.members[0]
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", best.name)
    where = at.path / ("best" if best.name == "best" else f"best-{name}")
    at.work.say(f"{best.name}: member {member.number} as a run in {where}")
    config = _dividing(stages.with_epochs(member.config, epochs[member.number]))
    there = parallel.told(lambda: _go_on(where, config))
    try:
        with at.reporter.aside():
            return runs.train(
                config,
                at.data,
                module=at.module,
                out=where,
                resume=there,
                quiet=at.reporter.quiet,
                first=at.work.stage_before(member.config),
                track=track,
            )
    except DivergedError as error:
        at.work.say(f"{best.name}: no run beside its row: {error}")
        return None


def _go_on(where: Path, config: Config) -> bool:
    """Whether the run of this config is there already, in part or whole."""
    before = where / folder.CONFIG
    if before.is_file() and load_config(before) != config:
        shutil.rmtree(where)  # another member was the best when the sweep ended before
    return where.is_dir() and any(where.iterdir())


def _arrays(at: Context, found: Mapping[int, Any]) -> dict[str, np.ndarray]:
    cases = [
        choose.case(member, found[member.number], at.images, at.score)
        for member in at.members
    ]
    return {
        name: _stacked([getattr(case.pair, name) for case in cases])
        for name in ("val", "test")
    }


def _stacked(rows: Sequence[np.ndarray]) -> np.ndarray:
    full = np.full((len(rows), max(map(len, rows))), np.nan, np.float32)
    for i, row in enumerate(rows):
        full[i, : len(row)] = row
    return full
