"""The verbs that train: `jaxad train` and `jaxad sweep`."""

import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxad.cli.answers import Answer
from jaxad.cli.arguments import (
    STARTS,
    SWEEP_OPTIONS,
    Start,
    run_name,
    split_sweep,
    split_train,
)
from jaxad.cli.folders import finished, finished_sweep
from jaxad.cli.pages import SWEEP, TRAIN, Page
from jaxad.errors import ConfigError

if TYPE_CHECKING:
    from jaxad.config import Config, Grid

Plan = dict[str, Any]

_USAGE = "[CONFIG] [--out DIR] [--resume] [--dry-run]"


def train(args: list[str]) -> Answer | None:
    began, command = time.monotonic(), shlex.join(["jaxad", "train", *args])
    start, rest = split_train(args)
    path, rest = _named(rest)
    config, _ = _load(path)
    config = _override(config, rest, f"jaxad train {_USAGE}", TRAIN, ())
    out = start.out or Path("runs") / (config.name or run_name(path))
    start.join()
    if start.dry_run:
        from jaxad.dry import train as dry

        spent = time.monotonic() - began
        return _planned(dry.plan(config, out, start.quiet, before=spent), start)

    from jaxad import parallel, run

    done = run.train(
        config,
        out=out,
        resume=start.resume,
        quiet=start.quiet,
        profile=start.profile,
        track=start.track,
        command=command,
    )
    if not parallel.first():
        return None
    return finished(done.path, time.monotonic() - began)


def sweep(args: list[str]) -> Answer | None:
    began, command = time.monotonic(), shlex.join(["jaxad", "sweep", *args])
    start, rest = split_train(args)
    if start.profile:
        raise ConfigError("--profile is of `jaxad train`: trace one setting as a run")
    given, rest = split_sweep(rest)
    path, rest = _named(rest)
    config, grid = _load(path)
    others = [name.removeprefix("--") for name in SWEEP_OPTIONS]
    usage = f"jaxad sweep {_USAGE} [--grid NAME=V,V ...]"
    config = _override(config, rest, usage, SWEEP, others)
    out = start.out or Path("runs") / (config.name or run_name(path))
    start.join()

    from jaxad.search import as_grid
    from jaxad.search.options import grid_options

    chosen = as_grid(grid, **grid_options(given, config))
    if start.dry_run:
        from jaxad.dry import sweep as dry

        spent = time.monotonic() - began
        found = dry.plan(config, chosen, out, start.quiet, before=spent)
        return _planned(found, start)

    from jaxad import parallel, search

    done = search.sweep(
        config,
        chosen,
        out=out,
        resume=start.resume,
        quiet=start.quiet,
        track=start.track,
        command=command,
    )
    if not parallel.first():
        return None
    return finished_sweep(done.path, time.monotonic() - began)


def _planned(plan: Plan, start: Start) -> Answer | None:
    """What a dry run says, of the first process."""
    from jaxad import parallel
    from jaxad.dry.text import render

    if not parallel.first():
        return None
    return Answer(lambda: render(plan, start.full_config), lambda: plan)


def _named(args: list[str]) -> tuple[Path | None, list[str]]:
    """The config file, if the arguments begin with one, and the others."""
    if args and not args[0].startswith("-"):
        return Path(args[0]), args[1:]
    return None, args


def _load(path: Path | None) -> "tuple[Config, Grid]":
    from jaxad.config import Config, Grid, load_sweep

    return (Config(), Grid()) if path is None else load_sweep(path)


def _override(
    config: "Config", args: list[str], usage: str, page: Page, others
) -> "Config":
    from jaxad.config import override

    if any(arg in ("-h", "--help") for arg in args):
        print(page.text, flush=True)
    others = (*STARTS, "debug", *others)
    return override(config, args, prog=usage, others=others)
