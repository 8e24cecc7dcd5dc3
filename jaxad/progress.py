"""What a run says while it works: a bar on a terminal, plain lines elsewhere."""

import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


class Look(NamedTuple):
    """How far a run is. epoch: finished epochs; losses: of the last one, or NaN."""

    step: int
    steps: int
    epoch: int
    epochs: int
    train_loss: float
    val_loss: float


class Reporter:
    """Shows looks at a run. Used as a context; `quiet` shows nothing.

    every: seconds between two plain lines where the output is no terminal. profile: a
    folder for a trace of what the devices do; None: none is made.
    """

    def __init__(
        self,
        quiet: bool = False,
        every: float = 5.0,
        to: TextIO | None = None,
        profile: Path | None = None,
    ):
        self.profile, self.segments = profile, 0
        self.quiet = quiet
        self.every = every
        self.console = Console(file=to or sys.stderr, highlight=False, soft_wrap=True)
        self.started = self.said = time.monotonic()
        self.what = ""
        self.bar: Progress | None = None

    def __enter__(self) -> "Reporter":
        if self.console.is_terminal and not self.quiet:
            columns = (TextColumn("{task.description}"), BarColumn())
            self.bar = Progress(*columns, TimeRemainingColumn(), console=self.console)
            self.bar.start()
            self.task = self.bar.add_task("training", total=None)
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.stop()

    @contextmanager
    def profiled(self) -> Iterator[None]:
        """Around a segment of a training: the second one is traced, since the first
        wakes the device."""
        self.segments += 1
        if self.profile is None or self.segments != 2:
            yield
            return
        import jax

        with jax.profiler.trace(self.profile, create_perfetto_trace=True):
            yield
        self.say(f"trace of one segment: {self.profile}")

    def begin(self, what: str) -> None:
        """A part of the work begins; times are counted from here."""
        self.what, self.started = what, time.monotonic()

    def say(self, text: str) -> None:
        """One plain line."""
        if not self.quiet:
            self.console.print(text, markup=False)

    def look(self, look: Look) -> None:
        """Show how far the run is."""
        text = f"epoch {look.epoch}/{look.epochs} step {look.step}/{look.steps}"
        text = f"{self.what} {text}".strip()
        if look.epoch:
            text += f" train {look.train_loss:.5g}"
            # Some methods have nothing to validate.
            text += "" if math.isnan(look.val_loss) else f" val {look.val_loss:.5g}"
        self.show(text, look.step, look.steps)

    def show(self, text: str, done: float, total: float) -> None:
        """Show a state of the work, of which the share done / total is over."""
        if self.bar is not None:
            self.bar.update(self.task, description=text, total=total, completed=done)
            return
        now = time.monotonic()
        if now - self.said >= self.every or done == total:
            self.said = now
            spent = now - self.started
            left = ""
            # Before a fiftieth is done, the guess would be of compiling.
            if total / 50 < done < total and spent > 30:
                left = f", about {spent / done * (total - done):.0f} s left"
            self.say(f"{text} ({spent:.0f} s{left})")
