"""Opening a run folder: its name, who holds it, what is there already."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from jaxad.errors import BusyError, CheckpointError, ConfigError, ProcessError
from jaxad.folder import CHECKPOINTS, CONFIG, GRID

_LOCK = ".lock"
_WRITTEN = ("examples", "plots", "scored")


def fresh(name: str, parent: Path | str = "runs") -> Path:
    """A folder below `parent` that is not there yet: `name`, or `name-2`, `name-3`...

    Raises ConfigError when `name` is a path or no name at all.
    """
    if name in ("", "..") or Path(name).name != name:
        raise ConfigError(f"name {name!r}: must name a folder below {parent}/")
    path, number = Path(parent) / name, 1
    while path.exists():
        number += 1
        path = Path(parent) / f"{name}-{number}"
    return path


def chosen(out: Path | str | None, name: str) -> Path:
    """The folder to write to: `out`, or a fresh one below `runs/`; the same in all
    processes."""
    if out is not None:
        return Path(out)
    from jaxad import parallel  # and with it JAX, which a lock does without

    return Path(parallel.told(lambda: str(fresh(name))))


@contextmanager
def held(path: Path | str) -> Iterator[None]:
    """Hold the folder `path` for all processes of this run, as `lock` does for one.

    Raises ProcessError where one of them does not see the folder.
    """
    from jaxad import parallel

    path = Path(path)
    with ExitStack() as stack:
        parallel.told(lambda: stack.enter_context(lock(path)))
        seen = parallel.agree((path / _LOCK).is_file())[:, 0].tolist()
        if not all(seen):
            raise ProcessError(
                f"{path}: process {seen.index(0)} does not see this folder; choose an "
                "--out on a file system that all processes share"
            )
        yield


@contextmanager
def lock(path: Path | str) -> Iterator[None]:
    """Hold the folder `path` (made if missing) for this process alone.

    The kernel lets go of the lock when the process ends in any way. A folder that was
    made here, and that nothing was written to, is removed at the end. Raises BusyError,
    which names the holder, when another process (or this one) has the folder, and
    ConfigError for a folder with files in it that are no run.
    """
    import fcntl

    path = Path(path)
    _refuse_foreign(path)
    made = not path.exists()
    try:
        path.mkdir(parents=True, exist_ok=True)
        file = open(path / _LOCK, "a+b")  # noqa: SIM115
    except FileExistsError:
        raise ConfigError(f"{path}: is a file; choose another --out") from None
    except OSError as error:
        raise CheckpointError(
            f"{path}: cannot be written ({error.strerror}); choose another --out"
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The holder before may just have removed the folder with its lock.
            if not _is(file, path / _LOCK):
                raise BlockingIOError
        except BlockingIOError:
            raise BusyError(
                f"{path}: in use by {_holder(path)}; wait for it to end or choose "
                "another --out"
            ) from None
        except OSError as error:
            raise CheckpointError(
                f"{path}: cannot be locked ({error.strerror}); choose an --out on a "
                "file system that knows flock"
            ) from error
        # On a full disk the holder stays unnamed, but the lock itself holds.
        with suppress(OSError):
            file.truncate(0)
            file.write(f"process {os.getpid()} on {socket.gethostname()}".encode())
            file.flush()
        try:
            yield
        finally:
            if made and [entry.name for entry in path.iterdir()] == [_LOCK]:
                (path / _LOCK).unlink()
                path.rmdir()


def _is(file: BinaryIO, path: Path) -> bool:
    """Whether `path` still names the open file."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    return False


def _refuse_foreign(path: Path) -> None:
    """Nothing is written to, or removed from, a folder that is not a run's."""
    if not path.is_dir():
        return
    files = {file.name for file in path.iterdir() if not file.name.startswith(".")}
    if files and files.isdisjoint((CONFIG, GRID)):
        raise ConfigError(
            f"{path}: is not empty and not a run folder (no {CONFIG}); choose another "
            "--out"
        )


def _holder(path: Path) -> str:
    with suppress(OSError):
        return (path / _LOCK).read_text(errors="replace") or "another process"
    return "another process"


def open_run(path: Path | str, resume: bool, say: Callable[[str], None]) -> bool:
    """Whether there is a checkpoint in the run folder `path` to go on from.

    Call it with the lock held. Leftovers of a killed process are removed.

    resume: go on with a run that is there; `say` is told if nothing has been saved.
    Raises ConfigError when a run is there and `resume` is false.
    """
    path = Path(path)
    for place in (path, *(path / name for name in _WRITTEN)):
        for leftover in place.glob(".*.tmp"):
            leftover.unlink(missing_ok=True)
    files = {file.name for file in path.iterdir() if not file.name.startswith(".")}
    if files and not resume:
        raise ConfigError(
            f"{path}: a run is there already; pass --resume to go on with it, or "
            "choose another --out"
        )
    saved = path / CHECKPOINTS[0]
    found = saved.is_dir() and any(x.name.isdecimal() for x in saved.iterdir())
    if resume and not found:
        say(f"{path}: nothing saved yet, starting from the beginning")
    return found
