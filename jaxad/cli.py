"""The command `jaxad`: its verbs, and one plain line for every error.

JAX is imported by the verbs that need it, after their arguments have been understood.
"""

import contextlib
import csv
import os
import shlex
import shutil
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

from jaxad import __version__
from jaxad.arguments import Parser, hint, run_name, split_train
from jaxad.errors import ConfigError, DataError, JaxadError

Verb = Callable[[list[str]], int]

_INTERRUPTED = 130
_BROKEN_PIPE = 141

_HELP = """\
usage: jaxad VERB ... [--debug]

Image anomaly detection with autoencoders, in JAX.

  train [CONFIG] [--out DIR] [--resume] [options]
                                   train, score, threshold, measure and draw a run
  score RUN IMAGES... [--out DIR] [--maps]
                                   score new images with a finished run
  report RUN [RUN ...] [--markdown]
                                   the tables and pictures of runs
  data prepare NAME [--source DIR] make a data set ready
  data verify NAME                 check a data set
  data list                        the data sets, and which are ready
  benchmark train|auroc [--json FILE]
                                   measure the speed of this machine

A bare `jaxad train` needs no download. `jaxad VERB --help` says more;
`jaxad train [CONFIG] --help` lists every option and its value.
`--debug` shows the traceback of an error.

exit codes: 0 done, 1 unexpected, 2 config, 3 data, 4 checkpoint, 5 diverged,
6 folder in use, 75 stopped after saving (start again with --resume)
"""

_TRAIN = """\
CONFIG: a .py file that exposes `config`, or a .json file; none: the embedded default.
--out: the run folder, by default runs/<name>. --resume: go on with the run there.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and gives its exit code; errors are one line on stderr."""
    args = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in args
    try:
        code = _run([arg for arg in args if arg != "--debug"])
        sys.stdout.flush()
        return code
    except SystemExit as error:  # help and version have been printed
        return error.code if isinstance(error.code, int) else 0
    except BrokenPipeError:
        # Nobody reads any more; the interpreter's own flush must not complain either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    except KeyboardInterrupt:
        return _fail("interrupted", _INTERRUPTED, debug)
    except JaxadError as error:
        return _fail(str(error), error.exit_code, debug)
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        text = text if len(text) <= 300 else f"{text[:297]}..."
        advice = "" if debug else " (run again with --debug for the traceback)"
        return _fail(text + advice, 1, debug)


