"""Saving beside the training, and never losing the checkpoint before."""

import json
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxad.checkpoint import files
from jaxad.checkpoint.tree import named_leaves
from jaxad.errors import CheckpointError, Preempted


class Checkpointer:
    """Saves in the background, for the one process that holds the run folder's lock.

    A checkpoint is written under a temporary name, read back and compared, and only
    then renamed to its step; what it supersedes goes after that. A process killed at
    any moment, or a full disk, leaves the checkpoints that were there.

    path: folder of the checkpoints; leftovers of a killed process are removed.
    config: the config in JSON's types, which `restore` compares.
    keep: how many checkpoints stay. devices: how many a run works on, which `restore`
        compares; None: all.
    Raises CheckpointError when the folder cannot be written.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        config: Any = None,
        keep: int = 2,
        devices: int | None = None,
    ) -> None:
        self.path = Path(path).absolute()
        self._config = config
        self._keep, self._devices = keep, devices
        self._pending: Future[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            files.clean(self.path)
        except OSError as error:
            raise CheckpointError(
                f"{self.path}: cannot be written ({error.strerror}); choose another "
                "--out"
            ) from error

    def save(self, step: int, tree: Any, meta: Mapping[str, Any]) -> None:
        """Save arrays and notes; the arrays may be donated as soon as this returns.

        It blocks for a copy to the host, and while the save before still runs. A
        checkpoint of the same step is replaced, those of later steps are removed.

        tree: arrays that this process sees whole, no random keys.
        meta: notes in JSON's types.
        Raises CheckpointError if the save before this one failed, TypeError or
        ValueError for a leaf or a note that cannot be saved.
        """
        self.wait()
        arrays = _host_copy(tree)
        record = {
            "step": step,
            "machine": files.machine(self._devices),
            "config": self._config,
            "meta": dict(meta),
        }
        json.dumps(record, allow_nan=False)
        self._pending = self._thread.submit(self._write, step, arrays, record)

    def wait(self) -> None:
        """Wait for the save that runs. Raises CheckpointError if it failed."""
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.result()

    def close(self) -> None:
        """Wait as `wait` does, and end the thread."""
        try:
            self.wait()
        finally:
            self._thread.shutdown()

    def __enter__(self) -> "Checkpointer":
        return self

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        try:
            self.close()
        except CheckpointError as late:
            # Preempted says that everything is saved, which is then wrong.
            if error is None or isinstance(error, Preempted):
                raise
            error.add_note(str(late))

    def _write(self, step: int, arrays: files.Arrays, record: files.Record) -> None:
        saving = self.path / f"{files.SAVING}{step}"
        try:
            # Saving a step twice must not take the sound one away, even for a moment.
            if not files.holds(self.path / str(step), arrays, record):
                files.write(saving, arrays, record)
                files.name(self.path, saving, step)
            self._drop_superseded(step)
        except Exception as error:
            before = files.latest(self.path)
            kept = "none is left" if before is None else f"step {before} is kept"
            raise CheckpointError(
                f"{self.path}: the checkpoint of step {step} could not be saved "
                f"({files.reason(error)}), {kept}; make room and start again with "
                "--resume"
            ) from error
        finally:
            files.clean(self.path)

    def _drop_superseded(self, step: int) -> None:
        found = files.steps(self.path)
        later = [x for x in found if x > step]
        older = [x for x in found if x <= step][: -self._keep]
        for superseded in later + older:
            files.drop(self.path, superseded)


def _host_copy(tree: Any) -> files.Arrays:
    """Own copies of all leaves: a view would keep a donated buffer from reuse."""
    named = named_leaves(tree)
    for name, leaf in named.items():
        dtype = getattr(leaf, "dtype", None)
        if dtype is None or jax.dtypes.issubdtype(dtype, jax.dtypes.extended):
            raise TypeError(f"{name}: {type(leaf).__name__} is not an array of numbers")
        if jax.dtypes.canonicalize_dtype(dtype) != dtype:
            raise TypeError(f"{name}: {dtype} would not come back the same")
    host = jax.device_get(list(named.values()))
    return {k: np.array(x, order="C") for k, x in zip(named, host, strict=True)}
