"""The verbs beside runs: `jaxad data` and `jaxad benchmark`."""

import argparse
import os
from pathlib import Path
from typing import Any

from jaxad.cli.answers import Answer
from jaxad.cli.arguments import Parser
from jaxad.cli.pages import BENCHMARK, DATA
from jaxad.errors import ConfigError, DataError

_BENCHMARKS = ("train", "sweep", "conv", "throughput", "auroc", "pixels", "devices")


def data(args: list[str]) -> Answer:
    given = _read(args)
    if given.what == "textures":
        from jaxad.data import texture_tree

        root = texture_tree.write(given.name, fold=given.fold or 0)
        names = list(texture_tree.TEXTURES)
        text = f"{root}: {', '.join(names)}, in MVTec AD's layout"
        return _said(text, path=str(root.resolve()), categories=names)

    from jaxad import data as sources
    from jaxad.progress import Reporter

    if given.what == "list":
        return _list(sources.names())
    with Reporter(given.quiet):
        if given.what == "prepare":
            where = sources.prepare(given.name, given.source)
            return _said(f"{given.name} is ready", name=given.name, path=str(where))
        if given.name not in sources.names():
            if _of_folder(given):
                return _verify_folder(given)
            if os.sep in given.name:
                raise DataError(f"there is no folder {sources.shown(given.name)}")
        problems = sources.verify(given.name)
    error = DataError("; ".join(problems)) if problems else None
    value = {"name": given.name, "problems": problems}
    text = "" if problems else f"{given.name} is as it should be"
    return Answer(lambda: text, lambda: value, error)


def _said(text: str, **value: Any) -> Answer:
    return Answer(lambda: text, lambda: value)


def _list(known: dict[str, bool]) -> Answer:
    words = {True: "ready", False: "not prepared"}
    lines = [f"{name:16s} {words[ready]}" for name, ready in known.items()]
    entries = [{"name": name, "ready": ready} for name, ready in known.items()]
    return _said("\n".join(lines), entries=entries)


def _read(args: list[str]) -> argparse.Namespace:
    """The arguments of `jaxad data`, which fit together."""
    parser = Parser(prog="jaxad data", page=DATA)
    parser.add_argument("what", choices=("prepare", "verify", "list", "textures"))
    parser.add_argument(
        "name",
        metavar="NAME",
        nargs="?",
        help="see `jaxad data list`; verify takes a folder of images as well, and "
        "textures the new folder that textures with defects are written to",
    )
    parser.add_argument("--source", metavar="DIR", type=Path, help="a local folder")
    parser.add_argument("--category", metavar="NAME", help="of a folder of images")
    sizes = parser.add_argument_group("as `data.` options of training")
    sizes.add_argument("--channels", type=int, choices=(1, 3))
    sizes.add_argument("--size", metavar="N", type=_size)
    sizes.add_argument("--fit", choices=("stretch", "crop", "pad"))
    parser.add_argument(
        "--declared",
        metavar="ID",
        nargs="+",
        default=[],
        help="images of a folder that are known to be defective, by id or path",
    )
    parser.add_argument(
        "--fold",
        metavar="K",
        type=int,
        choices=range(4),
        help="of textures: which of four parts of each are for testing, from 0",
    )
    given = parser.read(args)
    if (given.what == "list") != (given.name is None):
        wanted = "no name" if given.what == "list" else "the NAME of a data set"
        wanted = "the new folder" if given.what == "textures" else wanted
        raise ConfigError(f"jaxad data {given.what} takes {wanted}")
    if given.source is not None and given.what != "prepare":
        raise ConfigError(f"jaxad data {given.what} takes no --source")
    if given.fold is not None and given.what != "textures":
        raise ConfigError(f"jaxad data {given.what} takes no --fold")
    for name in ("category", "channels", "size", "fit", "declared"):
        if getattr(given, name) and not _of_folder(given):
            raise ConfigError(
                f"--{name} is for `jaxad data verify` of a folder of images"
            )
    return given


def _of_folder(given: argparse.Namespace) -> bool:
    return given.what == "verify" and Path(given.name).is_dir()


def _size(word: str) -> int:
    if word.isdecimal() and int(word):
        return int(word)
    raise argparse.ArgumentTypeError(f"{word} is not a number of pixels")


def _verify_folder(given: argparse.Namespace) -> Answer:
    """All that a run of the folder would stop at."""
    from jaxad.data import folders

    found = folders.find(given.name, given.category)
    form = given.channels, given.size, given.fit or "stretch"
    wanted = folders.Wanted(*form, tuple(given.declared))
    problems, forms = folders.check(found, wanted)
    value: dict[str, Any] = {"path": str(found.root), "layout": found.layout}
    value |= {"images": len(found.items)}
    if problems:
        table = folders.problems_table(problems, found.root)
        told = [{"path": str(p.path), "reason": p.reason} for p in problems]
        error = folders.FolderError(found.root, problems)
        return Answer(lambda: table, lambda: value | {"problems": told}, error)
    folders.Stored.of(found.items, forms, wanted)  # all of one size
    lines = [f"{len(found.items)} images, {found.layout} layout, as they should be"]
    anomalous = [item for item in found.items if item.label]
    masks = sum(item.mask is not None for item in anomalous)
    if not anomalous:
        lines.append("none is anomalous: recall and AUROC cannot be measured on them")
    elif not masks:
        lines.append("no anomalous image has a mask: nothing can be measured by pixel")
    value |= {"anomalous": len(anomalous), "masks": masks, "problems": []}
    return _said("\n".join(lines), **value)


def benchmark(args: list[str]) -> Answer:
    parser = Parser(prog="jaxad benchmark", page=BENCHMARK)
    parser.add_argument("what", choices=_BENCHMARKS)
    parser.add_argument(
        "--out", metavar="FILE", type=Path, help="write it as JSON, too"
    )
    given = parser.read(args)

    from jaxad.benchmark import run, table
    from jaxad.progress import Reporter

    with Reporter(given.quiet):
        result = run(given.what, out=given.out)
    return Answer(lambda: table.text(result), lambda: result)
