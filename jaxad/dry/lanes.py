"""Groups of trainings that run in one program each: how many, how large, how long."""

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from jaxad.grid import prepare
from jaxad.grid.execute import Compiled
from jaxad.grid.lane_data import LaneData
from jaxad.grid.members import Member, epochs_of
from jaxad.grid.members import groups as grouped
from jaxad.grid.members import lanes as laned
from jaxad.grid.work import Lanes, Work
from jaxad.progress import counted

Plan = dict[str, Any]
TIMED = 4
"""Groups that are compiled and timed; others go by the nearest of these in size."""


def groups(work: Work, members: Sequence[Member]) -> list[Plan]:
    """Of each group: `what` network, trainings, epochs, steps_per_epoch, batch_size,
    parameters, mode, at_a_time, chunks, memory (bytes, of a member and in all), seconds
    (compile, step, epoch_end, measure, of a training each; total of all of them), and
    whether it was `timed`."""
    found = laned(members)
    made = [
        Lanes(work, group, epochs_of, f"group {number}")
        for number, group in enumerate(
            grouped(found, prepare.forms(found, work.images)), 1
        )
    ]
    # The kinds of networks differ most: one of each is timed first.
    sizes = [own.programs.parameters for own in made]
    order = _spread(sizes)
    timed: dict[int, Plan] = {}
    for place in counted(order[:TIMED], "groups", min(len(order), TIMED)):
        timed[place] = _timed(made[place], sizes[place])
    return [
        timed.get(place) or _like(own, sizes[place], list(timed.values()))
        for place, own in enumerate(made)
    ]


def _spread(sizes: Sequence[int]) -> list[int]:
    """Places of the smallest, the largest, then those between."""
    ranked = sorted(range(len(sizes)), key=lambda place: sizes[place])
    if len(ranked) <= TIMED:
        return ranked
    picks = np.linspace(0, len(ranked) - 1, TIMED).round().astype(int).tolist()
    return [ranked[pick] for pick in picks]


def _known(own: Lanes, parameters: int) -> Plan:
    config = own.group.config
    return {
        "what": (config.denoiser or config.model).kind,
        "trainings": len(own.group.lanes),
        "epochs": own.group.epochs,
        "steps_per_epoch": own.steps,
        "batch_size": config.train.batch_size,
        "parameters": parameters,
    }


def _timed(own: Lanes, parameters: int) -> Plan:
    began = time.monotonic()
    compiled = own.compile()
    chosen = time.monotonic() - began
    lanes = list(own.group.lanes)
    data = own.data(lanes[: compiled.size], compiled.size)
    step = own.programs.seconds(compiled)
    end, measure = _ends(compiled, data, own.steps, step * compiled.lanes)
    seconds = {"compile": chosen, "step": step, "epoch_end": end, "measure": measure}
    return _whole(_known(own, parameters), compiled, seconds) | {"timed": True}


def _ends(
    compiled: Compiled, data: LaneData, steps: int, step: float
) -> tuple[float, float]:
    """Seconds of a lane: of an epoch's end, and of scoring and measuring it."""
    carry = compiled.start(data)
    last = (0, 1, steps - 1, steps)

    def advance() -> None:
        nonlocal carry
        carry = jax.block_until_ready(compiled.advance(data, carry, last))

    def measure() -> None:
        jax.block_until_ready(compiled.measure(data, carry))

    end = max(_second(advance) - step, 0.0)
    # Programs side by side share the cores.
    return end / compiled.size, _second(measure) / compiled.size


def _second(call: Callable[[], None]) -> float:
    call()
    began = time.monotonic()
    call()
    return time.monotonic() - began


def _whole(known: Plan, compiled: Compiled, seconds: dict[str, float]) -> Plan:
    lanes, at_a_time = known["trainings"], min(compiled.lanes, known["trainings"])
    each = known["epochs"] * (
        known["steps_per_epoch"] * seconds["step"] + seconds["epoch_end"]
    )
    total = seconds["compile"] + lanes * (each + seconds["measure"])
    return known | {
        "mode": compiled.mode,
        "at_a_time": at_a_time,
        "chunks": math.ceil(lanes / compiled.lanes),
        "memory": {
            "member": compiled.bytes // compiled.size,
            "all": compiled.total,
            "images": compiled.images,
        },
        "seconds": seconds | {"total": total},
    }


def _like(own: Lanes, parameters: int, timed: Sequence[Plan]) -> Plan:
    """A group as the timed one that is nearest in size; times and memory grow with the
    number of parameters."""
    known = _known(own, parameters)
    near = min(timed, key=lambda one: abs(math.log(parameters / one["parameters"])))
    scale = parameters / near["parameters"]
    batch = known["batch_size"] / near["batch_size"]
    seconds = {**near["seconds"]}
    seconds["step"] *= scale * batch
    seconds["epoch_end"] *= scale
    seconds["measure"] *= scale
    each = known["epochs"] * (known["steps_per_epoch"] * seconds["step"])
    each += known["epochs"] * seconds["epoch_end"] + seconds["measure"]
    seconds["total"] = seconds["compile"] + known["trainings"] * each
    memory = {k: int(v * scale) for k, v in near["memory"].items() if k != "images"}
    memory["images"] = near["memory"]["images"]
    at_a_time = min(near["at_a_time"], known["trainings"])
    return known | {
        "mode": near["mode"],
        "at_a_time": at_a_time,
        "chunks": math.ceil(known["trainings"] / near["at_a_time"]),
        "memory": memory,
        "seconds": seconds,
        "timed": False,
    }
