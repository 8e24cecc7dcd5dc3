"""`jaxad benchmark conv`: the SEM networks alone and as members of a sweep."""

from typing import Any, NamedTuple

import jax
import numpy as np

from jaxad.benchmark.grids import Grid, Trainer, over_rates
from jaxad.benchmark.pairs import alternate
from jaxad.benchmark.steps import beside_torch, place
from jaxad.benchmark.work import multiply_adds
from jaxad.config import Config, Denoiser, Strided, Train
from jaxad.grid import execute
from jaxad.progress import counted

SHAPE = (32, 32, 1)
EXAMPLES, MEMBERS = 2048, 8


class Case(NamedTuple):
    """Networks to train as a grid over learning rates.

    denoiser: trained behind the frozen, untrained autoencoder; None: that itself.
    steps: of a timing. pairs: timings.
    """

    name: str
    model: Strided
    batch: int
    steps: int
    pairs: int
    denoiser: Denoiser | None = None


_SMALL = Strided(channels=(16, 32, 64), latent_dim=64)
CASES = (
    Case("AE 16-32-64", _SMALL, 64, 16, 5),
    Case("Remez 10 x 9", _SMALL, 64, 8, 5, Denoiser(depth=10, width=9)),
    Case("AE 128-256-512", Strided(), 32, 2, 3),
    Case("Remez 20 x 64", Strided(), 32, 1, 3, Denoiser()),
)


def measure(cases: tuple[Case, ...] = CASES) -> tuple[str, list[dict[str, Any]]]:
    """Time the cases on JAX's device; returns a note and rows of numbers for each.

    Raises JaxadError where PyTorch is missing.
    """
    image = np.random.default_rng(0).integers(0, 256, (EXAMPLES, *SHAPE), np.uint8)
    with beside_torch("conv") as (_, theirs):
        each = counted(cases, "networks", len(cases))
        rows = [row for case in each for row in _rows(case, image, theirs)]
    here, where = jax.devices()[0].device_kind, place(theirs)
    note = (
        "A training step of one network, Adam, MSE, patches of 32x32; jaxad on "
        f"{here}; PyTorch eager on {where}, NCHW; medians; compilation "
        f"apart. In a sweep: a step and member of {MEMBERS}, as the probe chooses, "
        "beside one alone"
    )
    return note, rows


def configs_of(case: Case) -> list[Config]:
    """The configs of a case's members."""
    train = Train(epochs=1, batch_size=case.batch)
    return over_rates(case.model, case.denoiser, train, MEMBERS)


def _rows(case: Case, image: np.ndarray, device: str) -> list[dict[str, Any]]:
    from jaxad.benchmark import pytorch_conv

    configs, steps = configs_of(case), case.steps
    # One step more than is ever made: the end of an epoch would be timed as well.
    grid = Grid(configs, image, (steps + 1) * case.batch)
    sweep = grid.trainer(grid.fastest.compiled)
    alone = Trainer(grid.programs.fit("loop"), grid.one_by_one().chunks[:1])
    params = alone.params()
    before = None if grid.before is None else _host(grid.before["params"])
    how = pytorch_conv.How(device)
    other = pytorch_conv.trainer(configs[0], image, params, before, how)
    batches = pytorch_conv.torch.tensor(grid.batches()[:steps])
    apart = _first_loss_apart(alone, other(batches[:1]).numpy())
    times = alternate(lambda: alone.run(0, steps), lambda: other(batches), case.pairs)
    count = sum(leaf.size for leaf in jax.tree.leaves(params))
    work = multiply_adds(params, SHAPE[0])
    detail = (
        f"batch {case.batch}, {count} weights, {work / 1e6:.3g} M multiply-adds a "
        f"patch forward, {execute.gb(alone.compiled.total)}; "
        f"{steps / times['ours']:.3g} steps a second beside "
        f"{steps / times['theirs']:.3g}; first losses differ by {apart:.0e}"
    )
    found = [_row(f"{case.name}, PyTorch", detail, times, steps, steps)]
    times = alternate(
        lambda: sweep.run(0, steps), lambda: alone.run(0, steps), case.pairs
    )
    tried = grid.fastest.seconds.items()
    ways = ", ".join(f"{way} {each * 1e3:.3g}" for way, each in tried)
    detail = f"{grid.fastest.name} (probe, ms: {ways}); beside one alone"
    row = _row(f"{case.name}, in a sweep", detail, times, steps * MEMBERS, steps)
    row |= {"loss_apart": apart, "parameters": count, "multiply_adds": work}
    return [*found, row]


def _row(name: str, detail: str, times: dict, ours: int, theirs: int) -> dict[str, Any]:
    """A row of times a step; `ours` steps of one call were timed beside `theirs`."""
    scale = {key: times[key] * ours / theirs for key in times if "ratio" in key}
    own = {"ours": times["ours"] / ours, "theirs": times["theirs"] / theirs}
    return {"name": name, "detail": detail, **times, **scale, **own}


def _first_loss_apart(alone: Trainer, theirs: np.ndarray) -> float:
    """Relative difference of the first losses; the noise of a denoiser is its own."""
    alone.run(0, 1)
    total, count = alone.sums()[0]
    alone.restart()
    return float(abs(total / count - theirs[0]) / theirs[0])


def _host(tree: Any) -> Any:
    return jax.tree.map(np.asarray, tree)
