"""The machine and the versions that a run depends on."""

import hashlib
import json
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import jax

import jaxad
from jaxad import parallel

_PACKAGES = (
    "jax",
    "jaxlib",
    "flax",
    "optax",
    "orbax-checkpoint",
    "tensorflow-datasets",
    "numpy",
    "scikit-learn",
    "dm-pix",
)

COMPILE_FAST = {"xla_backend_optimization_level": 1}
"""For programs that run once: random draws compile in .2 s instead of 1.5 s each."""


def use_compilation_cache() -> None:
    """Keep compiled programs on disk, unless JAX has been told where already."""
    if jax.config.values["jax_compilation_cache_dir"] is None:
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        jax.config.update(
            "jax_compilation_cache_dir", str(Path(home) / "jaxad" / "xla")
        )
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)


def describe(used: int) -> dict[str, Any]:
    """Versions, devices and the revision of the code, for env.json.

    used: the devices, of those that are there, that the run works on.
    """
    devices = jax.devices()
    return {
        "versions": {"jaxad": jaxad.__version__, "python": platform.python_version()}
        | {name: _version(name) for name in _PACKAGES},
        "devices": {
            "platform": devices[0].platform,
            "kind": devices[0].device_kind,
            "count": len(devices),
            "used": used,
            "processes": jax.process_count(),
            "cores": cores(),
        },
        "machine": f"{platform.system()} {platform.machine()}",
        "revision": _revision(),
    }


def check_same(identity: dict[str, Any]) -> None:
    """Raises ProcessError where processes differ in config, data or code.

    identity: `run` and `data`, as in a checkpoint's record.
    """
    if parallel.count() == 1:
        return
    parts = {
        "config": identity["run"] | {"module": identity.get("module")},
        "data": identity["data"],
        "code": [_code(), jax.__version__, version("jaxlib"), version("flax")],
    }
    texts = {k: json.dumps(v, sort_keys=True).encode() for k, v in parts.items()}
    parallel.same({k: hashlib.sha256(v).hexdigest() for k, v in texts.items()})


def _code() -> str:
    """A digest of the package's own files."""
    digest, here = hashlib.sha256(), Path(__file__).parent
    for path in sorted(here.rglob("*.py")):
        digest.update(f"{path.relative_to(here)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def cores() -> int:
    """Cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def free_memory() -> int:
    """Bytes of this machine's memory that programs may still take."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        found = dict(line.split(":", 1) for line in lines)
        return int(found["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        # Not Linux: half of all memory is a guess that does no harm.
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _revision() -> str | None:
    """The git commit of the code, with a mark for local changes; None outside git.

    A repository that does not hold this file, but a folder it is installed in, says
    nothing of the code.
    """
    here = Path(__file__)
    if _git(here.parent, "ls-files", "--error-unmatch", here.name) is None:
        return None
    return _git(here.parent, "describe", "--always", "--dirty", "--abbrev=40")


def _git(folder: Path, *words: str) -> str | None:
    command = ["git", "-C", str(folder), *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None
