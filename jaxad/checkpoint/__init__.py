"""Checkpoints: Orbax saves and restores, digests decide what can be trusted."""

from jaxad.checkpoint.files import latest, steps
from jaxad.checkpoint.restore import Restored, differences, restore, trusted
from jaxad.checkpoint.save import Checkpointer

__all__ = [
    "Checkpointer",
    "Restored",
    "differences",
    "latest",
    "restore",
    "steps",
    "trusted",
]
