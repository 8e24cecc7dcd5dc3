"""Tables of words: as text for a terminal, and as Markdown."""

from collections.abc import Sequence
from typing import NamedTuple


class Block(NamedTuple):
    """A table of words: first column to the left, all others to the right."""

    title: str
    header: list[str]
    rows: list[list[str]]


def number(value: float) -> str:
    """Four decimals that never round to a perfect 0 or 1."""
    words = f"{value:.4f}"
    if words == "1.0000" and value < 1:
        return ">0.9999"
    return "<0.0001" if words == "0.0000" and value > 0 else words


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
