"""The results of a sweep as tables: for a terminal, for Markdown, for a notebook."""

import math

import numpy as np

from jaxad.display.tables import html_table
from jaxad.report.blocks import (
    Block,
    as_markdown,
    as_text,
    narrowed,
    number,
    without,
)
from jaxad.report.names import title
from jaxad.report.sweep.folder import SweepFolder, cut, reconstructs, value
from jaxad.report.sweep.held_out import BEST, cells, kinds, tasks

_BEST, _LONG = 10, 24
_CHANGE = "MSE anom-normal"
_LESS = "best minus this"
SPARE = ("95 % interval", "members", "F1-max*", "AP", _CHANGE, "detectors", _LESS)
"""Columns that a narrow terminal does without, in this order."""
_RATES = ("auroc", "precision", "recall", "f1", "fpr")
_ONCE = (
    "Settings were ranked on validation data alone; the test data was measured once, "
    "for the best."
)


def render_sweep(sweep: SweepFolder, width: int | None = None) -> str:
    """The results as text. width: columns of the terminal; None: no limit."""
    parts = [as_text(narrowed(x, SPARE, width)) for x in sweep_blocks(sweep)]
    return "\n\n".join([*parts, *remarks(sweep)])


def sweep_markdown(sweep: SweepFolder) -> str:
    """The same tables for a results page."""
    parts = []
    for block in sweep_blocks(sweep):
        parts += [f"{sweep.path.name}: {block.title}", as_markdown(block)]
    return "\n\n".join([*parts, *remarks(sweep)]) + "\n"


def sweep_html(sweep: SweepFolder) -> str:
    """The leaderboard as an HTML table, everything escaped."""
    return html_table(*leaderboard_block(sweep, 20), notes=remarks(sweep))


def sweep_blocks(sweep: SweepFolder) -> list[Block]:
    """Leaderboard, held-out results, with `each` AUROC by its values, with `every` all
    settings by each score."""
    if not sweep.ranked:
        return []
    blocks = [leaderboard_block(sweep), held_out_block(sweep)]
    if sweep.each is not None:
        blocks.append(each_block(sweep))
    return blocks + every_blocks(sweep)


def leaderboard_block(sweep: SweepFolder, count: int = _BEST) -> Block:
    """The best settings; those without a rank are not in it."""
    board = sweep.leaderboard
    shown = min(sweep.ranked, count)
    lines = []
    for row in range(shown):
        at = {name: column[row] for name, column in board.number.items()}
        lines.append(
            [
                f"{int(at['rank'])}",
                *(cut(value(board.text[name][row])) for name in sweep.axes),
                f"{int(at['members'])}",
                f"{int(at['failed'])}",
                spread(at["auroc"], at["auroc_sd"]),
                exact(at["average_precision"]),
                _small(at["difference"]),
                _small(at["val_loss"]),
                cut(board.text["flag"][row] or board.text["reason"][row], 40),
            ]
        )
    header = ["rank", *map(sweep.short, sweep.axes), "members", "failed"]
    header += ["AUROC", "AP", _CHANGE, "val loss", "note"]
    if all(not line[-1] for line in lines):
        header, lines = header[:-1], [line[:-1] for line in lines]
    of = f"best {shown} of {len(board)} settings"
    words = f"Leaderboard on validation data: {of} by {sweep.words()}"
    block = Block(words, header, lines)
    return block if reconstructs(sweep) else without(block, _CHANGE)


def held_out_block(sweep: SweepFolder) -> Block:
    """The held-out table; of a long one with `each`, the rows of the best alone."""
    table, found = sweep.held_out, cells(sweep)
    rows = list(range(len(table)))
    cutting = len(found) > 1 and len(rows) > _LONG
    if cutting:
        rows = [row[BEST] for row in found.values() if BEST in row]
    lines = [_measured(sweep, row, len(found) > 1) for row in rows]
    rules = dict.fromkeys(table.text["rule"])
    rule = ", ".join(f"{r} (oracle)" if r == "f1_max_test" else r for r in rules)
    header = ["row", "detectors", "AUROC", "95 % interval", "AP", "F1", "recall"]
    header += ["FPR", "F1-max*", _LESS]
    if all(not line[-1] for line in lines):
        header, lines = header[:-1], [line[:-1] for line in lines]
    more = "; all rows are in held_out.csv" if cutting else ""
    words = f"Held-out test data; F1, recall, FPR (false alarm rate) at {rule}"
    return Block(f"{words}; * oracle, tuned on test labels{more}", header, lines)


