"""Change a config by dotted names: from Python values or from command-line options."""

import contextlib
import copy
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import is_dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from jaxad.config.experiment import Config
from jaxad.config.names import changed, leaves, reason, slots, suggestion
from jaxad.errors import ConfigError

_ADAPTER = TypeAdapter(Config)
_HELP = "Every option changes one value of the config; the values shown are its own. "
_ABSENT = object()
Shown = Callable[[str], str]


def set_values(config: Config, values: Mapping[str, Any]) -> Config:
    """A config with other values, by dotted name: `{"optim.lr": 0.1}`.

    `{"model.kind": "linear"}` and `{"threshold.rules": ["mad"]}` change the variant;
    fields of the same name that differ from their default are kept. A whole spec may
    be given, too: `{"model": Conv()}`. Raises `ConfigError`.
    """
    return _set(config, values, str)


def override(
    config: Config,
    args: Sequence[str],
    *,
    prog: str = "jaxad train",
    about: str = "",
    others: Sequence[str] = (),
) -> Config:
    """A config changed by options like `--optim.lr 3e-4 --model.latent-dim 16`.

    `-` and `_` are the same. `--model.kind linear` and `--threshold.rules mad f1_max`
    change the variant; a name without values empties a list. `--help` prints all
    options and exits. Raises `ConfigError`.

    prog, about: shown by `--help`. others: options that the caller has taken out of
    `args`, to be suggested when they are misspelt.
    """
    if any(arg in ("-h", "--help") for arg in args):
        _tyro(config, ["--help"], prog, f"{about}{_HELP}{_all_kinds(config)}")
    options = _options(args)
    config, rest = _choose_variants(config, options, _flag)
    config, rest = _emptied(config, rest)
    known = [name for name, _ in leaves(config)]
    for name in rest:
        if name not in known:
            raise ConfigError(_unknown("option", name, config, _flag, others))
    tokens = [t for name, found in rest.items() for t in (_flag(name), *found)]
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            return _tyro(config, tokens, prog)
    except SystemExit:
        raise ConfigError(_explain(config, rest, complaint.getvalue())) from None


def _emptied(
    config: Config, options: dict[str, list[str]]
) -> tuple[Config, dict[str, list[str]]]:
    """The config without the specs of the lists that are given no values, and the other
    options."""
    known = [name for name, _ in leaves(config)]
    for name in [name for name, found in options.items() if not found]:
        if any(other.startswith(f"{name}.0.") for other in known):
            config = _replace(config, name.split("."), ())
            options = {n: found for n, found in options.items() if n != name}
    return config, options


def _all_kinds(config: Config) -> str:
    several = [(n, k) for n, _, k in slots(config) if len(k) > 1 and n[-1].isalpha()]
    return " ".join(f"Kinds of {n}: {', '.join(kinds)}." for n, kinds in several)


def _tyro(config: Config, args: list[str], prog: str, text: str = "") -> Config:
    import tyro  # not needed by those who only load configs

    marks = (tyro.conf.AvoidSubcommands, tyro.conf.FlagConversionOff)
    return tyro.cli(
        Config, default=config, args=args, prog=prog, description=text, config=marks
    )


def _explain(config: Config, options: Mapping[str, list[str]], complaint: str) -> str:
    """One line in place of tyro's box: pydantic knows the reason in its own words."""
    current = dict(leaves(config))
    values: dict[str, Any] = {}
    for name, found in options.items():
        many = isinstance(current[name], tuple)
        if not many and len(found) != 1:
            return f"{_flag(name)} takes one value, {len(found)} given"
        values[name] = tuple(found) if many else None if found == ["None"] else found[0]
    try:
        _set(config, values, _flag)  # all at once: some are valid only together
    except ConfigError as error:
        return str(error)
    lines = (line.strip("╭╮╰╯│─ ") for line in complaint.splitlines())
    return " ".join(line for line in lines if line)


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _options(args: Iterable[str]) -> dict[str, list[str]]:
    """The values of each option, by dotted name; the last one counts."""
    options: dict[str, list[str]] = {}
    values: list[str] | None = None
    for arg in args:
        if arg.startswith("--"):
            name, equals, value = arg[2:].partition("=")
            values = [value] if equals else []
            options[name.replace("-", "_")] = values
        elif values is None:
            raise ConfigError(f"unexpected argument {arg!r}; options begin with --")
        else:
            values.append(arg)
    return options


