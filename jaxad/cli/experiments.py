"""The verbs that train: `jaxad train` and `jaxad sweep`."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from jaxad.cli.arguments import STARTS, run_name, split_sweep, split_train
from jaxad.cli.folders import show, show_sweep
from jaxad.errors import ConfigError

if TYPE_CHECKING:
    from jaxad.config import Config, Grid

_TRAIN = """\
CONFIG: a .py file that exposes `config`, or a .json file; none: the embedded default.
--out: the run folder, by default runs/<name>. --resume: go on with the run there.
--profile: trace one segment of the training into the folder's profile/, for Perfetto
and XProf. --coordinator HOST:PORT --processes N --process K: one of several processes
that work on one run; SLURM, Cloud TPU and Kubernetes are found without.
"""
_SWEEP = """\
CONFIG: a .py file that exposes `config` and maybe `grid`, or a sweep's grid.json; none:
the embedded default. --out: the folder, by default runs/<name>. --resume: go on.
--grid NAME=V,V,...: an axis; axes given here take the place of the file's, but data
sets, folders and categories come beside them. A value of several numbers is written
256:64. --draw NAME=LOW:HIGH[:log] with --samples N: random
search. --seeds N, --folds N: repeat each setting. --rank auroc, average_precision,
difference or val_loss, of --rank-score. --each NAME: the best for each value of an
axis. --every True: every setting on the test, for curves. --ensemble K: how many
settings it joins. --execution auto, vmap, map or loop; --members N at a time;
--memory-gb X. --halve N [--halve-from EPOCHS]: go on with the best 1/N of the settings
only, again and again.
"""


def train(args: list[str]) -> int:
    command = shlex.join(["jaxad", "train", *args])
    start, rest = split_train(args)
    path, rest = _named(rest)
    config, _ = _load(path)
    usage = "jaxad train [CONFIG] [--out DIR] [--resume] [--profile]"
    config = _override(config, rest, usage, _TRAIN, ())
    out = start.out or Path("runs") / (config.name or run_name(path))
    start.join()

    from jaxad import parallel, run

    done = run.train(
        config,
        out=out,
        resume=start.resume,
        profile=start.profile,
        command=command,
    )
    return show(done.path) if parallel.first() else 0


def sweep(args: list[str]) -> int:
    from jaxad.cli.arguments import SWEEP

    command = shlex.join(["jaxad", "sweep", *args])
    start, rest = split_train(args)
    if start.profile:
        raise ConfigError("--profile is of `jaxad train`: trace one setting as a run")
    given, rest = split_sweep(rest)
    path, rest = _named(rest)
    config, grid = _load(path)
    usage = "jaxad sweep [CONFIG] [--out DIR] [--resume] [--grid NAME=V,V ...]"
    others = [name.removeprefix("--") for name in SWEEP]
    config = _override(config, rest, usage, _SWEEP, others)
    out = start.out or Path("runs") / (config.name or run_name(path))
    start.join()

    from jaxad.search import as_grid
    from jaxad.search.options import grid_options

    chosen = as_grid(grid, **grid_options(given, config))

    from jaxad import parallel, search

    done = search.sweep(config, chosen, out=out, resume=start.resume, command=command)
    return show_sweep(done.path) if parallel.first() else 0


def _named(args: list[str]) -> tuple[Path | None, list[str]]:
    """The config file, if the arguments begin with one, and the others."""
    if args and not args[0].startswith("-"):
        return Path(args[0]), args[1:]
    return None, args


def _load(path: Path | None) -> "tuple[Config, Grid]":
    from jaxad.config import Config, Grid, load_sweep

    return (Config(), Grid()) if path is None else load_sweep(path)


def _override(config: "Config", args, usage: str, about: str, others) -> "Config":
    from jaxad.config import override

    others = (*STARTS, "debug", *others)
    return override(config, args, prog=usage, about=about, others=others)
