"""How the processes of a run find each other, and how they part.

JAX's own runtime does it: one process (number 0) is the coordinator, all others connect
to it. It also notices when a process is gone, and then ends the others.
"""

import contextlib
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

from jaxad.errors import ConfigError, ProcessError
from jaxad.parallel import processes

JOIN_SECONDS = 120
"""How long processes wait for each other at the start."""
DEAD_SECONDS = 20
"""After so long without a sign of life a process counts as dead, and all others end."""
PART_SECONDS = 600
"""How long a finished process waits for the others, of which one may still write."""

_ADDRESS = "JAX_COORDINATOR_ADDRESS"
_COUNT = "JAX_NUM_PROCESSES"
_NUMBER = "JAX_PROCESS_ID"
_WAIT = "JAXAD_JOIN_SECONDS"


def begin(
    coordinator: str | None = None,
    count: int | None = None,
    number: int | None = None,
) -> None:
    """Join the other processes of this run; nothing where there are none.

    Call it before anything else of JAX. Without arguments, processes find each other
    under SLURM, on Cloud TPU, in an indexed job of Kubernetes (with JAX's `k8s` extra),
    or by the variables JAX_COORDINATOR_ADDRESS, JAX_NUM_PROCESSES and JAX_PROCESS_ID.

    coordinator: host:port of process 0. count: how many there are. number: of this one,
        from 0.

    Raises ConfigError for a part of the arguments, ProcessError where joining fails.
    Where the others do not come within JOIN_SECONDS (JAXAD_JOIN_SECONDS in the
    environment) the process says so and ends with that error's exit code.
    """
    wait = _number(os.environ.get(_WAIT, str(JOIN_SECONDS)), _WAIT)
    address = coordinator or os.environ.get(_ADDRESS)
    total = count if count is not None else _from_environment(_COUNT)
    own = number if number is not None else _from_environment(_NUMBER)
    given = {"coordinator": address, "processes": total, "process": own}
    if any(value is not None for value in given.values()):
        _check(given)
        if total == 1:
            return
        if own == 0:
            _refuse_taken(str(address))
        _initialize(
            wait,
            f"{address}, process {own} of {total}",
            coordinator_address=address,
            num_processes=total,
            process_id=own,
            cluster_detection_method="deactivate",
        )
    elif (found := _cluster()) is not None:
        _initialize(wait, found, **_devices())


def leave(code: int) -> NoReturn:
    """End this process with an exit code, without waiting for the others: the runtime
    ends those that still wait for it."""
    sys.stdout.flush()
    sys.stderr.flush()
    if processes.first():
        time.sleep(1)  # the others may be leaving by themselves, for the same reason
    os._exit(code)


def _check(given: dict[str, Any]) -> None:
    missing = [name for name, value in given.items() if value is None]
    if missing:
        raise ConfigError(
            "several processes need --coordinator, --processes and --process (or "
            f"{_ADDRESS}, {_COUNT} and {_NUMBER}); there is no "
            f"{' and no '.join(missing)}"
        )
    host, _, port = given["coordinator"].rpartition(":")
    if not host or not port.isdecimal():
        raise ConfigError(
            f"--coordinator {given['coordinator']}: is not HOST:PORT of process 0"
        )
    if not 0 <= given["process"] < given["processes"]:
        raise ConfigError(
            f"--process {given['process']} of {given['processes']} processes: they are "
            f"numbered from 0 to {given['processes'] - 1}"
        )


def _refuse_taken(address: str) -> None:
    """JAX's runtime would end this process with a trace of the stack."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", int(address.rpartition(":")[2])))
        except (OSError, OverflowError) as error:
            raise ProcessError(
                f"{address}: process 0 cannot listen there ({error}); choose another "
                "port, the same in all processes"
            ) from None


def _initialize(wait: int, who: str, **options: Any) -> None:
    import jax

    # Programs in flight together would reach each other's collectives on a CPU.
    _option("jax_cpu_enable_async_dispatch", False)
    # It would take SIGTERM for itself, and tell nobody.
    _option("jax_enable_preemption_service", False)
    late = threading.Timer(wait, _give_up, (wait, who))
    late.daemon = True
    late.start()
    try:
        jax.distributed.initialize(
            initialization_timeout=2 * wait + DEAD_SECONDS,
            heartbeat_timeout_seconds=DEAD_SECONDS,
            shutdown_timeout_seconds=PART_SECONDS,
            **options,
        )
    except Exception as error:  # of the runtime, of sockets, of a cluster's interface
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise ProcessError(
            f"the processes do not find each other ({who}): {lines[0]}"
        ) from error
    finally:
        late.cancel()
    sys.excepthook = _leave_after(sys.excepthook)


def _option(name: str, value: Any) -> None:
    import jax

    with contextlib.suppress(AttributeError):  # of a JAX that has no such option
        jax.config.update(name, value)


def _leave_after(hook: Callable[..., Any]) -> Callable[..., Any]:
    """A hook for errors that nobody catches: at its end the process would wait for the
    others, which wait for it."""

    def leaving(kind: Any, error: Any, trace: Any) -> None:
        hook(kind, error, trace)
        leave(1)

    return leaving


def _give_up(wait: int, who: str) -> None:
    """JAX's runtime would abort the process, with a trace of the stack."""
    print(
        f"jaxad: error: not all processes came within {wait} s ({who}); start all of "
        f"them, with the same address of process 0, or set {_WAIT}",
        file=sys.stderr,
        flush=True,
    )
    os._exit(ProcessError.exit_code)


def _cluster() -> str | None:
    """Where several processes were started by a cluster: who this one is."""
    env = os.environ
    tasks = int(env.get("SLURM_NTASKS", "1")) if "SLURM_PROCID" in env else 1
    if tasks > 1:
        return f"SLURM task {env['SLURM_PROCID']} of {tasks}"
    if "," in env.get("TPU_WORKER_HOSTNAMES", "") or _on_tpu():
        return "Cloud TPU"
    if "KUBERNETES_SERVICE_HOST" in env and "JOB_COMPLETION_INDEX" in env:
        who = f"Kubernetes, index {env['JOB_COMPLETION_INDEX']}"
        if find_spec("kubernetes") is not None:
            return who
        print(
            f"jaxad: {who}: works alone; to join the others, install JAX's extra k8s "
            f"or set {_ADDRESS}, {_COUNT} and {_NUMBER}",
            file=sys.stderr,
        )
    return None


def _devices() -> dict[str, Any]:
    """JAX takes one GPU for each task of SLURM; the only task of a node has all."""
    env = os.environ
    gpus = env.get("CUDA_VISIBLE_DEVICES", "").split(",")
    alone = env.get("SLURM_NTASKS") == env.get("SLURM_STEP_NUM_NODES")
    return {"local_device_ids": range(len(gpus))} if alone and len(gpus) > 1 else {}


def _on_tpu(devices: Callable[[str], Any] = Path("/dev").glob) -> bool:
    chips = [*devices("accel[0-9]*"), *devices("vfio/[0-9]*")]
    return bool(chips) and find_spec("libtpu") is not None


def _from_environment(name: str) -> int | None:
    return _number(os.environ[name], name) if name in os.environ else None


def _number(text: str, name: str) -> int:
    if not text.isdecimal():
        raise ConfigError(f"{name} is {text!r} and not a whole number")
    return int(text)
