"""Arguments of the command line, and what is said about wrong ones."""

import argparse
import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from jaxad.cli.pages import Page
from jaxad.errors import ConfigError


def hint(word: str, known: Iterable[str]) -> str:
    """What to say after an unknown word: the nearest known one, or all."""
    close = difflib.get_close_matches(word, known, n=1)
    if close:
        return f"; did you mean {close[0]}?"
    return f"; there are {', '.join(known)}"


class Parser(argparse.ArgumentParser):
    """Arguments of a verb; a mistake is a `ConfigError` and not a page of usage.

    Its help begins with the page's examples.
    """

    def __init__(self, page: Page, **options) -> None:
        wide = argparse.RawDescriptionHelpFormatter
        super().__init__(allow_abbrev=False, formatter_class=wide, **options)
        self.page = page
        common = self.add_argument_group("options of all verbs")
        common.add_argument("--quiet", action="store_true", help="errors only")
        common.add_argument(
            "--json", action="store_true", help="stdout is one JSON document"
        )

    def format_help(self) -> str:
        return f"{self.page.text}\n{super().format_help()}"

    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{self.prog}: {message}")

    def read(self, args: list[str]) -> argparse.Namespace:
        options = [name for action in self._actions for name in action.option_strings]
        known = [*(name for name in options if name.startswith("--")), "--debug"]
        for arg in args:
            if arg == "--":  # what follows are names
                break
            name = arg.partition("=")[0]
            if arg.startswith("--") and name not in known:
                raise ConfigError(
                    f"{self.prog}: unknown option {name}{hint(name, known)}"
                )
        return self.parse_args(args)


class Start(NamedTuple):
    """Options of `train` and `sweep` that are not in the config: the folder, what is
    told while they work, and the processes that work on it together."""

    resume: bool = False
    profile: bool = False
    dry_run: bool = False
    full_config: bool = False
    quiet: bool = False
    json: bool = False
    track: tuple[str, ...] = ()
    out: Path | None = None
    coordinator: str | None = None
    processes: int | None = None
    process: int | None = None

    def join(self) -> None:
        """Join the other processes, if there are any: before anything else of JAX."""
        from jaxad import parallel

        parallel.begin(self.coordinator, self.processes, self.process)


_FLAGS = ("resume", "profile", "dry-run", "full-config", "quiet", "json")
_TAKES = {
    "out": "the folder of the run",
    "track": "tensorboard, wandb, or both with a comma between",
    "coordinator": "HOST:PORT of process 0",
    "processes": "their number",
    "process": "the number of this one, from 0",
}
STARTS = (*_FLAGS, *_TAKES)


def split_train(args: list[str]) -> tuple[Start, list[str]]:
    """The options of `train` that are not in the config, and the other arguments."""
    found: dict[str, Any] = {}
    rest: list[str] = []
    words = iter(args)
    for word in words:
        option, equals, value = word.partition("=")
        name = option.removeprefix("--")
        if word.startswith("--") and name.replace("_", "-") in _FLAGS and not equals:
            found[name.replace("-", "_")] = True
        elif option.startswith("--") and name in _TAKES:
            value = value if equals else next(words, "")
            if not value or value.startswith("--"):
                raise ConfigError(f"--{name} takes {_TAKES[name]}")
            if name.startswith("process") and not value.isdecimal():
                raise ConfigError(f"--{name} takes {_TAKES[name]}, not {value}")
            found[name] = int(value) if name.startswith("process") else value
        else:
            rest.append(word)
    if "out" in found:
        found["out"] = Path(found["out"])
    if "track" in found:
        found["track"] = tuple(filter(None, found["track"].split(",")))
    if found.get("full_config") and not found.get("dry_run"):
        raise ConfigError("--full-config is of --dry-run")
    return Start(**found), rest


SWEEP_OPTIONS = {
    "--grid": "axes",
    "--draw": "draws",
    "--samples": "samples",
    "--seeds": "seeds",
    "--folds": "folds",
    "--rank": "rank",
    "--rank-score": "score",
    "--each": "each",
    "--every": "every",
    "--ensemble": "ensemble",
    "--execution": "execution",
    "--members": "members",
    "--memory-gb": "memory_gb",
    "--halve": "halve",
    "--halve-from": "halve_from",
}
"""Options of `sweep` that are fields of its grid."""


def split_sweep(args: list[str]) -> tuple[dict[str, list[str]], list[str]]:
    """The options of `sweep` that are the grid's, by field, and the other arguments."""
    found: dict[str, list[str]] = {}
    rest: list[str] = []
    words = iter(args)
    for word in words:
        name, equals, value = word.partition("=")
        field = SWEEP_OPTIONS.get(name.replace("_", "-"))
        if field is None:
            rest.append(word)
            continue
        value = value if equals else next(words, "")
        if not value or value.startswith("--"):
            raise ConfigError(f"{name} takes a value")
        found.setdefault(field, []).append(value)
    return found, rest


def run_name(path: Path | None) -> str:
    """The name of a run of a config file: `<folder>_<file>`."""
    if path is None:
        return "default"
    folder = path.resolve().parent.name
    if path.name == "config.json":  # of a run, whose folder has the name
        return folder or "config"
    return "_".join(part for part in (folder, path.stem) if part)
