"""The results of a run as rows, and as text for a terminal."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

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
_AT = ("f1", "fpr", "recall")
_WHY = {
    "f1": "there are no anomalous examples",
    "recall": "there are no anomalous examples",
    "fpr": "there are no normal examples",
    "precision": "nothing is called anomalous",
}


class Block(NamedTuple):
    """A table of words: first column to the left, all others to the right."""

    title: str
    header: list[str]
    rows: list[list[str]]


def rows(run: RunFolder) -> list[dict[str, Any]]:
    """A dict for each detector: the model's scores, the baselines, the trivial rows.

    Keys: name; kind ("model", "baseline" or "trivial"); auroc, auroc_interval,
    average_precision, f1_max; f1, fpr, recall at `rule` (the run's primary rule, or a
    trivial row's own); status of these ("deployable" or "oracle"); seconds for
    training and scoring; undefined, metric -> reason. What is undefined or was not
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
    undefined = {**(_WHY if at else missing), **entry.get("undefined", {})}
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


def render(run: RunFolder, width: int | None = None) -> str:
    """The results as text. width: columns of the terminal; None: no limit.

    Where there is no room the intervals, then the seconds, are left out. Reasons of
    undefined numbers stand below the tables.
    """
    reasons: dict[str, str] = {}

    def undefined(reason: str) -> str:
        letter = reasons.setdefault(reason, chr(ord("a") + len(reasons)))
        return f"undefined ({letter})"

    blocks = _blocks(run, undefined)
    blocks[0] = narrowed(blocks[0], ("95 % interval", "seconds"), width)
    parts = [as_text(block) for block in blocks]
    if reasons:
        parts.append("\n".join(f"({x}) {reason}" for reason, x in reasons.items()))
    return "\n\n".join([*parts, *_summary(run)])


def _blocks(run: RunFolder, undefined: Callable[[str], str]) -> list[Block]:
    blocks = [_results(run, undefined), _rules(run, undefined)]
    return blocks + ([_levels(run)] if run.metrics.get("curve") else [])


def _results(run: RunFolder, undefined: Callable[[str], str]) -> Block:
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


def number(value: float) -> str:
    """Four decimals that never round to a perfect 0 or 1."""
    words = f"{value:.4f}"
    if words == "1.0000" and value < 1:
        return ">0.9999"
    return "<0.0001" if words == "0.0000" and value > 0 else words


def _rules(run: RunFolder, undefined: Callable[[str], str]) -> Block:
    name = run.primary[0]
    lines = []
    for mark in marks(run, name):
        at = measured(run, name, mark)
        cells = [
            undefined(_WHY[key]) if at[key] is None else number(at[key])
            for key in ("precision", "recall", "fpr", "f1")
        ]
        words = limits(mark.lower, mark.upper)
        lines.append([mark.rule, words, *cells, mark.fit_on, mark.status])
    header = ["rule", "anomalous at score", "precision", "recall", "FPR", "F1"]
    words = f"Thresholds of {title(name)}"
    return Block(words, [*header, "fitted on", "status"], lines)


def _levels(run: RunFolder) -> Block:
    curve = run.metrics["curve"]
    lines = []
    for name in run.names:
        if name in curve["auroc"]:
            values = curve["auroc"][name]
            cells = ["undefined" if v is None else number(v) for v in values]
            lines.append([title(name), *cells])
    header = ["level", *(f"{level:g}" for level in curve["levels"])]
    return Block(f"AUROC by level of {title(curve['kind'])}", header, lines)


def _summary(run: RunFolder) -> list[str]:
    """One line on the fit and one on the reconstructions, of what the run measured."""
    lines = []
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
    return ["\n".join(lines)] if lines else []


def narrowed(block: Block, spare: Sequence[str], width: int | None) -> Block:
    """A block without as many of its spare columns as do not fit into `width`."""
    for column in spare:
        lines = as_text(block).splitlines()[1:]
        if width and column in block.header and max(map(len, lines)) > width:
            block = without(block, column)
    return block


def without(block: Block, column: str) -> Block:
    """A block without one of its columns."""
    place = block.header.index(column)
    cut = [row[:place] + row[place + 1 :] for row in (block.header, *block.rows)]
    return Block(block.title, cut[0], cut[1:])


def as_text(block: Block) -> str:
    """A block as lines of text, its title first."""
    lines = [block.header, *block.rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = [
        "  ".join(
            [
                line[0].ljust(widths[0]),
                *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True)),
            ]
        )
        for line in lines
    ]
    padded.insert(1, "-" * len(padded[0]))
    return "\n".join([block.title, *padded])


def as_markdown(block: Block) -> str:
    """The lines of a block as a Markdown table, without its title."""
    rule = ["---"] + ["---:"] * (len(block.header) - 1)
    lines = (block.header, rule, *block.rows)
    escaped = ([cell.replace("|", r"\|") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in escaped)
