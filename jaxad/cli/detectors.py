"""The verbs that use a finished run as a detector: `jaxad score`, `jaxad export`."""

import csv
from pathlib import Path
from typing import Any

from jaxad.cli.answers import Answer
from jaxad.cli.arguments import Parser
from jaxad.cli.folders import check_run
from jaxad.cli.pages import EXPORT, SCORE
from jaxad.errors import DataError


def score(args: list[str]) -> Answer:
    parser = Parser(prog="jaxad score", page=SCORE)
    parser.add_argument(
        "run", metavar="RUN", type=Path, help="a run folder, or an artefact"
    )
    parser.add_argument(
        "images",
        metavar="IMAGES",
        type=Path,
        nargs="+",
        help="files, and folders of them; names that begin with - go after --",
    )
    parser.add_argument("--out", metavar="DIR", type=Path, help="where to write")
    parser.add_argument("--maps", action="store_true", help="anomaly maps as well")
    parser.add_argument(
        "--threshold",
        metavar="X",
        type=float,
        help="of the first score, as chosen in the report: an image is anomalous at X "
        "or above; beside the fitted rules",
    )
    given = parser.read(args)
    if not (given.run / "contract.json").is_file():
        check_run(given.run)
    for image in given.images:
        if not image.exists():
            raise DataError(f"no image {image}")

    from jaxad.new_images import score_files
    from jaxad.progress import Reporter

    with Reporter(given.quiet):
        where = score_files(
            given.run, given.images, given.out, given.maps, given.threshold
        )
    return _scored(where)


def _scored(scored: Path) -> Answer:
    """How many images the first rule called anomalous, and where the scores are."""
    with open(scored / "scores.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    column = next((name for name in rows[0] if name.startswith("anomalous_")), None)
    rule = column and column.removeprefix("anomalous_")
    called = sum(row[column] == "1" for row in rows) if column else None
    text = f"{called} of {len(rows)} images called anomalous by {rule}"
    if column is None:
        text = f"{len(rows)} images scored; the run has no rule to call them by"
    value = {"path": str(scored.resolve()), "images": len(rows), "rule": rule}
    value |= {"anomalous": called, "rows": [_typed(row) for row in rows]}
    return Answer(lambda: f"{text}\nscores: {scored.resolve()}", lambda: value)


def _typed(row: dict[str, str]) -> dict[str, Any]:
    """A row of scores.csv, its scores as numbers and its calls as true or false."""
    return {
        name: cell
        if name == "id"
        else cell == "1"
        if name.startswith("anomalous_")
        else float(cell)
        for name, cell in row.items()
    }


def export(args: list[str]) -> Answer:
    parser = Parser(prog="jaxad export", page=EXPORT)
    parser.add_argument("run", metavar="RUN", type=Path, help="a run folder")
    parser.add_argument(
        "--out",
        metavar="DIR",
        type=Path,
        help="where to write, by default export/ in the run folder; an artefact that "
        "is there is replaced",
    )
    given = parser.read(args)
    check_run(given.run)

    from jaxad.export import write
    from jaxad.progress import Reporter
    from jaxad.saved import load_run

    with Reporter(given.quiet) as reporter:
        reporter.say("lowering for CPU, CUDA and TPU, and comparing with the run")
        artefact = write(load_run(given.run), given.out)
    path, told = artefact.path.resolve(), artefact.contract
    far = told["difference"]["scores"]["batches"]
    files = {file.name: file.stat().st_size for file in sorted(path.iterdir())}

    def text() -> str:
        batches = ", ".join(f"{value:.1e} (batch {n})" for n, value in far.items())
        where = told["difference"]["platform"]
        lines = [f"for {', '.join(told['platforms'])}; batches of any size"]
        lines += [f"max difference from the run on {where}: {batches}"]
        lines += [f"{size / 1e6:9.3f} MB  {name}" for name, size in files.items()]
        return "\n".join([*lines, f"artefact: {path}"])

    return Answer(text, lambda: {"path": str(path), "files": files, "contract": told})
