"""The results of a run as rows, and as text for a terminal."""

from collections.abc import Callable
from typing import Any, NamedTuple

from jaxad.report.blocks import Block, as_text, narrowed, number
from jaxad.report.folder import RunFolder
from jaxad.report.names import title
from jaxad.report.rules import limits, marks, measured

_METRICS = {
    "auroc": "AUROC",
    "auroc_interval": "95 % interval",
    "average_precision": "AP",
    "f1": "F1",
    "fpr": "FPR",
    "recall": "recall",
    "f1_max": "F1-max*",
}
_AT = ("f1", "fpr", "recall", "precision")
_FEW = 20
"""Normal validation images below which even a rate of 5 % is no whole one."""
WHY = {
    "f1": "there are no anomalous examples",
    "recall": "there are no anomalous examples",
    "fpr": "there are no normal examples",
    "precision": "nothing is called anomalous",
}
"""Why a rate at a threshold is undefined."""


def rows(run: RunFolder) -> list[dict[str, Any]]:
    """A dict for each detector: the model's scores, the baselines, the trivial rows.

    Keys: name; kind ("model", "baseline" or "trivial"); auroc, auroc_interval,
    average_precision, f1_max; f1, fpr, recall, precision at `rule` (the run's primary
    rule, or a trivial row's own); status of these ("deployable" or "oracle"); seconds
    for training and scoring; undefined, metric -> reason. What is undefined or was not
    measured is None.
    """
    images = [
        _row(run, name, run.metrics["image"][name])
        for name in sorted(run.names, key=run.is_baseline)
    ]
    trivial = [
        _row(run, name, {"detector": "trivial", **entry})
        for name, entry in run.metrics["trivial"].items()
    ]
    return images + trivial


def _row(run: RunFolder, name: str, entry: dict[str, Any]) -> dict[str, Any]:
    rule, points = run.primary[1], entry.get("at", {})
    trivial = "status" in entry
    if trivial and rule not in points and len(points) == 1:
        (rule,) = points
    at = points.get(rule, {})
    missing = dict.fromkeys(_AT, f"the rule {rule} was not fitted")
    undefined = {**(WHY if at else missing), **entry.get("undefined", {})}
    kind = "trivial" if trivial else entry["detector"]
    return {
        "name": name,
        "kind": kind,
        **{key: entry.get(key) for key in _METRICS if key not in _AT},
        **{key: at.get(key) for key in _AT},
        "rule": rule,
        "status": entry.get("status") or at.get("status"),
        "seconds": _seconds(run, name, kind),
        "undefined": undefined,
    }


def _seconds(run: RunFolder, name: str, kind: str) -> float | None:
    """Time to compile, train and score; all scores of the model share its own."""
    spent = run.env.get("seconds", {})
    own = spent.get("model" if kind == "model" else name)
    if kind == "trivial" or not own:
        return None
    before = own.get("fit", spent.get("compile", 0.0) + spent.get("train", 0.0))
    return before + own.get("score", 0.0)


class Tables(NamedTuple):
    """The tables of a run; reasons of what is undefined in them, each beginning with
    the letter that stands for it; lines on the fit and on what else was measured."""

    blocks: list[Block]
    reasons: list[str]
    summary: list[str]


def tables(run: RunFolder) -> Tables:
    """All tables of a run, that of the detectors first."""
    reasons: dict[str, str] = {}

    def undefined(reason: str) -> str:
        letter = reasons.setdefault(reason, chr(ord("a") + len(reasons)))
        return f"undefined ({letter})"

    blocks = _blocks(run, undefined)
    lines = [f"({letter}) {reason}" for reason, letter in reasons.items()]
    return Tables(blocks, lines, _summary(run))


def render(run: RunFolder, width: int | None = None) -> str:
    """The results as text. width: columns of the terminal; None: no limit.

    Where there is no room the intervals, then the seconds, are left out. Reasons of
    undefined numbers stand below the tables.
    """
    blocks, reasons, summary = tables(run)
    blocks[0] = narrowed(blocks[0], ("95 % interval", "seconds"), width)
    parts = [as_text(block) for block in blocks]
    below = ("\n".join(lines) for lines in (reasons, summary) if lines)
    return "\n\n".join([*parts, *below])


def _blocks(run: RunFolder, undefined: Callable[[str], str]) -> list[Block]:
    blocks = [results_block(run, undefined), _rules(run, undefined)]
    if run.metrics.get("pixel"):
        blocks.append(_pixels(run, undefined))
    if run.metrics.get("defects"):
        blocks.append(_defects(run, undefined))
    if run.metrics.get("curve"):
        blocks.append(_levels(run, run.metrics["curve"], "level of"))
    for noise in run.metrics.get("robustness") or []:
        blocks.append(_levels(run, noise, "all test images with"))
    return blocks


