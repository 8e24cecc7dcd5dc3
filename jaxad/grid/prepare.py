"""Data of all members: splits, one pool of images, and each lane's rows of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from jaxad import methods
from jaxad.batches import share
from jaxad.config import Config, stages, traced
from jaxad.data import Places, Splits
from jaxad.grid.lane_data import LaneData, stack
from jaxad.grid.members import Group, Lane
from jaxad.grid.pool import Pool, Rows, Seen, form, padded
from jaxad.streams import root

PADDED = 1.25
"""How much larger than its own training set a lane's padded one may be."""
Split = Callable[[Config], Splits]
Form = tuple[Any, ...]


@dataclass
class Images:
    """The images of a sweep: a pool for each form, filled as configs ask for them.

    split: the splits of a config's data. Equal data and seed are split once.
    """

    split: Split
    _rows: dict[Any, tuple[Form, Rows]] = field(default_factory=dict)
    _pools: dict[Form, Pool] = field(default_factory=dict)

    def rows(self, config: Config) -> tuple[Form, Rows]:
        """The form of a config's images, and its rows of the pool of that form."""
        key = (config.data, config.split_seed)
        if key not in self._rows:
            splits = self.split(config)
            what = form(splits.train.image)
            pool = self._pools.setdefault(what, Pool())
            self._rows[key] = what, pool.add(splits)
        return self._rows[key]

    def seen(self, config: Config) -> Seen:
        """Its rows that the method of a config trains and validates on."""
        return self.rows(config)[1].seen(methods.labelled(config))

    def count(self, config: Config) -> int:
        """Images of the pool of a config's form."""
        return len(self._pools[self.rows(config)[0]])

    def pool(self, what: Form) -> np.ndarray | Places:
        """(N, H, W, C), the images of that form."""
        return self._pools[what].image


class Sizes(NamedTuple):
    """Lengths that the rows of every lane of a group are padded to.

    seen: of the validation examples that training looks at.
    alike: whether all lanes have the same rows and random seed.
    """

    train: int
    seen: int
    val: int
    test: int
    alike: bool


def sizes(group: Group, images: Images) -> Sizes:
    found = [images.rows(lane.config)[1] for lane in group.lanes]
    seen = [images.seen(lane.config) for lane in group.lanes]
    return Sizes(
        max(len(rows.train) for rows in seen),
        max(len(rows.val) for rows in seen),
        max(len(rows.val) for rows in found),
        max(len(rows.test) for rows in found),
        len({(lane.config.data, lane.config.seed) for lane in group.lanes}) == 1,
    )


def lane_data(
    lanes: Sequence[Lane],
    images: Images,
    sizes: Sizes,
    warm: Callable[[Config], Any],
    fitted: Mapping[Config, Any],
) -> LaneData:
    """Data of lanes, with a leading axis.

    warm: a config's model to start from. fitted: models of stages before, by config.
    """
    made = [
        _one(lane.config, images, sizes)._replace(
            warm=warm(lane.config),
            before=None if lane.before is None else fitted[lane.before],
        )
        for lane in lanes
    ]
    return stack(made, sizes.alike)


def _one(config: Config, images: Images, sizes: Sizes) -> LaneData:
    rows, seen = images.rows(config)[1], images.seen(config)
    label = np.zeros(sizes.val, np.int32)
    label[: len(rows.val)] = rows.val_label
    hparams = {name: jnp.float32(value) for name, value in traced(config).items()}
    known = None
    if seen.labels is not None:
        hparams |= share(seen.labels[0])
        known = np.zeros(images.count(config), np.int32)
        known[seen.train], known[seen.val] = seen.labels
    return LaneData(
        key=root(config.seed, stages.number(config)),
        hparams=hparams,
        rows=jnp.asarray(padded(seen.train, sizes.train)),
        val_rows=jnp.asarray(padded(seen.val, sizes.seen)),
        tune_rows=jnp.asarray(padded(rows.val, sizes.val)),
        tune_label=jnp.asarray(label),
        test_rows=jnp.asarray(padded(rows.test, sizes.test)),
        label=None if known is None else jnp.asarray(known),
    )


def forms(lanes: Sequence[Lane], images: Images) -> list[Any]:
    """What lanes of one group must share beside their static config.

    Their training sets, too, are of about one size: padding takes the place of images.
    """
    found = [images.rows(lane.config)[0] for lane in lanes]
    counts = [len(images.seen(lane.config).train) for lane in lanes]
    buckets: dict[int, int] = {}
    for count in sorted(set(counts)):
        least = max(buckets.values(), default=0)
        buckets[count] = least if count <= PADDED * least else count
    return [
        (what, buckets[count], lane.config.train.init_from is not None)
        for lane, what, count in zip(lanes, found, counts, strict=True)
    ]
