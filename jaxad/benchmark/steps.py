"""`jaxad benchmark train`: a training step beside PyTorch."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxad import methods
from jaxad.batches import TrainData
from jaxad.benchmark.pairs import PAIRS, alternate
from jaxad.config import Config, Conv, Corrupt, Deep, Train
from jaxad.config.traced import blank, traced
from jaxad.environment import cores
from jaxad.errors import JaxadError
from jaxad.loop import fit, history
from jaxad.program import Program, program
from jaxad.progress import counted

EXAMPLES, SHAPE, BATCH = 54_000, (28, 28, 1), 128
CHECKED_STEPS = 5


class Case(NamedTuple):
    """A network to train, and the steps of one timing: about a second of work."""

    name: str
    model: Deep | Conv
    level: float
    steps: int


CASES = (
    Case(
        "MLP 784-256-64-256-784",
        Deep(hidden=(256,), latent_dim=64, batch_norm=False),
        level=0.0,
        steps=200,
    ),
    Case("CAE 1-16-8-8-16-1, denoising", Conv(channels=(16, 8)), level=0.5, steps=20),
)


def measure(
    cases: tuple[Case, ...] = CASES, examples: int = EXAMPLES, pairs: int = PAIRS
) -> tuple[str, list[dict[str, Any]]]:
    """Time the cases on the CPU; returns a note and a row of numbers for each.

    Raises JaxadError where PyTorch is missing, or does not compute the same.
    """
    image = np.random.default_rng(0).integers(0, 256, (examples, *SHAPE), np.uint8)
    with beside_torch("train"), jax.default_device(jax.devices("cpu")[0]):
        each = counted(cases, "networks", len(cases))
        rows = [_row(case, image, pairs) for case in each]
    note = (
        f"One training step, batch {BATCH}, Adam 1e-3, MSE, {examples} images of 28x28 "
        f"in memory; PyTorch eager, {cores()} threads, NCHW; median of {pairs} pairs; "
        "compilation apart"
    )
    return note, rows


def config_of(case: Case, epochs: int = 1) -> Config:
    """The experiment of a case."""
    corrupt = Corrupt(level=case.level)
    return Config(
        model=case.model,
        corrupt=corrupt,
        train=Train(epochs=epochs, batch_size=BATCH),
    )


def disagreement(case: Case, image: np.ndarray) -> float:
    """Largest relative difference of the losses of the first few steps.

    Both start from the same weights and train, without noise, on one batch.
    image: (BATCH, H, W, C) uint8.
    """
    from jaxad.benchmark import pytorch

    config = config_of(case._replace(level=0.0), epochs=CHECKED_STEPS)
    loop, key, hparams = _program(config, len(image))
    data = _data(image)
    # With `None` as the loop has it: one compilation less.
    start = jax.jit(loop.start)(key, hparams, data, None)
    params = start.state.model["params"]
    fitted = fit(loop, blank(config), key, hparams, data)
    ours = history(fitted.carry)["train_loss"]
    batches = pytorch.shuffled(len(image), CHECKED_STEPS, len(image))
    theirs = pytorch.trainer(config, image, weights(params))(batches).numpy()
    return float(np.max(np.abs(ours - theirs) / theirs))


def weights(params: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    """(kernel, bias) of each layer, from the input to the output."""
    names = [
        *sorted(name for name in params if name.startswith("encoder")),
        *(name for name in params if name == "latent"),
        *sorted(name for name in params if name.startswith("decoder")),
        *(name for name in params if name == "output"),
    ]
    layers = []
    for name in names:
        layer = params[name]
        (layer,) = [layer] if "kernel" in layer else layer.values()
        layers.append((np.asarray(layer["kernel"]), np.asarray(layer["bias"])))
    return layers


def _row(case: Case, image: np.ndarray, pairs: int) -> dict[str, Any]:
    from jaxad.benchmark import pytorch

    config = config_of(case)
    run, params, compile_seconds = _segment(config, image, case.steps)
    count = sum(leaf.size for leaf in jax.tree.leaves(params))
    theirs = pytorch.size(pytorch.network(case.model, image.shape[1:]))
    if count != theirs:
        raise JaxadError(f"{case.name}: {count} parameters, PyTorch has {theirs}")
    other = pytorch.trainer(config, image, weights(params))
    times = alternate(
        run, lambda: other(pytorch.shuffled(len(image), case.steps, BATCH)), pairs
    )
    for name in ("ours", "theirs"):
        times[name] /= case.steps
    apart = disagreement(case, image[:BATCH])
    detail = (
        f"{count} parameters each; {case.steps} steps a timing; compiled in "
        f"{compile_seconds:.1f} s; first losses differ by {apart:.0e} at most"
    )
    extra = {"parameters": count, "compile_seconds": compile_seconds}
    return {"name": case.name, "detail": detail, **times, **extra, "loss_apart": apart}


def _segment(
    config: Config, image: np.ndarray, steps: int
) -> tuple[Callable[[], None], Any, float]:
    """The loop's own segment of so many steps, its first parameters, compile time."""
    loop, key, hparams = _program(config, len(image))
    data = _data(image)
    cut = (jnp.int32(0), jnp.int32(0), jnp.int32(steps))
    carry = jax.jit(loop.start)(key, hparams, data)
    params = jax.device_get(carry.state.model["params"])
    began = time.perf_counter()
    segment = jax.jit(loop.segment, donate_argnums=3)
    compiled = segment.lower(key, hparams, data, carry, *cut).compile()
    seconds = time.perf_counter() - began

    def run() -> None:
        nonlocal carry
        carry = jax.block_until_ready(compiled(key, hparams, data, carry, *cut))

    return run, params, seconds


def _program(config: Config, examples: int) -> tuple[Program, jax.Array, dict]:
    static = blank(config)
    hparams = {name: jnp.float32(value) for name, value in traced(config).items()}
    return (
        program(methods.build(static), static, examples),
        jax.random.key(config.seed),
        hparams,
    )


def _data(image: np.ndarray) -> TrainData:
    """All images to train on, the first batch to validate on."""
    rows, label = jnp.arange(len(image)), jnp.zeros(len(image), jnp.int32)
    stored = jnp.asarray(image)
    return TrainData(
        stored, label, rows, stored[:BATCH], label[:BATCH], jnp.arange(BATCH)
    )


@contextmanager
def beside_torch(what: str) -> Iterator[tuple[Any, str]]:
    """PyTorch with all usable cores, and its device that JAX's first one is; its
    settings come back afterwards. Raises JaxadError where it is missing."""
    torch = torch_or_error(what)
    gpu = jax.devices()[0].platform == "gpu" and torch.cuda.is_available()
    threads, exact = torch.get_num_threads(), torch.get_float32_matmul_precision()
    torch.set_num_threads(cores())
    try:
        yield torch, "cuda" if gpu else "cpu"
    finally:
        torch.set_num_threads(threads)
        torch.set_float32_matmul_precision(exact)


def place(device: str) -> str:
    """A device of PyTorch in words."""
    return "the GPU" if device == "cuda" else f"the CPU, {cores()} threads"


def torch_or_error(what: str) -> Any:
    """The package PyTorch; raises JaxadError where it is missing."""
    try:
        import torch
    except ImportError as error:
        raise JaxadError(
            f"benchmark {what} needs PyTorch: pip install jaxad[bench]"
        ) from error
    return torch
