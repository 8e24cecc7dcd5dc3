"""Which devices a run works on."""

import math
import os

import jax
import numpy as np

from jaxad.errors import ConfigError
from jaxad.parallel import processes
from jaxad.parallel.layout import ONE, Layout, grid


def devices() -> list[jax.Device]:
    """All devices of all processes; of a single one at most JAXAD_DEVICES, where that
    is in the environment."""
    limit = os.environ.get("JAXAD_DEVICES", "")
    if not limit or processes.count() > 1:
        return jax.devices()
    if not limit.isdecimal() or not int(limit):
        raise ConfigError(f"JAXAD_DEVICES is {limit!r} and not a number of devices")
    return jax.devices()[: int(limit)]


def local() -> Layout:
    """All devices of this process."""
    return _laid([d for d in devices() if d.process_index == processes.number()])


def over_all(number: int | None, batch: int = 0) -> Layout:
    """So many devices (None: all of all processes), for batches of so many examples.

    Raises ConfigError where there are fewer, or the batch does not divide by them; of
    the devices of a single process as many are taken as it does divide by.
    """
    every = devices()
    if number is not None:
        if number > len(every):
            raise ConfigError(
                f"parallel.devices {number}: there are {len(every)} here; take so many "
                "or fewer"
            )
        if processes.count() > 1 and number != len(every):
            raise ConfigError(
                f"parallel.devices {number}: {processes.count()} processes work with "
                f"all of their {len(every)} devices; leave it out, or start fewer"
            )
    elif processes.count() == 1:
        number = math.gcd(batch, len(every))
    size = number or len(every)
    if batch % size:
        less = batch - batch % size
        near = f"{less} or {less + size}" if less else str(size)
        raise ConfigError(
            f"train.batch_size {batch} does not divide by {size} devices; take {near}"
        )
    return _laid(every[:size])


def _laid(some: list[jax.Device]) -> Layout:
    if len(some) == 1 and processes.count() == 1:
        return ONE
    return Layout(grid(np.array(some).reshape(1, -1)))
