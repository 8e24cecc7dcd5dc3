"""Asking a loop to stop: SIGTERM and SIGINT set a flag that it reads."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Stop:
    """Whether a signal asked to stop, and which."""

    def __init__(self) -> None:
        self.requested = False
        self.name: str | None = None

    def _handle(self, number: int, frame: object) -> None:
        # Who presses Ctrl-C twice does not want to wait for the segment's end.
        if number == signal.SIGINT and self.name == "SIGINT":
            raise KeyboardInterrupt
        self.requested = True
        self.name = signal.Signals(number).name


@contextmanager
def watch() -> Iterator[Stop]:
    """Within the block, SIGTERM and SIGINT set `requested`; a second SIGINT raises.

    The handlers from before come back afterwards. Outside the main thread, where
    Python delivers no signals, the flag is never set.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    signals = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, stop._handle) for number in signals]
    try:
        yield stop
    finally:
        for number, handler in zip(signals, before, strict=True):
            # None: a handler that was not installed from Python.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
