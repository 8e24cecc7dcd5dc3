"""The results of a run as pandas frames."""

from typing import Any

import pandas

from jaxad.report.folder import RunFolder
from jaxad.report.rules import marks, measured
from jaxad.report.table import rows

_COUNTS = ("tp", "fp", "fn", "tn")
_RATES = ("precision", "recall", "fpr", "f1")
_PIXEL = {
    "auroc": "pixel_auroc",
    "average_precision": "pixel_average_precision",
    "f1_max": "pixel_f1_max_oracle",
    "aupro": "pixel_aupro",
}


def table(run: RunFolder) -> pandas.DataFrame:
    """See `jaxad.report.notebook.Shown.table`."""
    lines = []
    for row in rows(run):
        low, high = row["auroc_interval"] or (None, None)
        line = {"name": row["name"], "kind": row["kind"], "auroc": row["auroc"]}
        line |= {"auroc_low": low, "auroc_high": high}
        line |= {"average_precision": row["average_precision"], "rule": row["rule"]}
        line |= {key: row[key] for key in ("f1", "recall", "precision", "fpr")}
        line |= {"status": row["status"], "f1_max_oracle": row["f1_max"]}
        if run.metrics.get("pixel"):
            line |= _pixels(run, row)
        lines.append(line)
    return _numbers(lines, "name", words=("kind", "rule", "status"))


def _pixels(run: RunFolder, row: dict[str, Any]) -> dict[str, Any]:
    # A trivial row may be called as a score is.
    own = run.metrics["pixel"].get(row["name"], {}) if row["kind"] != "trivial" else {}
    return {column: own.get(key) for key, column in _PIXEL.items()}


def rules(run: RunFolder, name: str) -> pandas.DataFrame:
    """See `jaxad.report.notebook.Shown.rules`."""
    lines = []
    for mark in marks(run, name):
        at = measured(run, name, mark)
        line = {"rule": mark.rule, "lower": mark.lower, "upper": mark.upper}
        line |= {"fit_on": mark.fit_on, "status": mark.status}
        line |= {key: at[key] for key in (*_COUNTS, *_RATES)}
        for key in ("recall", "fpr"):
            low, high = at.get(f"{key}_interval") or (None, None)
            line |= {f"{key}_low": low, f"{key}_high": high}
        lines.append(line)
    return _numbers(lines, "rule", words=("fit_on", "status", *_COUNTS))


def _numbers(
    lines: list[dict[str, Any]], index: str, words: tuple[str, ...]
) -> pandas.DataFrame:
    """A frame whose columns are float64, NaN for None, but for `words`."""
    frame = pandas.DataFrame(lines).set_index(index)
    own = [name for name in frame if name not in words]
    return frame.astype(dict.fromkeys(own, "float64"))
