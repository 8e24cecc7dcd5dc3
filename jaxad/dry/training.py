"""How long a training takes, from an instant of it."""

import math
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax

from jaxad import loop
from jaxad.batches import TrainData
from jaxad.carry import RUNNING, Carry
from jaxad.config import Train
from jaxad.parts import Parts
from jaxad.program import Program, program

SECONDS = 3.0
"""Of training that is timed at least, where there is as much; at most three times."""
SURE_SECONDS = 1.0
"""So long the longest segment has to be: what a call costs is little beside."""


class Pace(NamedTuple):
    """Seconds: of a call of a segment, of a step in it, of an epoch's end."""

    call: float
    step: float
    end: float

    def training(self, steps: int, train: Train) -> float:
        """Seconds of all epochs, cut as the loop cuts them."""
        calls = math.ceil(steps * self.step / train.segment_seconds)
        return train.epochs * (max(1, calls) * self.call + steps * self.step + self.end)


class Begun(NamedTuple):
    """A training after some of its steps. cached_seconds: that compiling takes once the
    program is in the cache."""

    steps: int
    pace: Pace
    compile_seconds: float
    cached_seconds: float
    compiled: Any
    carry: Carry


def begin(part: Parts, data: TrainData, warm: Any) -> Begun:
    """Compile a stage, make some steps and time them.

    Raises DivergedError where these diverge.
    """
    train = part.static.train
    one = program(part.method, part.static, len(data.rows), layout=part.layout)
    given = (part.static, part.key, part.hparams, data, warm, None, part.layout)
    compile_seconds = loop.begin(one, *given).seconds
    jax.clear_caches()
    begun = loop.begin(one, *given)  # as the run will: from the cache
    with begun.feeder:
        carry, pace = _paced(one, begun, train)
    seconds = compile_seconds, begun.seconds
    return Begun(one.steps, pace, *seconds, begun.compiled, carry)


class _Row(NamedTuple):
    """A segment: its steps, whether an epoch ended with it, and its seconds."""

    steps: int
    ended: bool
    seconds: float


def _paced(one: Program, begun: loop.Begun, train: Train) -> tuple[Carry, Pace]:
    """Segments as the loop makes them, each longer than the one before, until there are
    enough; the end of an epoch is among them."""
    carry, steps, at, length, spent = begun.carry, one.steps, 0, 1, 0.0
    rows: list[_Row] = []
    while at < steps * train.epochs:
        epoch, first = divmod(at, steps)
        last = min(steps, first + length)
        began = time.monotonic()
        carry = begun.segment(carry, epoch, first, last)
        jax.block_until_ready(carry.status)
        seconds = time.monotonic() - began
        if int(carry.status) != RUNNING:
            raise loop.diverged(carry)
        rows.append(_Row(last - first, last == steps, seconds))
        at, length = epoch * steps + last, min(begun.feeder.most, 2 * length)
        spent += seconds * (len(rows) > 1)  # the first call wakes the device
        if (spent > SECONDS and seconds > SURE_SECONDS) or spent > 3 * SECONDS:
            if any(row.ended for row in rows[1:]):
                break
            at = max(at, (epoch + 1) * steps - 1)
    return carry, _pace(rows[1:] or rows, steps)


def _pace(rows: Sequence[_Row], steps: int) -> Pace:
    """Of what was timed: short segments tell what a call takes, the longest a step, and
    whole epochs, or the last steps of one, its end."""
    plain = sorted((row for row in rows if not row.ended), key=lambda row: row.steps)
    call = step = 0.0
    if plain:
        short, long = plain[0], plain[-1]
        step = long.seconds / long.steps
        if long.steps > short.steps:
            more = long.seconds - min(row.seconds for row in plain)
            step = max(more, 0.0) / (long.steps - short.steps)
        call = max(long.seconds - long.steps * step, 0.0)
    ends = [row for row in rows if row.ended]
    whole = [row for row in ends if row.steps == steps] or ends
    if not whole:
        return Pace(call, step, 0.0)
    median = sorted(whole, key=lambda row: row.seconds)[len(whole) // 2]
    end = median.seconds - call - median.steps * step
    if end < 0 and median.steps == steps:  # the epoch as a whole is what counts
        return Pace(0.0, median.seconds / steps, 0.0)
    return Pace(call, step, max(end, 0.0))
