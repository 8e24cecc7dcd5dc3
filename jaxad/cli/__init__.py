"""The command `jaxad`: its verbs, and one plain line for every error.

JAX is imported by the verbs that need it, after their arguments have been understood.
"""

import contextlib
import importlib
import logging
import os
import re
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from jaxad import __version__
from jaxad.cli.answers import Answer, document, failure
from jaxad.cli.arguments import hint
from jaxad.cli.pages import MAIN
from jaxad.errors import ConfigError, JaxadError, Preempted, ProcessError

_INTERRUPTED = 130
_BROKEN_PIPE = 141


class _Mode(NamedTuple):
    """How the command line answers."""

    debug: bool
    quiet: bool
    json: bool


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and gives its exit code; errors are one line on stderr."""
    args = list(sys.argv[1:] if argv is None else argv)
    end = args.index("--") if "--" in args else len(args)
    mode = _Mode(*(f"--{name}" in args[:end] for name in _Mode._fields))
    try:
        code = _run([arg for arg in args[:end] if arg != "--debug"] + args[end:], mode)
        sys.stdout.flush()
        return code
    except SystemExit as error:  # help and version have been printed
        return error.code if isinstance(error.code, int) else 0
    except BrokenPipeError:
        # Nobody reads any more; the interpreter's own flush must not complain either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    except KeyboardInterrupt as error:
        return _fail(error, "interrupted", _INTERRUPTED, mode)
    except JaxadError as error:
        return _fail(error, str(error), error.exit_code, mode)
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        text = text if len(text) <= 300 else f"{text[:297]}..."
        advice = "" if mode.debug else " (run again with --debug for the traceback)"
        return _fail(error, text + advice, 1, mode)


def _fail(error: BaseException, text: str, code: int, mode: _Mode, **beside) -> int:
    """Prints one line. A process among several then ends at once: the others, which may
    wait for it, would hang otherwise. All of them stop together after a signal.

    beside: what JSON tells beside the error.
    """
    # Where it was not imported there are no others.
    parallel: Any = sys.modules.get("jaxad.parallel")
    several = parallel is not None and parallel.count() > 1
    if mode.debug:
        traceback.print_exception(error)
    prefix, kind = "jaxad: error:", type(error).__name__
    if several:
        prefix = f"jaxad: process {parallel.number()}: error:"
        if re.search("Gloo|NCCL|coordination service|UNAVAILABLE|DEADLINE", text):
            code, kind = ProcessError.exit_code, ProcessError.__name__
            text = f"another process is gone ({text}); start all again with --resume"
    text = " ".join(text.split())
    if not several or code != Preempted.exit_code or parallel.first():
        with contextlib.suppress(BrokenPipeError):
            print(f"{prefix} {text}", file=sys.stderr)
            # One document, whatever the number of processes.
            if mode.json and (not several or parallel.first()):
                print(document(beside | failure(kind, text, code)), flush=True)
    if several and code != Preempted.exit_code:
        parallel.leave(code)
    return code


def _run(args: list[str], mode: _Mode) -> int:
    while args[1:] and args[0] in ("--quiet", "--json"):
        args = [*args[1:], args[0]]
    if not args or args[0] in ("-h", "--help", "help"):
        print(MAIN.text, end="")
        return 0
    if args[0] == "--version":
        print(f"jaxad {__version__}")
        return 0
    if args[0] not in _VERBS:
        raise ConfigError(f"unknown command {args[0]}{hint(args[0], _VERBS)}")
    with warnings.catch_warnings(), _hushed(mode.quiet):
        # JAX can do without its cache; what a full disk does harm to says so itself.
        full = "Error writing persistent compilation cache.*(No space|too large|quota)"
        warnings.filterwarnings("ignore", full)
        module = importlib.import_module(f"jaxad.cli.{_VERBS[args[0]]}")
        answer: Answer | None = getattr(module, args[0])(args[1:])
        return 0 if answer is None else _tell(answer, mode)


@contextlib.contextmanager
def _hushed(quiet: bool) -> Iterator[None]:
    """Without warnings where errors alone are wanted."""
    if not quiet:
        yield
        return
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    try:
        yield
    finally:
        logging.disable(before)


def _tell(answer: Answer, mode: _Mode) -> int:
    error = answer.error
    if mode.json and error is None:
        print(document(answer.value()))
    elif not mode.quiet and not mode.json and (text := answer.text()):
        print(text)
    if error is None:
        return 0
    value = answer.value() if mode.json else {}
    return _fail(error, str(error), error.exit_code, mode, **value)


_VERBS: dict[str, str] = {
    "train": "experiments",
    "sweep": "experiments",
    "score": "detectors",
    "report": "folders",
    "data": "tools",
    "export": "detectors",
    "benchmark": "tools",
}
"""Verbs, and the module of this package that has each as a function from the words
after it to an `Answer`, or None where there is nothing to say."""
