#!/usr/bin/env python3
"""Start one command as several processes on this machine, which work on one run.

    python launch/local.py -n 2 -- jaxad train configs/mnist_salt_pepper/cae.py
    python launch/local.py -n 2 --devices 4 -- jaxad train   # four CPU devices in each

Process 0 speaks as the command would; what the others say on stderr is marked with
their number. SIGTERM and Ctrl-C go to all. The exit code is that of the first process
that failed; where one fails, the others have 25 seconds to end by themselves, and ten
minutes where it ended with 75: they may still save. On Linux they stop with this one.
"""

import argparse
import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time

GRACE_SECONDS, SAVING_SECONDS = 25, 600
STOPPED = 75  # by a signal, with everything saved
_SET_PDEATHSIG = 1  # of prctl(2)


def main() -> int:
    given = _arguments()
    port = given.port or _free_port()
    try:
        children = [_start(given, port, number) for number in range(given.n)]
    except OSError as error:
        print(
            f"{given.command[0]}: cannot be started ({error.strerror})", file=sys.stderr
        )
        return 127
    for received in (signal.SIGTERM, signal.SIGINT):
        signal.signal(received, lambda number, _: _tell(children, number))
    signal.signal(signal.SIGHUP, lambda *_: _tell(children, signal.SIGTERM))
    return _wait(children)


def _arguments() -> argparse.Namespace:
    words, command = _cut(sys.argv[1:])
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-n", type=_size, required=True, help="processes")
    parser.add_argument("--devices", type=_size, help="CPU devices of each process")
    parser.add_argument("--port", type=int, help="of process 0; a free one by itself")
    given = parser.parse_args(words)
    if not command:
        parser.error("no command; write it after --")
    given.command = command
    return given


def _cut(words: list[str]) -> tuple[list[str], list[str]]:
    """The options, and the command behind --."""
    at = words.index("--") if "--" in words else len(words)
    return words[:at], words[at + 1 :]


def _size(word: str) -> int:
    if word.isdecimal() and int(word):
        return int(word)
    raise argparse.ArgumentTypeError(f"{word} is not a number from 1 on")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _start(given: argparse.Namespace, port: int, number: int) -> subprocess.Popen:
    env = os.environ | {
        "JAX_COORDINATOR_ADDRESS": f"127.0.0.1:{port}",
        "JAX_NUM_PROCESSES": str(given.n),
        "JAX_PROCESS_ID": str(number),
    }
    if given.devices:
        flag = f"--xla_force_host_platform_device_count={given.devices}"
        env["XLA_FLAGS"] = f"{env.get('XLA_FLAGS', '')} {flag}".strip()
        env["JAX_PLATFORMS"] = "cpu"
    own = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE} if number else {}
    # A session of their own: Ctrl-C comes from here, and once.
    own |= {"preexec_fn": _stop_with_parent} if sys.platform == "linux" else {}
    child = subprocess.Popen(given.command, env=env, start_new_session=True, **own)
    if number:
        threading.Thread(target=_copy, args=(child, number), daemon=True).start()
    return child


def _stop_with_parent() -> None:
    ctypes.CDLL(None).prctl(_SET_PDEATHSIG, signal.SIGTERM)


def _copy(child: subprocess.Popen, number: int) -> None:
    assert child.stderr is not None
    for line in child.stderr:
        sys.stderr.write(f"[{number}] {line.decode(errors='replace')}")


def _tell(children: list[subprocess.Popen], number: int) -> None:
    for child in children:
        if child.poll() is None:
            child.send_signal(number)


def _wait(children: list[subprocess.Popen]) -> int:
    code, until = 0, float("inf")
    while None in (codes := [child.poll() for child in children]):
        time.sleep(0.05)
        code = code or next(filter(None, codes), 0)
        for failed in filter(None, codes):
            grace = SAVING_SECONDS if failed == STOPPED else GRACE_SECONDS
            until = min(until, time.monotonic() + grace)
        if time.monotonic() > until:
            _tell(children, signal.SIGKILL)
    code = code or next(filter(None, codes), 0)
    return code if code >= 0 else 128 - code  # of a signal, as a shell gives it


if __name__ == "__main__":
    sys.exit(main())
