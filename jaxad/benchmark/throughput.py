"""`jaxad benchmark throughput`: grids of one to many members, in both precisions.

Each is timed beside PyTorch on the same device, eager and by `torch.compile`, and set
against the device's own rate of matrix products and its memory.
"""

from collections.abc import Callable
from itertools import islice
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxad.benchmark.grids import Grid, Trainer, over_rates
from jaxad.benchmark.pairs import alternate, seconds
from jaxad.benchmark.steps import beside_torch, place, weights
from jaxad.benchmark.work import multiply_adds
from jaxad.config import Config, Conv, Denoiser, Strided, Train
from jaxad.grid.execute import Compiled
from jaxad.progress import counted

EXAMPLES, PAIRS = 4096, 5
TIMED_SECONDS, MOST_STEPS = 0.3, 256
"""Of a timing, about, and steps of it at most."""
PRECISIONS = {"float32": jnp.float32, "bfloat16": jnp.bfloat16}


class Case(NamedTuple):
    """Networks of images of `side` x `side`, to train as grids over learning rates.

    denoiser: trained behind the frozen, untrained autoencoder; None: that itself.
    """

    name: str
    model: Conv | Strided
    side: int
    batch: int
    denoiser: Denoiser | None = None


class Sizes(NamedTuple):
    """What is timed: networks, members, and the side of the matrices multiplied."""

    cases: tuple[Case, ...]
    members: tuple[int, ...]
    matrix: int


_CAE = Case("MNIST CAE", Conv(channels=(16, 8), batch_norm=False), 28, 128)
_NARROW = Strided(channels=(16, 32, 64), latent_dim=64)
LARGE = Sizes(
    (
        _CAE,
        Case("SEM AE", Strided(), 32, 32),
        Case("SEM denoiser", Strided(), 32, 32, Denoiser()),
    ),
    (1, 8, 64, 512),
    8192,
)
"""For a GPU: the networks of the sources."""
SMALL = Sizes(
    (
        _CAE,
        Case("SEM AE 16-32-64", _NARROW, 32, 64),
        Case("SEM denoiser 10 x 9", _NARROW, 32, 64, Denoiser(depth=10, width=9)),
    ),
    (1, 8),
    2048,
)
"""For a CPU."""


def measure(
    sizes: Sizes | None = None, pairs: int = PAIRS
) -> tuple[str, list[dict[str, Any]]]:
    """Time the cases on JAX's device; returns a note and rows of numbers for each.

    Raises JaxadError where PyTorch is missing.
    """
    sizes = sizes or (SMALL if jax.default_backend() == "cpu" else LARGE)
    both = [(case, half) for case in sizes.cases for half in PRECISIONS]
    with beside_torch("throughput") as (torch, theirs):
        # As XLA does with float32 on a GPU, and PyTorch itself with convolutions.
        torch.set_float32_matmul_precision("high")
        each = counted(both, "networks in a precision", len(both))
        rows = [row for one in each for row in _rows(*one, sizes, theirs, pairs)]
    here, where = jax.devices()[0].device_kind, place(theirs)
    note = (
        "A training step of one member of a grid over learning rates; Adam, MSE; "
        f"{EXAMPLES} images in memory. jaxad on {here}, as the sweep's "
        f"probe chooses; PyTorch on {where}, NCHW, one network alone, bfloat16 by "
        f"autocast; median of {pairs} pairs; compilation apart. Shares of a product of "
        f"two {sizes.matrix}x{sizes.matrix} matrices in the same precision, at 6 FLOP "
        "a multiply-add forward (2 of a frozen network); memory of training by the "
        "compiler's estimate"
    )
    return note, rows


def configs_of(case: Case, precision: str, members: int) -> list[Config]:
    """The configs of a grid."""
    train = Train(epochs=1, batch_size=case.batch, precision=precision)  # type: ignore[arg-type]
    return over_rates(case.model, case.denoiser, train, members)


