"""Tables in HTML, everything escaped, and words on arrays."""

import html
from collections.abc import Mapping, Sequence
from typing import Any

_LEFT = ' style="text-align: left"'


def html_table(
    title: str,
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    notes: Sequence[str] = (),
) -> str:
    """A compact table, first column to the left; `notes` are lines below it."""
    lines = [
        _row("th", header),
        *(_row("td", row) for row in rows),
    ]
    below = "<br>".join(html.escape(line) for line in notes)
    return (
        f"<p>{html.escape(title)}</p><table>{''.join(lines)}</table>"
        f"{f'<p>{below}</p>' if below else ''}"
    )


def _row(tag: str, cells: Sequence[str]) -> str:
    parts = [
        f"<{tag}{_LEFT if place == 0 else ''}>{html.escape(cell)}</{tag}>"
        for place, cell in enumerate(cells)
    ]
    return f"<tr>{''.join(parts)}</tr>"


def size(shape: Sequence[int]) -> str:
    """A shape in words, as in 28x28x1."""
    return "x".join(map(str, shape))


def scores_words(values: Any, maps: Any) -> str | None:
    """Names and numbers of scores and maps; None of what holds no arrays.

    Within a traced function, and where JAX puts other things into the places of the
    arrays, shapes may be missing.
    """
    if not isinstance(values, Mapping) or not isinstance(maps, Mapping):
        return None
    shapes = {name: getattr(array, "shape", None) for name, array in values.items()}
    if not shapes or None in shapes.values():
        return None
    first = next(iter(shapes.values()))
    words = f"{', '.join(shapes)}; shape {first}"
    if maps:
        of = {str(getattr(array, "shape", "?")) for array in maps.values()}
        words += f"; maps of {', '.join(maps)} {', '.join(sorted(of))}"
    return words


def scores_html(values: Mapping[str, Any], maps: Mapping[str, Any]) -> str:
    """The quartiles of each score, and the size of its map."""
    import numpy as np

    rows = []
    for name, array in values.items():
        flat = np.asarray(array).reshape(-1)
        ends = np.quantile(flat, (0, 0.25, 0.5, 0.75, 1)) if flat.size else []
        cells = [f"{end:.4g}" for end in ends] or [""] * 5
        own = maps.get(name)
        rows.append([name, *cells, "" if own is None else size(own.shape[1:])])
    count = len(np.asarray(next(iter(values.values())))) if values else 0
    title = f"Scores of {count:,} images; higher is more anomalous"
    header = ["score", "least", "25 %", "median", "75 %", "largest", "map"]
    return html_table(title, header, rows)
