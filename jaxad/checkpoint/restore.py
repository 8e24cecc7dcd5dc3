"""Restoring the newest checkpoint that can be trusted."""

import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, NamedTuple

from jaxad.checkpoint import files
from jaxad.checkpoint.tree import build
from jaxad.errors import CheckpointError


class Restored(NamedTuple):
    """A verified checkpoint: its step, the tree of fresh arrays, the notes."""

    step: int
    tree: Any
    meta: dict[str, Any]


def restore(
    path: Path | str,
    template: Any,
    *,
    say: Callable[[str], None],
    changed: Callable[[Any], list[str]] = lambda config: [],
    subset: bool = False,
    devices: int | None = None,
    step: int | None = None,
) -> Restored | None:
    """The newest checkpoint in the folder `path` whose digests agree; None if empty.

    Nothing is written. The arrays are fresh device memory and may be donated.

    template: tree of arrays or of `jax.eval_shape` results; the sharding of a
        `ShapeDtypeStruct` is kept.
    say: told of each damaged checkpoint that is passed over, and of another machine.
    changed: what of the saved config forbids to go on, as from `differences`.
    subset: the template may ask for a part of the leaves.
    devices: how many the run works on now; None: all.
    step: of the only checkpoint that will do, the last one of a finished run.
    Raises CheckpointError when all are damaged, or the config or the form differs.
    """
    path = Path(path).absolute()
    found = _newest(path, say) if step is None else _at(path, step)
    if found is None:
        return None
    record, arrays = found
    if other := changed(record["config"]):
        raise CheckpointError(
            f"{path}: saved with another config ({', '.join(other)}); go back to the "
            "saved values or choose another --out"
        )
    _tell_machine(path, record["machine"], devices, say)
    tree = build(path / str(record["step"]), template, arrays, subset)
    return Restored(record["step"], tree, record["meta"])


def trusted(
    path: Path | str, say: Callable[[str], None] = lambda text: None
) -> int | None:
    """The step of the newest checkpoint in a folder whose digests agree; None if empty.

    say: as of `restore`. Raises CheckpointError when all are damaged.
    """
    found = _newest(Path(path).absolute(), say)
    return None if found is None else found[0]["step"]


def _at(path: Path, step: int) -> tuple[files.Record, files.Arrays]:
    try:
        return _read(path, step)
    except Exception as error:  # whatever a damaged file can raise
        raise CheckpointError(
            f"{path}: step {step}, which the run ended with, is damaged "
            f"({files.reason(error)}); train it again with --resume"
        ) from error


def _read(path: Path, step: int) -> tuple[files.Record, files.Arrays]:
    record, arrays = files.read(path / str(step))
    if record["step"] != step:
        raise ValueError(f"it belongs to step {record['step']}")
    return record, arrays


def _newest(
    path: Path, say: Callable[[str], None]
) -> tuple[files.Record, files.Arrays] | None:
    damaged: list[str] = []
    for step in reversed(files.steps(path)):
        try:
            return _read(path, step)
        except Exception as error:  # whatever a damaged file can raise
            damaged.append(f"step {step}: {files.reason(error)}")
            say(f"{path}: a damaged checkpoint is passed over ({damaged[-1]})")
    if damaged:
        raise CheckpointError(
            f"{path}: every checkpoint is damaged ({'; '.join(damaged)}); start anew "
            "with another --out"
        )
    return None


def _tell_machine(path: Path, saved: Any, devices: int | None, say) -> None:
    moved = differences(saved, files.machine(devices))
    if moved:
        say(
            f"{path}: saved on another machine ({', '.join(moved)}), so results need "
            "not be equal byte for byte"
        )


def differences(old: Any, new: Any, free: Collection[str] = ()) -> list[str]:
    """What differs between two JSON values, each as `dotted.name old -> new`.

    free: dotted names of values, or groups of them, that are not compared.
    """
    before, after = _flat(old), _flat(json.loads(json.dumps(new)))
    return [
        f"{name} {_show(before, name)} -> {_show(after, name)}"
        for name in sorted(before | after)
        if _show(before, name) != _show(after, name)
        and not any(f"{name}.".startswith(f"{group}.") for group in free)
    ]


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {prefix: value}
    flat: dict[str, Any] = {}
    for key, item in value.items():
        flat |= _flat(item, f"{prefix}.{key}" if prefix else key)
    return flat


def _show(flat: dict[str, Any], name: str) -> str:
    return json.dumps(flat[name]) if name in flat else "absent"
