"""What of a finished run is told elsewhere: its numbers, and pictures of examples."""

from typing import Any

import numpy as np

from jaxad.report import RunFolder


def final(run: RunFolder) -> dict[str, float]:
    """The numbers of a finished run by the names they have elsewhere; what is undefined
    is not there. Numbers tuned on test labels have `oracle` in their name."""
    found: dict[str, Any] = {}
    for name in run.names:
        entry = run.metrics["image"][name]
        own = f"final/{name}"
        found[f"{own}/auroc"] = entry["auroc"]
        found[f"{own}/average_precision"] = entry["average_precision"]
        found[f"{own}/f1_max_oracle"] = entry["f1_max"]
        for rule, at in entry["at"].items():
            place = f"{own}/{rule}" + "_oracle" * (at["status"] == "oracle")
            found |= {
                f"{place}/{rate}": at.get(rate) for rate in ("f1", "recall", "fpr")
            }
            limits = run.thresholds.get(name, {}).get(rule, {})
            found |= {
                f"{place}/{side}": limits.get(side) for side in ("lower", "upper")
            }
    return {
        name: float(value)
        for name, value in found.items()
        if value is not None and np.isfinite(value)
    }


def panels(run: RunFolder) -> dict[str, np.ndarray]:
    """Pictures of some test images by name, (H, W', C) uint8: the image, beside it the
    reconstruction and the map, where there are such; maps share one scale."""
    shown, found = run.examples, {}
    for row, about in enumerate(shown.index):
        parts = [shown.image[row]]
        if shown.recon is not None:
            parts.append(shown.recon[row])
        if shown.map is not None:
            values, scale = shown.map[row], shown.scale
            low, high = (scale.low, scale.high) if scale else (0.0, shown.map.max())
            grey = (values - low) / max(high - low, np.finfo(np.float32).tiny)
            parts.append(np.repeat(grey[..., None], parts[0].shape[2], 2))
        whole = np.clip(np.concatenate(parts, 1), 0, 1)
        kind = "anomalous" if about["label"] else "normal"
        name = f"examples/{kind}_{about['why']}/{about['id']}"
        found[name] = np.rint(255 * whole).astype(np.uint8)
    return found
