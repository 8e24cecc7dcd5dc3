"""Checkpoints: Orbax saves and restores, digests decide what can be trusted."""

from jaxad.checkpoint.files import latest, steps
from jaxad.checkpoint.restore import Restored, restore
from jaxad.checkpoint.save import Checkpointer

__all__ = ["Checkpointer", "Restored", "latest", "restore", "steps"]
