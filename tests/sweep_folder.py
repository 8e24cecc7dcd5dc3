"""Sweep folders with made-up results, of the form that `jaxad sweep` leaves."""

import itertools
import math
from types import SimpleNamespace

import numpy as np

from jaxad import folder
from jaxad.grid import rank

KINDS = (
    "",
    "ensemble of 5 settings",
    "ensemble of 2 seeds",
    "pca",
    "lof",
    "mean image",
)


def write_sweep(
    path, axes, *, seeds=2, criterion="auroc", each=None, failed=(), stuck=(), epochs=6
):
    """axes: column -> values, crossed; or a list of dicts, a setting each.

    failed, stuck: settings that diverge, or give the mean image.
    """
    rng = np.random.default_rng(0)
    settings = axes
    if isinstance(axes, dict):
        settings = [
            dict(zip(axes, row, strict=True))
            for row in itertools.product(*axes.values())
        ]
    rows, history = [], {"member": [], "epoch": [], "train_loss": [], "val_loss": []}
    for (at, setting), seed in itertools.product(enumerate(settings), range(seeds)):
        number, died = len(rows), at in failed
        rows.append(_member(rng, number, at, seed, setting, died, at in stuck))
        done = epochs // 2 * (number % 2) if died else epochs
        history["member"] += [number] * done
        history["epoch"] += range(1, done + 1)
        loss = 0.02 + 0.1 * np.exp(-np.arange(done)) * rng.uniform(0.8, 1.2)
        loss[-1:] = 1e9 if died else loss[-1:]
        history["train_loss"] += loss.tolist()
        history["val_loss"] += (loss * 1.1).tolist()
    table = {name: [row[name] for row in rows] for name in rows[0]}
    shown = list(settings[0])
    board = rank.leaderboard(table, criterion, shown)
    path.mkdir(parents=True, exist_ok=True)
    files = {"members": table, "leaderboard": board, "history": history}
    if board["rank"][0] is not None:
        values = [None]
        if each:
            values = list(dict.fromkeys(setting[each] for setting in settings))
        names = ["best" if each is None else f"{each}={value}" for value in values]
        files["held_out"] = _held_out(rng, names, seeds)
    for name, columns in files.items():
        folder.write_csv(path / f"{name}.csv", columns)
    grid = {"rank": criterion, "score": None, "each": each, "seeds": seeds}
    config = {"score": {"names": ["mse", "top"]}}
    folder.write_json(path / folder.GRID, {"config": config, "grid": grid})
    return path


def _member(rng, number, setting, seed, values, died, stuck):
    def draw(low, high):
        return math.nan if died else float(rng.uniform(low, high))

    row = {"member": number, "setting": setting, **values, "seed": seed}
    row |= {"auroc": draw(0.45, 0.99), "average_precision": draw(0.3, 0.99)}
    row |= {"f1_max": draw(0.4, 0.9), "auroc_top": draw(0.4, 0.9)}
    normal, anomalous = draw(0.002, 0.08), draw(0.01, 0.1)
    row |= {"val_loss": math.inf if died else normal, "train_loss": normal}
    row |= {"mse_normal": normal, "mse_anomalous": anomalous}
    row |= {"spread": 0.001 if stuck else draw(0.3, 0.9)}
    row |= {"difference": anomalous - normal, "best_epoch": 3}
    row |= {"status": "diverged at step 7" if died else "ok"}
    return row | {"flag": "mean image" if stuck else "", "epochs": 6}


def _held_out(rng, names, seeds):
    rows = []
    for name, kind in itertools.product(names, KINDS):
        auroc = float(rng.uniform(0.7, 0.98))
        sd = 0.01 if kind == "" and seeds > 1 else math.nan
        row = {"row": f"{name}: {kind}" if kind else name}
        row |= {"detectors": seeds if kind == "" else 1, "auroc": auroc, "auroc_sd": sd}
        row |= {"average_precision": auroc - 0.1, "average_precision_sd": sd}
        row |= {"f1_max": auroc - 0.05, "f1_max_sd": sd, "auroc_low": auroc - 0.03}
        row |= {"auroc_high": auroc + 0.015, "rule": "max_margin"}
        for metric in ("f1", "precision", "recall", "fpr", "accuracy"):
            row |= {metric: float(rng.uniform(0, 1)), f"{metric}_sd": sd}
        less = [None] * 3 if not kind else [0.011, -0.02, 0.04]
        if kind == "pca":
            row["precision"] = math.nan
        ends = ("best_minus", "best_minus_low", "best_minus_high")
        rows.append(row | dict(zip(ends, less, strict=True)))
    return {name: [row[name] for row in rows] for name in rows[0]}


def measured(at, done, track):
    """In place of `search.measure`: the folder of a sweep that did not train."""
    axes = {name: sorted({m.values[name] for m in at.members}) for name in at.shown}
    own = (at.path / "grid.json").read_bytes()
    write_sweep(at.path, axes, seeds=at.grid.seeds)
    (at.path / "grid.json").write_bytes(own)
    return SimpleNamespace(path=at.path)