def _measured(sweep: SweepFolder, row: int, whole: bool) -> list[str]:
    at = {name: column[row] for name, column in sweep.held_out.number.items()}
    name = sweep.held_out.text["row"][row]
    name = name if whole else title(name.removeprefix("best: "))
    less = ""
    if math.isfinite(at["best_minus"]):
        low, high = at["best_minus_low"], at["best_minus_high"]
        less = f"{at['best_minus']:+.4f} [{low:+.4f}, {high:+.4f}]"
    return [
        cut(name, 60),
        f"{int(at['detectors'])}",
        spread(at["auroc"], at["auroc_sd"]),
        f"{exact(at['auroc_low'])}-{exact(at['auroc_high'])}",
        exact(at["average_precision"]),
        spread(at["f1"], at["f1_sd"]),
        exact(at["recall"]),
        exact(at["fpr"]),
        exact(at["f1_max"]),
        less,
    ]


def each_block(sweep: SweepFolder) -> Block:
    """AUROC by value of `each`, a column a kind of detector, and the mean of tasks."""
    found, names = cells(sweep), kinds(sweep)
    table = sweep.held_out.number
    lines = []
    for cell, rows in found.items():
        line = [cut(value(cell))]
        for kind in names:
            row = rows.get(kind)
            sd = (
                table["auroc_sd"][row] if kind == BEST and row is not None else math.nan
            )
            line.append("" if row is None else spread(table["auroc"][row], sd))
        lines.append(line)
    means = []
    for kind in names:
        places = [rows.get(kind) for rows in found.values()]
        all_there = None not in places
        chosen = table["auroc"][np.array(places, int)] if all_there else np.array([])
        means.append(exact(float(chosen.mean())) if all_there else "incomplete")
    if tasks(sweep):
        lines.append(["mean", *means])
    words = f"AUROC of {title(sweep.score)} on held-out test data by {sweep.each}"
    header = [sweep.short(sweep.each or ""), *map(title, names)]
    return Block(words, header, lines)


def every_blocks(sweep: SweepFolder) -> list[Block]:
    """All settings on held-out data, a table for each score; long ones only as file."""
    table = sweep.every
    blocks = []
    for score in dict.fromkeys(table.text.get("score", [])):
        rows = [i for i, name in enumerate(table.text["score"]) if name == score]
        if len(rows) > _LONG:
            continue
        lines = []
        for row in rows:
            at = {name: column[row] for name, column in table.number.items()}
            pairs = [spread(at[name], at[f"{name}_sd"]) for name in _RATES]
            lines.append(
                [*(cut(value(table.text[n][row])) for n in sweep.axes), *pairs]
            )
        rule = ", ".join(dict.fromkeys(table.text["rule"][row] for row in rows))
        words = f"All settings on held-out test data by {title(score)}, limit {rule}"
        header = [*map(sweep.short, sweep.axes), "AUROC", "precision", "recall", "F1"]
        blocks.append(Block(words, [*header, "FPR"], lines))
    return blocks


def _failed(sweep: SweepFolder) -> list[str]:
    """One paragraph on the settings without a rank."""
    board = sweep.leaderboard
    rows = range(sweep.ranked, len(board))
    if not rows:
        return []
    words = [
        f"{sweep.label(board, row)} ({board.text['reason'][row] or 'no value'})"
        for row in rows[:3]
    ]
    more = f"; and {len(rows) - 3} more" if len(rows) > 3 else ""
    return [f"Without a rank, {len(rows)}: {'; '.join(words)}{more}."]


def remarks(sweep: SweepFolder) -> list[str]:
    once = _ONCE
    if not sweep.ranked:
        once = "No setting could be ranked; nothing was measured on the test data."
    return [*_failed(sweep), once]


def spread(mean: float, sd: float) -> str:
    """Mean ± sd; the mean alone where there is one value."""
    return exact(mean) if math.isnan(sd) else f"{exact(mean)} ± {sd:.4f}"


def exact(metric: float) -> str:
    return "undefined" if math.isnan(metric) else number(metric)


def _small(metric: float) -> str:
    return "undefined" if math.isnan(metric) else f"{metric:.4g}"
