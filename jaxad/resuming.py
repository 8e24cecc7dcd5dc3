"""Going on with a run that is in a folder: what of it can be trusted."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from jaxad import folder, opening
from jaxad.checkpoint import differences, latest, trusted
from jaxad.config.load import load_config, plain
from jaxad.errors import CheckpointError, ConfigError, DataError
from jaxad.fitting import AFTER, FREE
from jaxad.saved import ended_at


def open_run(path: Path, resume: bool, say: Callable[[str], None]) -> bool:
    """As `opening.open_run`, of a folder that is no sweep's and has lost nothing."""
    if resume and (path / folder.GRID).is_file():
        raise ConfigError(f"{path}: a sweep is there, not a run; choose another --out")
    saved, file = path / folder.CHECKPOINTS[0], path / folder.METRICS
    if resume and file.is_file() and latest(saved) is None:
        raise CheckpointError(
            f"{path}: a finished run is there, but no checkpoint of it; choose another "
            f"--out, or remove {folder.METRICS} to train it anew"
        )
    return opening.open_run(path, resume, say)


def finished(path: Path, identity: dict[str, Any], say: Callable[[str], None]) -> bool:
    """Whether the run in a folder has all its results, with the same config, and the
    checkpoints that they are of.

    Raises ConfigError where it is another run that is there, and CheckpointError where
    it is not finished and cannot go on: before anything in the folder is taken away.
    """
    env = folder.read_json(path / "env.json")
    if not isinstance(env, dict) or "data" not in env:
        raise DataError(
            f"{path}/env.json: damaged: no digest of the data; choose another --out"
        )
    # Read as a config, so that fields which came since then have their defaults.
    before = plain(load_config(path / folder.CONFIG))
    old = {"run": before, "data": env["data"]}
    if env.get("module") is not None:
        old["module"] = env["module"]
    free = [f"run.{name}" for name in FREE]
    after = [f"run.{name}" for name in AFTER]
    changed = differences(old, identity, free + after)
    if changed:
        raise ConfigError(
            f"{path}: another run is there ({', '.join(changed)}); go back to its "
            "values or choose another --out"
        )
    done = (path / folder.METRICS).is_file() and not differences(old, identity, free)
    done = done and _sound(path, bool(env.get("final_model")), say)
    if not done:
        for name in folder.CHECKPOINTS:
            trusted(path / name)
    return done


def _sound(path: Path, final: bool, say: Callable[[str], None]) -> bool:
    """Whether the checkpoints of a finished run's end are there. final: whether it
    keeps a model that was fitted after the training, too."""
    ended = dict(zip(folder.CHECKPOINTS, ended_at(path), strict=False))
    if final:
        ended[folder.MODEL] = 0
    for name, step in ended.items():
        try:
            sound = trusted(path / name, say) == step
        except CheckpointError:
            sound = False
        if not sound:
            say(f"{path}: the last of {name} is lost; training from the one before")
            return False
    return True
