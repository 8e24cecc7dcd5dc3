"""Read and write configs: Python files that the user names, and exact JSON."""

import contextlib
import json
import runpy
import traceback
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from jaxad.config.experiment import Config
from jaxad.config.grid import Grid
from jaxad.config.names import reason
from jaxad.errors import ConfigError

_ADAPTER = TypeAdapter(Config)
_GRID = TypeAdapter(Grid)


def load_config(path: str | Path) -> Config:
    """The config of a `.py` file that exposes `config`, or of a `.json` file.

    A Python file is executed: name only files that you trust. Raises `ConfigError`.
    """
    return load_sweep(path)[0]


def load_sweep(path: str | Path) -> tuple[Config, Grid]:
    """Config and grid of a `.py` file that exposes `config` and maybe `grid`,
    or of a sweep's `grid.json`. A file without a grid has an empty one.

    A Python file is executed: name only files that you trust. Raises `ConfigError`.
    """
    path = Path(path)
    if path.is_dir():
        raise ConfigError(f"{path} is a folder; name a file, like {path}/config.json")
    if not path.is_file():
        raise ConfigError(f"no config file {path}")
    if path.suffix == ".py":
        return _run_file(path)
    if path.suffix == ".json":
        try:
            return _read_json(path.read_text(encoding="utf-8"))
        except (ConfigError, OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: {error}") from None
    raise ConfigError(f"{path}: a config file ends in .py or .json")


def to_json(config: Config) -> str:
    """The whole config as JSON; `from_json` gives an equal config back."""
    return _ADAPTER.dump_json(config, indent=2).decode() + "\n"


def from_json(text: str) -> Config:
    """The config that `to_json` wrote. Raises `ConfigError`."""
    try:
        return _ADAPTER.validate_json(text)
    except ValidationError as error:
        name, why = reason(error, Config)
        raise ConfigError(f"{name}: {why}" if name else why) from None


def plain(config: Config) -> dict[str, Any]:
    """The config in JSON's types."""
    return json.loads(to_json(config))


def as_now(config: Any) -> Any:
    """A config in JSON's types as `plain` gives it: fields that came since it was
    written have their defaults. What cannot be read stays as it is."""
    try:
        return plain(from_json(json.dumps(config)))
    except ConfigError:
        return config


def grid_to_json(grid: Grid) -> str:
    """The grid as JSON, exactly."""
    return _GRID.dump_json(grid, indent=2).decode()


def _read_json(text: str) -> tuple[Config, Grid]:
    with contextlib.suppress(ValueError):
        both = json.loads(text)
        if isinstance(both, dict) and both.keys() >= {"config", "grid"}:
            try:
                grid = _GRID.validate_python(both["grid"])
            except ValidationError as error:
                raise ConfigError(f"grid.{': '.join(reason(error))}") from None
            return from_json(json.dumps(both["config"])), grid
    return from_json(text), Grid()


def _run_file(path: Path) -> tuple[Config, Grid]:
    try:
        found = runpy.run_path(str(path), run_name="jaxad_config")
    except SyntaxError as error:
        where = f"{error.filename}, line {error.lineno}"
        raise ConfigError(f"{where}: syntax error: {error.msg}") from None
    except (Exception, SystemExit) as error:
        raise ConfigError(_where(path, error)) from error
    for name, cls in (("config", Config), ("grid", Grid)):
        value = found.get(name, Grid() if name == "grid" else None)
        if not isinstance(value, cls):
            what = f"no {name}" if value is None else f"a {type(value).__name__}"
            raise ConfigError(
                f"{path}: `{name}` has to be a jaxad.{cls.__name__}, the file exposes "
                f"{what}"
            )
        found[name] = value
    return found["config"], found["grid"]


def _where(path: Path, error: BaseException) -> str:
    """File, line and reason of an exception that a config file raised."""
    frames = traceback.extract_tb(error.__traceback__)
    line = next((f.lineno for f in reversed(frames) if f.filename == str(path)), None)
    return f"{path}, line {line}: {_plain(error)}"


def _plain(error: Any) -> str:
    if isinstance(error, ValidationError):
        name, why = reason(error)
        return f"{error.title}{'.' if name else ''}{name}: {why}"
    if isinstance(error, ConfigError):
        return str(error)
    return " ".join(f"{type(error).__name__}: {error}".split())
