"""How many images each split has, and how many none of them uses."""

from typing import Any

import numpy as np

from jaxad.config.data import Data
from jaxad.config.protocols import Defects, LeaveOut, OneClass
from jaxad.data.arrays import Source
from jaxad.data.splits import Split, Splits

_TOLD = 20


def counts(source: Source, splits: Splits, data: Data) -> dict[str, Any]:
    """Sizes by split: {"train" | "val" | "test" | "unused": {"normal", "anomalous"}},
    and "labelled" where there are labelled images to train on.

    Splits also tell "defects", the number of images of each defect. Unused are the
    images of the source, and of the other set of anomalies, that are in no split;
    copies that were made of images, and generated ones, are not counted there. The
    protocol `defects` uses all, and may count patches.
    """
    sizes: dict[str, Any] = {name: _sizes(part) for name, part in splits.parts.items()}
    if isinstance(data.protocol, Defects):
        return sizes
    normal, anomalous = _there(source, data)
    held = splits.val, splits.test
    used = int(np.sum(splits.train.row >= 0)) + sum(
        int(part.clean.sum()) for part in held
    )
    strange = sum(int(part.label.sum()) for part in held) if anomalous else 0
    sizes["unused"] = {"normal": normal - used, "anomalous": anomalous - strange}
    return sizes


def counts_line(sizes: dict[str, Any]) -> str:
    """What `counts` gives in one line.

    An entry may have "trained_on", whether the method at hand learns from labels.
    """
    words = {None: "", True: " (trained on)", False: " (left alone)"}
    parts = (
        f"{name} {size['normal']:,} normal + {size['anomalous']:,} anomalous"
        f"{words[size.get('trained_on')]}"
        for name, size in sizes.items()
    )
    return f"images: {'; '.join(parts)}"


def left_out_lines(source: Source) -> str:
    """What was left out of a folder, a line each, the first ones of many."""
    rows = source.left_out
    lines = [f"  {name}: {reason}" for name, reason in rows[:_TOLD]]
    more = [f"  and {len(rows) - _TOLD} more, in env.json"]
    images = len({name for name, _ in rows})
    head = f"left out for {len(rows)} problems: {images} images or other files"
    return "\n".join([head, *lines, *more[: len(rows) > _TOLD]])


def _sizes(part: Split) -> dict[str, Any]:
    strange = part.defect[~part.clean]
    kinds, number = np.unique(strange, return_counts=True)
    return {
        "normal": int(np.sum(part.label == 0)),
        "anomalous": int(np.sum(part.label == 1)),
        "defects": dict(zip(kinds.tolist(), number.tolist(), strict=True)),
    }


def _there(source: Source, data: Data) -> tuple[int, int]:
    """How many normal and anomalous images there are to make splits of."""
    label = _labels(source)
    protocol = data.protocol
    if isinstance(protocol, LeaveOut):
        strange = np.isin(label, (*protocol.tune, *protocol.test))
    elif isinstance(protocol, OneClass):
        strange = label != protocol.normal
    elif source.labelled:
        strange = label == 1
    else:
        others = 0 if source.other is None else len(_labels(source.other))
        return len(label), others
    return int(np.sum(~strange)), int(np.sum(strange))


def _labels(source: Source) -> np.ndarray:
    parts = [part for part in (source.train, source.test) if part is not None]
    return np.concatenate([part.label for part in parts])
