"""How long a training takes, from an instant of it."""

import math
import time
from typing import Any, NamedTuple

import jax
import numpy as np
from scipy.optimize import nnls

from jaxad import loop
from jaxad.batches import TrainData
from jaxad.carry import RUNNING, Carry
from jaxad.config import Train
from jaxad.program import Program, program
from jaxad.saved import Parts

SECONDS = 3.0
"""Of training that is timed, beside the compilation."""


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
    """A training after some of its steps."""

    steps: int
    pace: Pace
    compile_seconds: float
    compiled: Any
    carry: Carry


def begin(part: Parts, data: TrainData, warm: Any) -> Begun:
    """Compile a stage, make some steps and time them.

    Raises DivergedError where these diverge.
    """
    train = part.static.train
    one = program(part.method, part.static, len(data.rows), layout=part.layout)
    given = (part.static, part.key, part.hparams, data, warm, None, part.layout)
    begun = loop.begin(one, *given)
    with begun.feeder:
        carry, pace = _paced(one, begun, train)
    return Begun(one.steps, pace, begun.seconds, begun.compiled, carry)


def _paced(one: Program, begun: loop.Begun, train: Train) -> tuple[Carry, Pace]:
    """Segments as the loop makes them, each longer than the one before, until there are
    enough; the end of an epoch is among them."""
    carry, steps, at, length, spent = begun.carry, one.steps, 0, 1, 0.0
    rows: list[tuple[float, float, float, float]] = []
    while at < steps * train.epochs:
        epoch, first = divmod(at, steps)
        last = min(steps, first + length)
        began = time.monotonic()
        carry = begun.segment(carry, epoch, first, last)
        jax.block_until_ready(carry.status)
        seconds = time.monotonic() - began
        if int(carry.status) != RUNNING:
            raise loop.diverged(carry)
        rows.append((1.0, last - first, float(last == steps), seconds))
        at, length = epoch * steps + last, min(begun.feeder.most, 2 * length)
        spent += seconds * (len(rows) > 1)  # the first call wakes the device
        if spent >= SECONDS:
            if any(row[2] for row in rows[1:]):
                break
            at = max(at, (epoch + 1) * steps - 1)
    table = np.array(rows[1:] or rows)
    call, step, end = nnls(table[:, :3], table[:, 3])[0]
    return carry, Pace(call, step, end)
