"""What tells the members of a chunk apart, stacked and laid over devices."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxad.methods import Hparams
from jaxad.parallel import Layout


class LaneData(NamedTuple):
    """What tells a lane from the others of its group.

    key: of its random seed. rows: (n,) training rows of the pool, val_rows: (v,) those
    of what it validates on; padded as `take` reads them.
    tune_rows, test_rows: (V,), (T,) rows to score; below 0 is padding.
    tune_label: (V,) int32, 0 or 1. warm: a model to start from, or None. before: the
    fitted model of the stage before, or None. label: (P,) int32, of every image of the
    pool, for a method that learns from labels; None: all in rows are normal.
    """

    key: jax.Array
    hparams: Hparams
    rows: jax.Array
    val_rows: jax.Array
    tune_rows: jax.Array
    tune_label: jax.Array
    test_rows: jax.Array
    warm: Any = None
    before: Any = None
    label: jax.Array | None = None


_ROWS = ("key", "rows", "val_rows", "tune_rows", "tune_label", "test_rows", "label")


def stack(lanes: Sequence[LaneData], alike: bool) -> LaneData:
    """Data of lanes with a leading axis.

    alike: whether all have the same random seed and rows, which then are kept once and
    without that axis.
    """
    same = {name: getattr(lanes[0], name) for name in _ROWS} if alike else {}
    absent: dict[str, Any] = dict.fromkeys(same)
    apart = [lane._replace(**absent) for lane in lanes]
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *apart)._replace(**same)


def common(lanes: LaneData) -> dict[str, jax.Array]:
    """What stacked lanes have in common, by field."""
    return {} if lanes.key.ndim else {name: getattr(lanes, name) for name in _ROWS}


def wholes(lanes: LaneData) -> Any:
    """A tree that begins as stacked lanes do: True where it is what all have in common,
    without an axis of lanes."""
    marks: dict[str, Any] = dict.fromkeys(LaneData._fields, False)
    return LaneData(**(marks | dict.fromkeys(common(lanes), True)))


def placed(lanes: LaneData, layout: Layout) -> LaneData:
    """Stacked lanes on the devices of a layout: each has as many of them, and what all
    have in common."""
    same = common(lanes)
    absent: dict[str, Any] = dict.fromkeys(same)
    apart = layout.by_member(lanes._replace(**absent))
    return apart._replace(**layout.replicate(same))


def count(lanes: LaneData) -> int:
    """Number of stacked lanes."""
    return jax.tree.leaves(lanes.hparams)[0].shape[0]
