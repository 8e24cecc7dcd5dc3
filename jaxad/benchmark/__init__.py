"""Speed beside other packages, measured side by side in one run.

Machines and their load differ from hour to hour; a ratio of neighbours in time does
not. Every benchmark therefore times A B A B ... and reports the ratio of each pair.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from jaxad.benchmark import (
    auroc,
    conv,
    devices,
    pixels,
    steps,
    sweep,
    table,
    throughput,
)
from jaxad.errors import ConfigError
from jaxad.folder import write_json

Rows = list[dict[str, Any]]

BENCHMARKS: dict[str, Callable[[], tuple[str, Rows]]] = {
    "train": steps.measure,
    "sweep": sweep.measure,
    "conv": conv.measure,
    "throughput": throughput.measure,
    "auroc": auroc.measure,
    "pixels": pixels.measure,
    "devices": devices.measure,
}


def run(what: str, out: str | Path | None = None) -> dict[str, Any]:
    """Run a benchmark; `table.text` makes a table of the result.

    Args:
      what: `train` (a training step beside PyTorch), `sweep` (a grid's steps beside
        its members one by one), `conv` (the SEM networks, likewise), `throughput`
        (grids of one to 512 members, float32 and bfloat16, beside PyTorch), `auroc` or
        `pixels` (metrics of images and of maps beside scikit-learn), `devices` (a
        grid over several devices beside one).
      out: file to write the result to, as JSON.

    Returns:
      {"what", "note", "environment", "rows"}: times in seconds, ratios > 1 where jaxad
      is the faster one.

    Raises:
      ConfigError: unknown benchmark.
      JaxadError: PyTorch is not installed.
    """
    if what not in BENCHMARKS:
        raise ConfigError(f"no benchmark {what!r}; choose from {', '.join(BENCHMARKS)}")
    note, rows = BENCHMARKS[what]()
    where = table.environment()
    result = {"what": what, "note": note, "environment": where, "rows": rows}
    if out is not None:
        write_json(out, result)
    return result
