"""What a run and a sweep give on 1, 2, 4 and 8 devices of one process, as JSON.

Started by test_parallel.py with the folder to work in; eight CPU devices are forced.
"""

import dataclasses
import json
import os
import re
import sys
import time
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image
from squares import images

import jaxad
from jaxad import feeding, methods
from jaxad import run as running
from jaxad.config import (
    Baselines,
    Config,
    Conv,
    Corrupt,
    Data,
    Deep,
    Defects,
    F1Max,
    FixedFpr,
    Optim,
    Parallel,
    Score,
    Threshold,
    Train,
    blank,
    traced,
)
from jaxad.errors import Preempted
from jaxad.grid import execute
from jaxad.parallel import over_all
from jaxad.search import measuring
from jaxad.signals import Stop
from jaxad.types import Batch

COUNTS = (1, 2, 4, 8)
COLLECTIVE = re.compile(r"all-reduce|all-gather|all-to-all|collective-permute")
BASE = Config(
    model=Deep(hidden=(12,), latent_dim=3),
    train=Train(epochs=4, batch_size=16, segment_seconds=1e-6, ema=0.9),
    score=Score(names=("mse", "top", "latent_mahalanobis"), block=16),
    threshold=Threshold(rules=(F1Max(), FixedFpr(rate=0.1))),
    baselines=Baselines(names=()),
)


def on(config, count):
    return dataclasses.replace(config, parallel=Parallel(devices=count))


def apart(one, other):
    """The distance of two trees over the size of the first."""
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    gap, size = 0.0, 0.0
    for x, y in pairs:
        x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
        gap, size = gap + np.square(x - y).sum(), size + np.square(x).sum()
    return float(np.sqrt(gap / size))


def gradients(_):
    """By count, how far the gradient of a step is from that of one device: noise on
    the input, batch norm, a batch that ends with padding."""
    config = Config(
        model=Conv(channels=(4, 3), batch_norm=True),
        corrupt=Corrupt(kind="gaussian", level=0.2),
        optim=Optim(kind="sgd", lr=1.0, momentum=0.0),
        score=Score(names=("mse",)),
    )
    hparams = {name: jnp.float32(x) for name, x in traced(config).items()}
    method, key = methods.build(blank(config), 1), jax.random.key(3)
    image = np.random.default_rng(1).random((24, 8, 8, 1), np.float32)
    batch = Batch(image, np.zeros(24, np.int32), np.arange(24) < 21)
    state = jax.jit(method.init)(key, hparams, batch)
    found = {}
    for count in COUNTS:
        layout = over_all(count)

        def step(key, hparams, state, batch, layout=layout):
            return method.step(key, hparams, state, layout.batch(batch))[0].model

        given = layout.replicate((key, hparams, state, batch))
        after = layout.gather(step)(*given)
        pairs = state.model["params"], after["params"]
        found[count] = jax.tree.map(lambda a, b: np.asarray(a) - np.asarray(b), *pairs)
        # The statistics of batch norm are global.
        found[count] = found[count], after["batch_stats"]
    pairs = {count: zip(found[1], parts, strict=True) for count, parts in found.items()}
    return {count: max(apart(*pair) for pair in both) for count, both in pairs.items()}


def runs(path):
    """How far trainings on one and on four devices are apart; by count, whether scores
    of one model on so many devices are equal bit for bit."""
    made = [
        jaxad.train(on(BASE, count), images(), out=path / str(count), quiet=True)
        for count in (1, 4)
    ]
    scores = {}
    for count in COUNTS:
        os.environ["JAXAD_DEVICES"] = str(count)
        scores[count] = jaxad.score(jaxad.load_run(path / "4"), images()[0])
    del os.environ["JAXAD_DEVICES"]
    equal = {}
    for count, found in scores.items():
        pairs = zip(jax.tree.leaves(found), jax.tree.leaves(scores[1]), strict=True)
        equal[count] = all(np.array_equal(x, y) for x, y in pairs)
    # The run's own table is of four devices.
    table = np.isin(made[1].scores["score_mse"], scores[1].values["mse"]).all()
    far = apart(*(run.state.model["params"] for run in made))
    return {"equal": equal, "far": far, "table": bool(table)}