def _unknown(
    what: str, name: str, config: Config, shown: Shown, others: Sequence[str] = ()
) -> str:
    for where, held, kinds in slots(config):
        if held is None and name.startswith(f"{where}."):
            most = next(kind for kind in kinds if kind != "none")
            return f"{shown(name)} needs {shown(f'{where}.kind')} {most}"
    found = suggestion(name, [*(known for known, _ in leaves(config)), *others])
    hint = f"; did you mean {shown(found)}?" if found else "; --help lists all"
    return f"unknown {what} {shown(name)}{hint}"


def _choose_variants(
    config: Config, values: Mapping[str, Any], shown: Shown
) -> tuple[Config, dict[str, Any]]:
    """The config with the variants that `values` asks for, and the other values."""
    rest = {}
    for name, value in sorted(values.items(), key=lambda item: item[0].count(".")):
        where = name.removesuffix(".kind")
        held, kinds = next(
            ((held, kinds) for spot, held, kinds in slots(config) if spot == where),
            (None, {}),
        )
        asked = [value] if isinstance(value, str) else value
        several = where == name
        if not kinds or several != isinstance(held, tuple) or not _are_names(asked):
            rest[name] = value
            continue
        if not several and len(asked) != 1:
            raise ConfigError(f"{shown(name)} takes one value, {len(asked)} given")
        unknown = next((kind for kind in asked if kind not in kinds), None)
        if unknown is not None or not asked:
            problem = f"{unknown} is not" if asked else "needs at least"
            raise ConfigError(f"{shown(name)}: {problem} one of {', '.join(kinds)}")
        same = reversed(held) if isinstance(held, tuple) else ()
        first = {type(item): item for item in same}
        new = [_variant(kinds[k], first.get(kinds[k], held)) for k in asked]
        config = _replace(config, where.split("."), tuple(new) if several else new[0])
    return config, rest


def _are_names(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(v, str) for v in value)


def _variant(cls: Any, held: Any) -> Any:
    """A spec of class `cls` with what was set in `held`, where it fits."""
    if type(held) is cls:
        return held
    if cls is type(None):
        return None
    kept: dict[str, Any] = {}
    for name, value in changed(held).items() if is_dataclass(held) else ():
        with contextlib.suppress(ValidationError):
            cls(**{name: value})
            kept[name] = value
    return cls(**kept)


def _replace(spec: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    if isinstance(spec, tuple):
        index = int(path[0])
        new = _replace(spec[index], path[1:], value)
        return (*spec[:index], new, *spec[index + 1 :])
    new = copy.copy(spec)
    # Past the validation: the new variant may be valid with the other values only,
    # and the whole is validated when all are set.
    inner = _replace(getattr(spec, path[0]), path[1:], value)
    object.__setattr__(new, path[0], inner)
    return new


def _set(config: Config, values: Mapping[str, Any], shown: Shown) -> Config:
    config, rest = _choose_variants(config, values, shown)
    tree = _ADAPTER.dump_python(config, mode="json")  # lists, which can be changed
    for name, value in rest.items():
        *path, last = name.split(".")
        node = tree
        for part in path:
            node = _child(node, part)
        if _child(node, last) is _ABSENT:
            raise ConfigError(_unknown("field", name, config, shown))
        if is_dataclass(value):
            value = TypeAdapter(type(value)).dump_python(value, mode="json")
        node[int(last) if isinstance(node, list) else last] = value
    try:
        return _ADAPTER.validate_python(tree)
    except ValidationError as error:
        name, why = reason(error, Config)
        raise ConfigError(f"{shown(name)}: {why}" if name else why) from None


def _child(node: Any, part: str) -> Any:
    if isinstance(node, dict):
        return node.get(part, _ABSENT)
    if isinstance(node, list) and part.isdigit() and int(part) < len(node):
        return node[int(part)]
    return _ABSENT