def _fail(text: str, code: int, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    with contextlib.suppress(BrokenPipeError):
        print(f"jaxad: error: {' '.join(text.split())}", file=sys.stderr)
    return code


def _run(args: list[str]) -> int:
    if not args or args[0] in ("-h", "--help", "help"):
        print(_HELP, end="")
        return 0
    if args[0] == "--version":
        print(f"jaxad {__version__}")
        return 0
    verb = _VERBS.get(args[0])
    if verb is None:
        raise ConfigError(f"unknown command {args[0]}{hint(args[0], _VERBS)}")
    with warnings.catch_warnings():
        # JAX can do without its cache; what a full disk does harm to says so itself.
        full = "Error writing persistent compilation cache.*(No space|too large|quota)"
        warnings.filterwarnings("ignore", full)
        return verb(args[1:])


def _train(args: list[str]) -> int:
    from jaxad.config import Config, load_config, override

    command = shlex.join(["jaxad", "train", *args])
    resume, out, rest = split_train(args)
    path = None
    if rest and not rest[0].startswith("-"):
        path, rest = Path(rest[0]), rest[1:]
    start = Config() if path is None else load_config(path)
    config = override(
        start,
        rest,
        prog="jaxad train [CONFIG] [--out DIR] [--resume]",
        about=_TRAIN,
        others=("out", "resume", "debug"),
    )
    out = out or Path("runs") / (config.name or run_name(path))

    from jaxad.run import train

    return _show(train(config, out=out, resume=resume, command=command).path)


def _show(path: Path) -> int:
    from jaxad.report import read
    from jaxad.report.table import render

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    print(render(read(path), width))
    print(f"\npictures: {path.resolve() / 'plots'}")
    return 0


def _score(args: list[str]) -> int:
    parser = Parser(prog="jaxad score", description="Score images with a run.")
    parser.add_argument("run", metavar="RUN", type=Path, help="a run folder")
    parser.add_argument("images", metavar="IMAGES", type=Path, nargs="+")
    parser.add_argument("--out", metavar="DIR", type=Path, help="where to write")
    parser.add_argument("--maps", action="store_true", help="anomaly maps as well")
    given = parser.read(args)
    _check_run(given.run)
    for image in given.images:
        if not image.exists():
            raise DataError(f"no image {image}")

    from jaxad.saved import score_files

    _say(score_files(given.run, given.images, out=given.out, maps=given.maps))
    return 0


def _say(scored: Path) -> None:
    """How many images the first rule called anomalous, and where the scores are."""
    with open(scored / "scores.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    column = next((name for name in rows[0] if name.startswith("anomalous_")), None)
    if column is None:
        print(f"{len(rows)} images scored; the run has no rule to call them by")
    else:
        called = sum(row[column] == "1" for row in rows)
        rule = column.removeprefix("anomalous_")
        print(f"{called} of {len(rows)} images called anomalous by {rule}")
    print(f"scores: {scored.resolve()}")


def _check_run(path: Path) -> None:
    if not (path / "config.json").is_file():
        raise DataError(f"{path} is not a run folder: it has no config.json")


def _report(args: list[str]) -> int:
    parser = Parser(prog="jaxad report", description="Tables and pictures of runs.")
    parser.add_argument("runs", metavar="RUN", type=Path, nargs="+")
    parser.add_argument(
        "--markdown", action="store_true", help="one table of all runs, no pictures"
    )
    given = parser.read(args)
    for path in given.runs:
        _check_run(path)
    if given.markdown:
        from jaxad.report import read
        from jaxad.report.compare import compare

        print(compare([read(path) for path in given.runs]), end="")
        return 0

    from jaxad.report.plots import draw

    for path in given.runs:
        print(f"{path}\n")
        draw(path)
        _show(path)
    return 0


def _data(args: list[str]) -> int:
    parser = Parser(prog="jaxad data", description="Make and check data sets.")
    parser.add_argument("what", choices=("prepare", "verify", "list"))
    parser.add_argument("name", metavar="NAME", nargs="?", help="see `jaxad data list`")
    parser.add_argument("--source", metavar="DIR", type=Path, help="a local folder")
    given = parser.read(args)
    if (given.what == "list") != (given.name is None):
        wanted = "no name" if given.what == "list" else "the NAME of a data set"
        raise ConfigError(f"jaxad data {given.what} takes {wanted}")
    if given.source is not None and given.what != "prepare":
        raise ConfigError(f"jaxad data {given.what} takes no --source")

    from jaxad import data

    if given.what == "list":
        for name, ready in data.names().items():
            print(f"{name:16s} {'ready' if ready else 'not prepared'}")
        return 0
    if given.what == "prepare":
        data.prepare(given.name, given.source)
        print(f"{given.name} is ready")
        return 0
    problems = data.verify(given.name)
    if problems:
        raise DataError("; ".join(problems))
    print(f"{given.name} is as it should be")
    return 0


def _benchmark(args: list[str]) -> int:
    parser = Parser(prog="jaxad benchmark", description="Measure speed.")
    parser.add_argument("what", choices=("train", "auroc"))
    parser.add_argument("--json", metavar="FILE", type=Path, help="write numbers, too")
    given = parser.read(args)

    from jaxad.benchmark import run

    run(given.what, json=given.json)
    return 0


_VERBS: dict[str, Verb] = {
    "train": _train,
    "score": _score,
    "report": _report,
    "data": _data,
    "benchmark": _benchmark,
}
