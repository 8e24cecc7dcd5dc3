"""Read and write configs: Python files that the user names, and exact JSON."""

import hashlib
import runpy
import traceback
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from jaxad.config.experiment import Config
from jaxad.config.names import leaves, reason
from jaxad.errors import ConfigError

_ADAPTER = TypeAdapter(Config)
_ABSENT = "absent"


def load_config(path: str | Path) -> Config:
    """The config of a `.py` file that exposes `config`, or of a `.json` file.

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
            return from_json(path.read_text(encoding="utf-8"))
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


def digest(config: Config) -> str:
    """Hexadecimal SHA-256 of the config's JSON: equal configs, equal digests."""
    return hashlib.sha256(to_json(config).encode()).hexdigest()


def diff(a: Config, b: Config) -> list[str]:
    """What changed from `a` to `b`, a field a line: `optim.lr: 0.001 -> 0.01`."""
    old, new = dict(leaves(a)), dict(leaves(b))
    changes = ((n, old.get(n, _ABSENT), new.get(n, _ABSENT)) for n in old | new)
    return [f"{name}: {was} -> {now}" for name, was, now in changes if was != now]


def _run_file(path: Path) -> Config:
    try:
        found = runpy.run_path(str(path), run_name="jaxad_config").get("config")
    except SyntaxError as error:
        where = f"{error.filename}, line {error.lineno}"
        raise ConfigError(f"{where}: syntax error: {error.msg}") from None
    except (Exception, SystemExit) as error:
        raise ConfigError(_where(path, error)) from error
    if not isinstance(found, Config):
        what = "no config" if found is None else f"a {type(found).__name__}"
        raise ConfigError(
            f"{path}: `config` has to be a jaxad.Config, the file exposes {what}"
        )
    return found


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
