"""jaxad: image anomaly detection with autoencoders, in JAX.

import jaxad

config = jaxad.load_config("configs/mnist_salt_pepper/cae.py")
run = jaxad.train(config)
scores = jaxad.score(run, images)
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jaxad import (
        baselines,
        config,
        data,
        export,
        methods,
        metrics,
        models,
        parallel,
        program,
        report,
        threshold,
        types,
    )
    from jaxad.config import Config, load_config
    from jaxad.estimator import AutoencoderDetector
    from jaxad.generated import sample
    from jaxad.new_images import score
    from jaxad.run import train
    from jaxad.saved import load_run
    from jaxad.search import sweep

__version__ = "0.1.0"

__all__ = [
    "AutoencoderDetector",
    "Config",
    "__version__",
    "baselines",
    "config",
    "data",
    "export",
    "load_config",
    "load_run",
    "methods",
    "metrics",
    "models",
    "parallel",
    "program",
    "report",
    "sample",
    "score",
    "sweep",
    "threshold",
    "train",
    "types",
]

# What is not here is a module. Everything is imported when it is first used: the
# command line has to answer a misspelt option without waiting for JAX.
_HOME = {
    "AutoencoderDetector": "jaxad.estimator",
    "Config": "jaxad.config",
    "load_config": "jaxad.config",
    "load_run": "jaxad.saved",
    "sample": "jaxad.generated",
    "score": "jaxad.new_images",
    "sweep": "jaxad.search",
    "train": "jaxad.run",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'jaxad' has no attribute {name!r}")
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    return importlib.import_module(f"jaxad.{name}")


def __dir__() -> list[str]:
    return sorted(__all__)