def results_block(run: RunFolder, undefined: Callable[[str], str]) -> Block:
    lines = []
    for row in rows(run):
        cells = [title(row["name"])]
        for key in _METRICS:
            cells.append(_cell(row, key, undefined))
        seconds = row["seconds"]
        cells += [row["status"] or "", "" if seconds is None else f"{seconds:.1f}"]
        lines.append(cells)
    header = ["detector", *_METRICS.values(), "status", "seconds"]
    words = (
        f"Test data; F1, FPR (false alarm rate) and recall at {run.primary[1]}; "
        "* oracle, tuned on test labels"
    )
    return Block(words, header, lines)


def _cell(row: dict[str, Any], key: str, undefined: Callable[[str], str]) -> str:
    value = row[key]
    if key == "auroc_interval":
        known = value and None not in value
        return f"{number(value[0])}-{number(value[1])}" if known else ""
    if value is None:
        return undefined(row["undefined"].get(key, "no reason given"))
    return number(value)


def _rules(run: RunFolder, undefined: Callable[[str], str]) -> Block:
    name = run.primary[0]
    lines = []
    for mark in marks(run, name):
        at = measured(run, name, mark)
        cells = [
            undefined(WHY[key]) if at[key] is None else number(at[key])
            for key in ("precision", "recall", "fpr", "f1")
        ]
        words = limits(mark.lower, mark.upper)
        lines.append([mark.rule, words, *cells, mark.fit_on, mark.status])
    header = ["rule", "anomalous at score", "precision", "recall", "FPR", "F1"]
    words = f"Thresholds of {title(name)}"
    return Block(words, [*header, "fitted on", "status"], lines)


def _pixels(run: RunFolder, undefined: Callable[[str], str]) -> Block:
    """Of the maps of test images, by pixel."""
    lines = [
        [title(name), *(_known(entry[key], undefined) for key in _PIXEL)]
        for name, entry in run.metrics["pixel"].items()
    ]
    words = "Pixels of the test images; AUPRO up to a false positive rate of .3"
    return Block(words, ["map", *_PIXEL.values()], lines)


def _defects(run: RunFolder, undefined: Callable[[str], str]) -> Block:
    """A row a score, a column a kind of defect."""
    found = run.metrics["defects"]
    kinds = {kind: each["n"] for kind, each in next(iter(found.values())).items()}
    lines = [
        [
            title(name),
            *(_known(found[name][kind]["auroc"], undefined) for kind in kinds),
        ]
        for name in run.names
        if name in found
    ]
    header = ["detector", *(f"{kind} ({number})" for kind, number in kinds.items())]
    return Block("AUROC of each kind of defect (images) against normal", header, lines)


def _known(value: float | None, undefined: Callable[[str], str]) -> str:
    return undefined("one class only") if value is None else number(value)


def _levels(run: RunFolder, curve: dict[str, Any], words: str) -> Block:
    lines = []
    for name in run.names:
        if name in curve["auroc"]:
            values = curve["auroc"][name]
            cells = ["undefined" if v is None else number(v) for v in values]
            lines.append([title(name), *cells])
    header = ["level", *(f"{level:g}" for level in curve["levels"])]
    return Block(f"AUROC by {words} {title(curve['kind'])}", header, lines)


def _summary(run: RunFolder) -> list[str]:
    """Lines on the fit, on the reconstructions and the latents, of what the run
    measured, and on thresholds that stand on few images."""
    lines = []
    normals = int((run.labels("val") == 0).sum())
    if normals < _FEW:
        lines.append(
            f"Thresholds stand on {normals} normal validation images: too few to tell "
            "how often they give a false alarm"
        )
    fit = run.metrics["fit"]
    for values, words in (
        (fit, "Kept epoch {best_epoch} of {epochs}: "),
        (run.metrics.get("reconstruction") or {}, "Reconstruction: "),
        (run.metrics.get("latent") or {}, "Latents: "),
    ):
        shown = [
            f"{key.replace('_', ' ')} {value:.4g}"
            for key, value in values.items()
            if isinstance(value, int | float) and key not in ("best_epoch", "epochs")
        ]
        if shown:
            lines.append(words.format_map(fit) + ", ".join(shown))
    return lines


_PIXEL = {
    "auroc": "AUROC",
    "average_precision": "AP",
    "f1_max": "F1-max (oracle)",
    "aupro": "AUPRO",
}
