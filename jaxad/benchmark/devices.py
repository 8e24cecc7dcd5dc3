"""`jaxad benchmark devices`: a sweep's members over devices, beside one device.

Weak scaling: every device has as many members, so that what is not done on them shows:
compiling, placing the members' data, fetching their results.
"""

import os
import re
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any

import jax
import numpy as np

from jaxad import parallel
from jaxad.benchmark.grids import Grid, Trainer
from jaxad.benchmark.pairs import alternate
from jaxad.config import Config, Deep, Train, set_values
from jaxad.progress import counted

COUNTS, EACH, PAIRS = (1, 2, 4, 8), 4, 5
EXAMPLES, SHAPE, STEPS = 4096, (28, 28, 1), 16
_FLAG = "--xla_force_host_platform_device_count"
_MODEL = Deep(hidden=(256,), latent_dim=64, batch_norm=False)


def measure(
    counts: tuple[int, ...] = COUNTS, each: int = EACH, pairs: int = PAIRS
) -> tuple[str, list[dict[str, Any]]]:
    """Time `each` members a device on so many devices of a process; a note and rows.

    On a CPU the devices are forced, in a process of its own for each count, and share
    its cores. Elsewhere they are those that are there.
    """
    rows = []
    for count in counted(counts, "numbers of devices", len(counts)):
        if jax.default_backend() == "cpu":
            with (
                _forced(count),
                ProcessPoolExecutor(1, get_context("spawn")) as alone,
            ):
                rows.append(alone.submit(_row, count, each, pairs).result())
        elif count <= jax.device_count():
            rows.append(_row(count, each, pairs))
    note = (
        f"Training steps of MLP 784-256-64-256-784, batch 128, {each} members a "
        "device, beside the same members on one device; time of a step of all members, "
        f"median of {pairs} pairs"
    )
    return note, rows


@contextmanager
def _forced(count: int) -> Iterator[None]:
    """So many CPU devices in the processes that are started within."""
    before = dict(os.environ)
    others = re.sub(rf"{_FLAG}=\d+", "", before.get("XLA_FLAGS", ""))
    os.environ["XLA_FLAGS"] = f"{others} {_FLAG}={count}".strip()
    os.environ.pop("JAXAD_DEVICES", None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _row(count: int, each: int, pairs: int) -> dict[str, Any]:
    config = Config(model=_MODEL, train=Train(batch_size=128))
    rates = np.geomspace(1e-2, 1e-4, count * each).tolist()
    configs = [set_values(config, {"optim.lr": rate}) for rate in rates]
    image = np.random.default_rng(0).integers(0, 256, (EXAMPLES, *SHAPE), np.uint8)
    layout = parallel.over_all(count).for_members(len(configs))
    many, one = (Grid(configs, image, EXAMPLES, on) for on in (layout, parallel.ONE))
    ours, theirs = many.programs.fit("map"), one.programs.fit("map", each)
    spread, alone = many.trainer(ours), one.trainer(theirs)
    times = alternate(lambda: spread.run(0, STEPS), lambda: alone.run(0, STEPS), pairs)
    placing = _seconds(lambda: jax.block_until_ready(many.placed(many.lanes)))
    fetching = _seconds(lambda: _fetched(spread), lambda: spread.run(0, 1))
    detail = (
        f"{ours.layout.members} x {ours.size // ours.layout.members} members; compiled "
        f"in {ours.seconds:.2f} s ({theirs.seconds:.2f} s for one device); placing "
        f"{placing * 1e3:.1f} ms, fetching {fetching * 1e3:.1f} ms"
    )
    return {
        "name": f"devices {count}, members {len(configs)}",
        "detail": detail,
        "compile": [ours.seconds, theirs.seconds],
        "placing": placing,
        "fetching": fetching,
        **{k: v / STEPS if k in ("ours", "theirs") else v for k, v in times.items()},
    }


def _fetched(trainer: Trainer) -> Any:
    """What goes to the host after a chunk."""
    found = [(one.status, one.stopped, one.history) for one in trainer.carries]
    return trainer.compiled.layout.fetch(found)


def _seconds(call: Any, before: Any = lambda: None) -> float:
    """Of a call, the median of several. before: called before each."""
    found = []
    for _ in range(7):
        before()
        began = time.perf_counter()
        call()
        found.append(time.perf_counter() - began)
    return float(np.median(found))
