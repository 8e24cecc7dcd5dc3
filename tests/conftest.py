"""What all tests, and the processes they start, share. Runs before jax is imported."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parent.parent

os.environ |= {
    # No silent widening of types or ranks, here or in subprocesses.
    "JAX_NUMPY_DTYPE_PROMOTION": "strict",
    "JAX_NUMPY_RANK_PROMOTION": "raise",
    # Compiled programs are shared between tests, processes and runs of the suite.
    "JAX_COMPILATION_CACHE_DIR": str(ROOT / ".jax_cache" / "tests"),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.1",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    "MPLBACKEND": "agg",
    # Two devices are there (below); tests of several say so.
    "JAXAD_DEVICES": "1",
}
# Two devices; and programs that compile fast, since tests run each for an instant.
_FLAGS = "--xla_force_host_platform_device_count=2 --xla_backend_optimization_level=0"
_FLAGS += " --xla_llvm_disable_expensive_passes=true"
_FLAGS += " --xla_cpu_parallel_codegen_split_count=1"
_OLDER = "--xla_cpu_use_fusion_emitters=false"
"""Takes half of the compiling's time; a JAX without it would abort."""


def _taken(flag):
    command = [sys.executable, "-c", "import jax; jax.devices()"]
    env = os.environ | {"XLA_FLAGS": flag}
    return not subprocess.run(command, env=env, capture_output=True).returncode


if _FLAGS not in os.environ.get("XLA_FLAGS", ""):  # as in processes that tests start
    _FLAGS += f" {_OLDER}" if _taken(_OLDER) else ""
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {_FLAGS}".strip()

settings.register_profile(
    "suite",
    deadline=None,
    derandomize=True,
    database=None,
    # A busy machine is no fault of the code.
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("suite")


@pytest.fixture(scope="module", autouse=True)
def _undrawn():
    """Runs and sweeps of this process leave no pictures, which take most of a short
    run's time. Those that tests start as processes do; what reports draw is tested."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jaxad.run.draw", lambda path: [])
        patch.setattr("jaxad.search.measuring.draw_sweep", lambda path: [])
        yield


def pytest_configure(config):
    config.data_dir = tempfile.mkdtemp(prefix="jaxad-data-")
    os.environ["JAXAD_DATA_DIR"] = config.data_dir


def pytest_unconfigure(config):
    shutil.rmtree(config.data_dir, ignore_errors=True)
