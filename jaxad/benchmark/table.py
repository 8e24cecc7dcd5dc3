"""A benchmark's result as plain text, and where it was measured."""

import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from jaxad.environment import cores

PACKAGES = ("jaxad", "jax", "jaxlib", "flax", "optax", "torch", "scikit-learn", "numpy")


def environment() -> dict[str, Any]:
    """Processor, usable cores, and versions of what is compared."""
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {"processor": _processor(), "cores": cores(), "versions": versions}


def text(result: dict[str, Any]) -> str:
    """The result of `jaxad.benchmark.run` as several lines."""
    where = result["environment"]
    lines = [
        result["note"],
        f"{where['processor']}, {where['cores']} cores; "
        + ", ".join(f"{name} {v}" for name, v in where["versions"].items()),
        "",
        f"{'':28}{'jaxad':>12}{'other':>12}   ratio (of each pair: least - largest)",
    ]
    for row in result["rows"]:
        ratios = (
            f"{row['ratio']:8.2f} ({row['ratio_min']:.2f} - {row['ratio_max']:.2f})"
        )
        times = f"{row['ours'] * 1e3:9.2f} ms{row['theirs'] * 1e3:9.2f} ms"
        lines += [f"{row['name']:28}{times}{ratios}", f"    {row['detail']}"]
    return "\n".join(lines)


def _processor() -> str:
    """The processor's name; Python itself knows it on few systems."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