def stopped(path, counts):
    """A run that stops after three segments on each count of devices but the last."""
    for count in counts[:-1]:
        asked = iter(range(100))
        stop = Stop()
        type(stop).requested = property(lambda _, a=asked: next(a) > 2, lambda *_: None)
        running.watch = partial(Given, stop)
        try:
            jaxad.train(on(BASE, count), images(), out=path, resume=True, quiet=True)
        except Preempted:
            continue
        finally:
            running.watch = WATCH
            del type(stop).requested
        raise AssertionError("it did not stop")
    return jaxad.train(
        on(BASE, counts[-1]), images(), out=path, resume=True, quiet=True
    )


class Given:
    def __init__(self, stop):
        self.stop = stop

    def __enter__(self):
        return self.stop

    def __exit__(self, *_):
        return None


def resumed(path):
    """A run cut on four devices is the uncut one bit for bit; over 4, 2 and 1 devices
    it is as near as trainings on these are."""
    whole = jaxad.load_run(path / "4")
    cut = stopped(path / "cut", (4, 4))
    over = stopped(path / "over", (4, 2, 1))
    pairs = zip(jax.tree.leaves(whole.state), jax.tree.leaves(cut.state), strict=True)
    same = all(np.array_equal(x, y) for x, y in pairs)
    same &= all(np.array_equal(cut.history[k], v) for k, v in whole.history.items())
    params = (run.state.model["params"] for run in (whole, over))
    return {"same": same, "far": apart(*params)}


def streamed(path):
    """A run from files on four devices is the run in memory there bit for bit."""
    rng = np.random.default_rng(2)
    for number in range(30):
        kind = "hole" if number % 5 == 0 else "good"
        (path / "set" / kind).mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (8, 8), np.uint8)
        Image.fromarray(pixels).save(path / "set" / kind / f"{number}.png")
    found = [read(path, stream, f"stream{stream}") for stream in (False, True)]
    pairs = zip(*(jax.tree.leaves(run.state) for run in found), strict=True)
    return all(np.array_equal(x, y) for x, y in pairs)


def read(path, stream, name):
    """A run of the images that `streamed` has written."""
    feeding.BYTES = 3 * 8 * 64
    config = dataclasses.replace(
        on(BASE, 4),
        data=Data(root=str(path / "set"), protocol=Defects(), stream=stream),
        train=Train(epochs=2, batch_size=8),
        score=Score(names=("mse",)),
    )
    return jaxad.train(config, out=path / name, quiet=True)


def sweeps(path):
    """Members on one and eight devices; the collectives of their programs."""
    texts, frames = [], {}
    size = execute._bytes

    def spied(run):
        texts.append(sorted({*COLLECTIVE.findall(run.as_text())}))
        return size(run)

    execute._bytes = spied
    for count, lanes in ((1, 8), (8, 8), (8, 2)):
        found = swept(path / f"sweep{count}-{lanes}", count, lanes)
        frames[count, lanes] = found.arrays["test"]
    one, eight, two = frames.values()
    np.save(path / "one.npy", one)
    return {
        "collectives": texts,
        "apart": [apart(one, eight), apart(one[[0, -1]], two)],
    }


def swept(out, count, lanes):
    grid = {"optim.lr": np.geomspace(1e-2, 1e-3, lanes).tolist()}
    rules = Threshold(rules=(FixedFpr(rate=0.1),))
    few = dataclasses.replace(BASE, score=Score(names=("mse",)), threshold=rules)
    given = {"seeds": 1, "execution": "map", "rank": "val_loss", "quiet": True}
    return jaxad.sweep(on(few, count), grid, images(), out=out, **given)


def undrawn():
    """Leave out pictures and the best run, which are not what is looked at."""
    running.draw = lambda path: []
    measuring.draw_sweep = lambda path: []
    measuring._run = lambda *_: None


if __name__ == "__main__":
    where = Path(sys.argv[1])
    undrawn()
    WATCH = running.watch
    told = {}
    for function in (gradients, runs, resumed, streamed, sweeps):
        began = time.monotonic()
        told[function.__name__] = function(where)
        print(function.__name__, time.monotonic() - began, file=sys.stderr)
    print(json.dumps(told))