def _rows(
    case: Case, precision: str, sizes: Sizes, device: str, pairs: int
) -> list[dict[str, Any]]:
    shape = (EXAMPLES, case.side, case.side, 1)
    image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    rate = _rate(sizes.matrix, precision)
    rows, others = [], None
    for members in sizes.members:
        configs = configs_of(case, precision, members)
        grid = Grid(configs, image, (MOST_STEPS + 1) * case.batch)
        chosen = grid.programs.fit("loop") if members == 1 else grid.fastest.compiled
        # One chunk of programs that run side by side: the next one takes as long.
        ours = Trainer(chosen, list(islice(grid.chunks(chosen), chosen.threads)))
        others = others or _others(configs[0], image, grid, ours, precision, device)
        more = _facts(grid, ours, case.side)
        for name, (other, apart) in others.items():
            times = _beside(ours, chosen, other, grid, pairs)
            more["share"] = more["flops"] * case.batch / times["ours"] / rate
            row = {"name": f"{case.name}, {precision}, {members}, {name}"}
            row |= {"detail": _detail(chosen, more, rate, case, times), **times, **more}
            rows.append(row | {"rate": rate, "loss_apart": apart, "members": members})
    return rows


def _others(
    config: Config,
    image: np.ndarray,
    grid: Grid,
    ours: Trainer,
    precision: str,
    device: str,
) -> dict[str, tuple[Callable[[Any], Any], float]]:
    """PyTorch's step functions that work here, and how far their first loss is off."""
    from jaxad.benchmark import pytorch, pytorch_conv

    params = ours.params()
    before = None
    if grid.before is not None:
        before = jax.tree.map(np.asarray, grid.before["params"])
    batches = pytorch.torch.tensor(grid.batches())
    ours.run(0, 1)
    total, count = ours.sums()[0]
    ours.restart()
    found = {}
    for name, compiled in {"eager": False, "torch.compile": True}.items():
        how = pytorch.How(device, compiled, precision)
        if isinstance(config.model, Strided):
            step = pytorch_conv.trainer(config, image, params, before, how)
        else:
            step = pytorch.trainer(config, image, weights(params), how)
        try:
            first = float(step(batches[:1])[0])
        except pytorch.NOT_COMPILED:
            continue  # no compiler that it can use: the rows of eager remain
        found[name] = step, abs(float(total / count) - first) / first
    return found


def _beside(
    ours: Trainer,
    chosen: Compiled,
    other: Callable[[Any], Any],
    grid: Grid,
    pairs: int,
) -> dict[str, Any]:
    """Seconds of a step and member beside those of PyTorch's one network."""
    from jaxad.benchmark.pytorch import torch

    batches = torch.tensor(grid.batches())
    mine = _steps(lambda steps: ours.run(0, steps))
    its = _steps(lambda steps: other(batches[:steps]))
    ours.restart()
    times = alternate(lambda: ours.run(0, mine), lambda: other(batches[:its]), pairs)
    scale = mine * chosen.lanes / its
    times |= {key: times[key] * scale for key in times if "ratio" in key}
    return times | {
        "ours": times["ours"] / (mine * chosen.lanes),
        "theirs": times["theirs"] / its,
    }


def _steps(run: Callable[[int], Any]) -> int:
    """So many take about TIMED_SECONDS."""
    run(1)
    return int(np.clip(TIMED_SECONDS / seconds(lambda: run(1)), 1, MOST_STEPS))


def _facts(grid: Grid, ours: Trainer, side: int) -> dict[str, Any]:
    """Of one member: weights, operations of a step and image, memory."""
    params = ours.params()
    flops = 6 * multiply_adds(params, side)
    if grid.before is not None:
        flops += 2 * multiply_adds(grid.before["params"], side)
    compiled = ours.compiled
    return {
        "parameters": sum(leaf.size for leaf in jax.tree.leaves(params)),
        "flops": flops,
        "members_per_gb": 1e9 * compiled.size / max(compiled.bytes, 1),
        "at_a_time": compiled.lanes,
        "mode": compiled.mode,
    }


def _detail(
    chosen: Compiled, more: dict[str, Any], rate: float, case: Case, times: dict
) -> str:
    beside = f" x {chosen.threads}" if chosen.threads > 1 else ""
    return (
        f"{case.batch / times['ours']:.3g} images a second; batch {case.batch}, "
        f"{more['parameters']} weights; {chosen.mode} of {chosen.size}{beside}, "
        f"{more['members_per_gb']:.3g} members a GB; {more['share']:.1%} of "
        f"{rate / 1e12:.3g} TFLOP/s"
    )


def _rate(side: int, precision: str) -> float:
    """Operations a second of a product of matrices, the best of several."""
    matrix = jax.random.normal(jax.random.key(0), (side, side))
    matrix = matrix.astype(PRECISIONS[precision])
    product = jax.jit(jnp.matmul)
    jax.block_until_ready(product(matrix, matrix))

    def once() -> None:
        jax.block_until_ready(product(matrix, matrix))

    return 2 * side**3 / min(seconds(once) for _ in range(10))
