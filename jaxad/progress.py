"""What work says while it goes on: a bar on a terminal, plain lines elsewhere."""

import math
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from pathlib import Path
from typing import NamedTuple, TextIO, TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

Thing = TypeVar("Thing")

KNOWN_SECONDS = 1.0
"""So long a part of the work has to go on before its end is guessed."""


class Look(NamedTuple):
    """How far a run is. epoch: finished epochs; losses: of the last one, or NaN."""

    step: int
    steps: int
    epoch: int
    epochs: int
    train_loss: float
    val_loss: float


TRACED = 2
"""Segment of a training that is traced: the first one wakes the device."""


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
        self.console = Console(
            file=to or sys.stderr, highlight=False, soft_wrap=True, emoji=False
        )
        self.started = self.said = time.monotonic()
        self.what = ""
        self.bar: Progress | None = None
        self.outer: Token[Reporter | None] | None = None
        self.first: tuple[float, float, float] | None = None
        self.counting = False

    def __enter__(self) -> "Reporter":
        self.outer = _AT_WORK.set(self)
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        if self.profile is not None and self.segments < TRACED:
            self.say(
                f"--profile: no trace: {self.segments} segments were trained, and the "
                f"one traced is number {TRACED}; lower train.segment-seconds"
            )
        if self.outer is not None:
            _AT_WORK.reset(self.outer)

    def _start(self) -> None:
        if self.console.is_terminal and not self.quiet:
            columns = ("{task.description}", "{task.fields[left]}")
            shown, left = map(TextColumn, columns)
            self.bar = Progress(shown, BarColumn(), left, console=self.console)
            self.bar.start()
            self.task = self.bar.add_task("starting", total=None, left="")

    def _stop(self) -> None:
        if self.bar is not None:
            self.bar.stop()
            self.bar = None

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Without its bar: another reporter has the terminal within."""
        self._stop()
        yield
        self._start()

    @contextmanager
    def profiled(self) -> Iterator[None]:
        """Around a segment of a training, which is traced if its number is TRACED."""
        self.segments += 1
        if self.profile is None or self.segments != TRACED:
            yield
            return
        import jax

        with jax.profiler.trace(self.profile, create_perfetto_trace=True):
            yield
        self.say(f"trace of one segment: {self.profile}")

    def begin(self, what: str) -> None:
        """A part of the work begins; times are counted from here."""
        self.what, self.started, self.first = what, time.monotonic(), None
        if self.bar is not None:
            self.bar.update(self.task, description=what, total=None, left="")

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

    def show(self, text: str, done: float, total: float, end: bool = True) -> None:
        """Show a state of the work, of which the share done / total is over.

        end: whether the last state is a line of its own, however short the work was.
        """
        now = time.monotonic()
        seconds = self._left(now, done, total)
        left = "" if seconds is None else f"about {duration(seconds)} left"
        if self.bar is not None:
            self.bar.update(
                self.task, total=total, completed=done, description=text, left=left
            )
        elif now - self.said >= self.every or (end and done == total):
            self.said = now
            spent = duration(now - self.started)
            self.say(f"{text} ({spent}{', ' * bool(left)}{left})")

    def _left(self, now: float, done: float, total: float) -> float | None:
        """Seconds left at the pace since this part of the work was first shown: what
        came before (compiling, what an earlier start had done) is not of its pace."""
        if self.first is None or done < self.first[1] or total != self.first[2]:
            self.first = (now, done, total)
        began, at, _ = self.first
        if done <= at or done >= total or now - began < KNOWN_SECONDS:
            return None
        return (now - began) / (done - at) * (total - done)


_AT_WORK: ContextVar[Reporter | None] = ContextVar("reporter", default=None)


def counted(
    things: Iterable[Thing], what: str, total: int, each: int = 1
) -> Iterator[Thing]:
    """The things, and how many of them are done on the reporter that is at work.

    Where there is none, and within another count, nothing is shown.

    what: the words before the numbers. total, each: of all, and of one thing, in the
    units that are shown.
    """
    reporter, done = _AT_WORK.get(), 0
    if reporter is None or reporter.counting:
        yield from things
        return
    reporter.counting, reporter.first = True, None
    try:
        for thing in things:
            yield thing
            done = min(total, done + each)
            words = f"{reporter.what} {what}".strip()
            reporter.show(f"{words} {done:,}/{total:,}", done, total, end=False)
    finally:
        reporter.counting = False


def part(what: str, shown: bool = False) -> None:
    """The reporter at work begins with another part of it.

    shown: whether that is a line where there is no bar, since nothing can be counted
        while it lasts; at most one in `every` seconds, like all such lines.
    """
    reporter = _AT_WORK.get()
    if reporter is None:
        return
    reporter.begin(what)
    if shown and reporter.bar is None:
        reporter.show(what, 0, 1, end=False)


def duration(seconds: float) -> str:
    """A time in the units of a reader: `8 s`, `3 min 20 s`, `2 h 05 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s" if seconds < 0.95 else f"{seconds:.0f} s"
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
