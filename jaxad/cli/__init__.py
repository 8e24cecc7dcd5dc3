"""The command `jaxad`: its verbs, and one plain line for every error.

JAX is imported by the verbs that need it, after their arguments have been understood.
"""

import contextlib
import importlib
import os
import re
import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import Any

from jaxad import __version__
from jaxad.cli.arguments import hint
from jaxad.errors import ConfigError, JaxadError, Preempted, ProcessError

_INTERRUPTED = 130
_BROKEN_PIPE = 141

_HELP = """\
usage: jaxad VERB ... [--debug]

Image anomaly detection with autoencoders, in JAX.

  train [CONFIG] [--out DIR] [--resume] [--profile] [options]
                                   train, score, threshold, measure and draw a run
  sweep [CONFIG] [--grid NAME=V,V ...] [--seeds N] [--out DIR] [--resume] [options]
                                   train a grid of configs and rank them
  score RUN IMAGES... [--out DIR] [--maps]
                                   score new images, or folders of them, with a run
                                   or an artefact of one
  export RUN [--out DIR]           a run as StableHLO, which runs with jax alone
  report RUN [RUN ...] [--out FILE] [--markdown]
                                   tables, pictures and an HTML page of runs and sweeps
  data prepare NAME [--source DIR] make a data set ready
  data verify NAME [--category C] [--channels N] [--size N] [--fit HOW]
              [--declared ID ...]  check a data set, or a folder of images
  data list                        the data sets, and which are ready
  benchmark train|sweep|conv|auroc|pixels|devices [--json FILE]
                                   measure the speed of this machine

A bare `jaxad train` needs no download. `jaxad VERB --help` says more;
`jaxad train [CONFIG] --help` lists every option and its value.
`--debug` shows the traceback of an error.

exit codes: 0 done, 1 unexpected, 2 config, 3 data, 4 checkpoint, 5 diverged,
6 folder in use, 7 processes, 75 stopped after saving (start again with --resume)
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and gives its exit code; errors are one line on stderr."""
    args = list(sys.argv[1:] if argv is None else argv)
    end = args.index("--") if "--" in args else len(args)
    debug = "--debug" in args[:end]
    try:
        code = _run([arg for arg in args[:end] if arg != "--debug"] + args[end:])
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
    """Prints one line. A process among several then ends at once: the others, which may
    wait for it, would hang otherwise. All of them stop together after a signal."""
    # Where it was not imported there are no others.
    parallel: Any = sys.modules.get("jaxad.parallel")
    several = parallel is not None and parallel.count() > 1
    if debug:
        traceback.print_exc()
    prefix = "jaxad: error:"
    if several:
        prefix = f"jaxad: process {parallel.number()}: error:"
        if re.search("Gloo|NCCL|coordination service|UNAVAILABLE|DEADLINE", text):
            code = ProcessError.exit_code
            text = f"another process is gone ({text}); start all again with --resume"
    if not several or code != Preempted.exit_code or parallel.first():
        with contextlib.suppress(BrokenPipeError):
            print(f"{prefix} {' '.join(text.split())}", file=sys.stderr)
    if several and code != Preempted.exit_code:
        parallel.leave(code)
    return code


def _run(args: list[str]) -> int:
    if not args or args[0] in ("-h", "--help", "help"):
        print(_HELP, end="")
        return 0
    if args[0] == "--version":
        print(f"jaxad {__version__}")
        return 0
    if args[0] not in _VERBS:
        raise ConfigError(f"unknown command {args[0]}{hint(args[0], _VERBS)}")
    with warnings.catch_warnings():
        # JAX can do without its cache; what a full disk does harm to says so itself.
        full = "Error writing persistent compilation cache.*(No space|too large|quota)"
        warnings.filterwarnings("ignore", full)
        module = importlib.import_module(f"jaxad.cli.{_VERBS[args[0]]}")
        return getattr(module, args[0])(args[1:])


_VERBS: dict[str, str] = {
    "train": "experiments",
    "sweep": "experiments",
    "score": "folders",
    "report": "folders",
    "data": "tools",
    "export": "folders",
    "benchmark": "tools",
}
"""Verbs, and the module of this package that has each as a function."""
