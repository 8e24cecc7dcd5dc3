"""`jaxad benchmark sweep`: a grid's training steps beside its members one by one."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxad.benchmark.grids import Grid, Trainer
from jaxad.benchmark.pairs import PAIRS, alternate
from jaxad.benchmark.steps import beside_torch, place, weights
from jaxad.config import Config, Conv, Deep, Linear, Train, set_values
from jaxad.progress import counted

EXAMPLES, SHAPE = 54_000, (28, 28, 1)
SIDE = 2048
"""Side of the matrices whose product tells what the machine can do."""
CHECKED = 20
"""Step whose loss is compared beside the first one's."""


class Case(NamedTuple):
    """A grid over learning rates, and the steps of a timing: about a second of work.

    product: whether the machine's rate of matrix products is measured as well.
    """

    name: str
    model: Linear | Deep | Conv
    batch: int
    members: int
    steps: int
    product: bool = False


_MLP = Deep(hidden=(256,), latent_dim=64, batch_norm=False)
CASES = (
    Case("MLP 784-256-64-256-784", _MLP, 128, 8, 24),
    Case("MLP, large batch", _MLP, 1024, 8, 4, product=True),
    Case("784-24-784", Linear(latent_dim=24, head="sigmoid"), 64, 32, 50),
    Case("CAE 1-16-8-8-16-1", Conv(channels=(16, 8)), 128, 4, 8),
)


def measure(
    cases: tuple[Case, ...] = CASES, examples: int = EXAMPLES, pairs: int = PAIRS
) -> tuple[str, list[dict[str, Any]]]:
    """Time the cases on JAX's device; returns a note and rows of numbers for each.

    Raises JaxadError where PyTorch is missing.
    """
    image = np.random.default_rng(0).integers(0, 256, (examples, *SHAPE), np.uint8)
    with beside_torch("sweep") as (_, theirs):
        each = counted(cases, "grids", len(cases))
        rows = [row for case in each for row in _rows(case, image, theirs, pairs)]
    here, where = jax.devices()[0].device_kind, place(theirs)
    note = (
        "A training step of one member of a grid over learning rates; Adam, MSE; "
        f"{examples} images of 28x28 in memory. jaxad on {here}, as the "
        f"sweep's probe chooses; PyTorch eager on {where}, NCHW, member after member; "
        f"median of {pairs} pairs; compilation apart"
    )
    return note, rows


def configs_of(case: Case) -> list[Config]:
    """The configs of a case's members."""
    base = Config(model=case.model, train=Train(epochs=1, batch_size=case.batch))
    rates = np.geomspace(1e-4, 3e-3, case.members)
    return [set_values(base, {"optim.lr": float(f"{x:.3g}")}) for x in rates]


def _rows(case: Case, image: np.ndarray, device: str, pairs: int) -> list[dict]:
    from jaxad.benchmark import pytorch

    configs, steps = configs_of(case), max(case.steps, CHECKED)
    # One step more than is ever made: the end of an epoch would be timed as well.
    grid = Grid(configs, image, (steps + 1) * case.batch)
    chosen = grid.fastest.compiled
    ours, loop = grid.trainer(chosen), grid.one_by_one()
    params = ours.params()
    batches = pytorch.torch.tensor(grid.batches()[:steps])
    how = pytorch.How(device)
    others = [pytorch.trainer(c, image, weights(params), how) for c in configs]
    theirs = np.stack([other(batches[:CHECKED]).numpy() for other in others])
    apart = _apart([_losses(ours), _losses(loop)], theirs[:, [0, -1]])

    def one_by_one() -> None:
        for other in others:
            other(batches[: case.steps])

    def beside(name: str, other: Callable[[], None], detail: str) -> dict[str, Any]:
        times = alternate(lambda: ours.run(0, case.steps), other, pairs)
        for key in ("ours", "theirs"):
            times[key] /= case.steps * case.members
        return {"name": f"{case.name}, {name}", "detail": detail, **times}

    count = sum(leaf.size for leaf in jax.tree.leaves(params))
    seconds = grid.fastest.seconds.items()
    tried = ", ".join(f"{way} {each * 1e3:.3g}" for way, each in seconds)
    beside_each = f" x {chosen.threads}" if chosen.threads > 1 else ""
    detail = (
        f"batch {case.batch}, {case.members} members of {count} weights, {chosen.mode} "
        f"of {chosen.size}{beside_each} (probe, ms: {tried}); losses differ by "
        f"{apart[0]:.0e} at step 1, by {apart[1]:.0e} at step {CHECKED}, at most"
    )
    extra = {"mode": chosen.mode, "size": chosen.size, "threads": chosen.threads}
    extra |= {"loss_apart": apart, "parameters": count}
    found = [beside("PyTorch", one_by_one, detail) | extra]
    detail = "the same programs for one member, called for one after the other"
    found.append(beside("JAX one by one", lambda: loop.run(0, case.steps), detail))
    return [*found, _product(case, ours, params, pairs)] if case.product else found


def _losses(trainer: Trainer) -> np.ndarray:
    """(members, 2): the losses of the first step and of step CHECKED."""
    trainer.restart()
    sums = []
    for cut in ((0, 1), (1, CHECKED - 1), (CHECKED - 1, CHECKED)):
        trainer.run(*cut)
        sums.append(trainer.sums())
    first, last = sums[0], sums[2] - sums[1]
    return np.stack([first[:, 0] / first[:, 1], last[:, 0] / last[:, 1]], 1)


def _apart(ours: list[np.ndarray], theirs: np.ndarray) -> list[float]:
    """Largest relative difference at either step."""
    return np.max(np.abs(np.stack(ours) - theirs) / theirs, axis=(0, 1)).tolist()


def _product(case: Case, ours: Trainer, params: Any, pairs: int) -> dict[str, Any]:
    """The grid's rate of multiplications beside a plain matrix product's.

    Two operations for each weight and image, forward, for the gradient of the layer's
    input and for that of its weights; the first layer needs no gradient of its input.
    """
    kernels = [kernel.size for kernel, _ in weights(params)]
    needed = 3 * sum(kernels) - kernels[0]
    images = case.batch * case.steps * case.members
    given, full = 2 * needed * images, 6 * sum(kernels) * images
    matrix = jax.random.normal(jax.random.key(0), (SIDE, SIDE))
    product = jax.jit(jnp.matmul)
    times = alternate(
        lambda: ours.run(0, case.steps),
        lambda: jax.block_until_ready(product(matrix, matrix)),
        pairs,
        (1, 5),
    )
    scale = full / (2 * SIDE**3)
    shares = {key: times[key] * scale for key in ("ratio", "ratio_min", "ratio_max")}
    rate = 2 * SIDE**3 / times["theirs"]
    detail = (
        f"a product of two {SIDE}x{SIDE} matrices: {rate / 1e9:.0f} GFLOP/s; the grid "
        f"reaches this share of it, at 6 FLOP a weight and image ("
        f"{shares['ratio'] * given / full:.2f} of it by those that are needed)"
    )
    times["ours"] /= case.steps * case.members
    name = f"{case.name}, matrix product"
    more = {"flops": rate, "needed": given / full}
    return {"name": name, "detail": detail, **times, **shares, **more}
