"""A run in one line, and as a table for a notebook."""

from jaxad.display.tables import html_table, size
from jaxad.report.blocks import number, without
from jaxad.report.folder import RunFolder
from jaxad.report.table import results_block, rows


def html(run: RunFolder) -> str:
    """The results of all detectors, everything escaped, without what they took."""
    block = results_block(run, lambda reason: f"undefined: {reason}")
    return html_table(*without(block, "seconds"))


def short(run: RunFolder) -> str:
    """The folder of a run, its primary score, and how well that does."""
    name, rule = run.primary
    own = next(row for row in rows(run) if row["name"] == name)
    shown = [
        f"{words} {'undefined' if own[key] is None else number(own[key])}"
        for key, words in (("auroc", "AUROC"), ("f1", f"F1 at {rule}"))
    ]
    shape = run.env.get("image_shape")
    images = f"images {size(shape)}, " if shape else ""
    return f"{run.path.name!r}, {images}{name}: {', '.join(shown)}"
