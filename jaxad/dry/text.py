"""What a dry run found, for a reader."""

from typing import Any

from jaxad.data import counts_line
from jaxad.progress import duration
from jaxad.report.blocks import Block, as_text

Plan = dict[str, Any]
LAYERS = 40
"""Most rows of a table of layers; the rest are counted."""


def render(plan: Plan, full: bool = False) -> str:
    """The plan of a run or of a sweep. full: every value of the config."""
    parts = [_config(plan, full), *(_run if plan["kind"] == "train" else _sweep)(plan)]
    return "\n\n".join(parts)


def _config(plan: Plan, full: bool) -> str:
    changed = plan["changed"]
    lines = [
        f"  {name}: {_word(found['value'])}{_usual(found['default'])}"
        for name, found in changed.items()
    ]
    title = "Config: all defaults" if not lines else "Config, where it is not default:"
    if full:
        title = "Config (* not default):"
        lines = [
            f"{'*' if name in changed else ' '} {name}: {_word(value)}"
            for name, value in plan["values"].items()
        ]
    return "\n".join([title, *lines])


def _word(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " ".join(map(_word, value)) or "none"
    return "none" if value is None else str(value)


def _usual(default: Any) -> str:
    return "" if default is None else f"  (default {_word(default)})"


def _run(plan: Plan) -> list[str]:
    parts = [
        f"{_devices(plan)}\nImages of {_size(plan['shapes']['image'])}; "
        + _images(plan)
    ]
    for stage in plan["stages"]:
        parts += [_layers(stage), _memory(stage["memory"])]
    return [*parts, _shapes(plan["shapes"]), _time(plan), _folder(plan)]


def _devices(plan: Plan) -> str:
    own = plan["devices"]
    used = own["used"]
    words = f"{used} share each batch" if used > 1 else "one of them computes"
    return f"Devices: {own['count']} {own['platform']} ({own['kind']}), {words}"


def _images(plan: Plan) -> str:
    lines = [counts_line(plan["images"])]
    if plan["left_out"]:
        lines.append(f"left out: {len(plan['left_out'])} files with problems")
    return "\n".join(lines)


def _layers(stage: Plan) -> str:
    rows = [
        [
            row["name"] or "(the model)",
            ", ".join(f"{k} {_size(v)}" for k, v in row["shapes"].items()),
            f"{row['parameters']:,}",
        ]
        for row in stage["layers"]
    ]
    if len(rows) > LAYERS:
        rest = sum(row["parameters"] for row in stage["layers"][LAYERS:])
        rows = [*rows[:LAYERS], [f"{len(rows) - LAYERS} more", "", f"{rest:,}"]]
    rows.append(["all", "", f"{stage['parameters']:,}"])
    title = (
        f"Model {stage['model']}: {stage['parameters']:,} parameters, "
        f"{stage['epochs']} epochs of {stage['steps_per_epoch']} steps, batches of "
        f"{stage['batch_size']}"
    )
    return as_text(Block(title, ["layer", "shapes", "parameters"], rows))


def _memory(memory: dict[str, Any]) -> str:
    own = f"parameters {_bytes(memory['parameters'])}, optimizer "
    own += f"{_bytes(memory['optimizer'])}, copies of the best epoch and the average "
    own += f"{_bytes(memory['beside'])}, images {_bytes(memory['images'])}"
    if memory["program"] is None:
        return f"Memory of a device: {own}; the compiler does not say what a step takes"
    whole = f"Memory of a device: {_bytes(memory['program'])} in training"
    return f"{whole} ({own}, a step's own {_bytes(memory['temporary'])})"


def _shapes(shapes: dict[str, Any]) -> str:
    words = [f"image {_size(shapes['image'])}"]
    for name in ("latent", "recon"):
        if shapes[name] is not None:
            words.append(f"{name} {_size(shapes[name])}")
    words.append(f"scores {', '.join(shapes['scores'])}")
    return "An " + " -> ".join(words)


def _time(plan: Plan) -> str:
    seconds = plan["seconds"]
    lines = [f"Time: about {duration(seconds['total'])} in all"]
    for number, stage in enumerate(plan["stages"], 1):
        own = stage["seconds"]
        most = " at most" if stage["patience"] else ""
        lines.append(
            f"  {stage['model']}: about {duration(seconds[f'train_{number}'])}{most} "
            f"({own['step'] * 1e3:.3g} ms a step, {own['epoch_end'] * 1e3:.3g} ms an "
            f"epoch's end), and {duration(own['cached'])} to get its program from the "
            f"cache; compiling it took {duration(own['compile'])}"
        )
    names = {"start": "start", "load": "images", "model": "scores"}
    names |= {k: k for k in ("baselines", "metrics", "pictures")}
    others = [f"{word} {duration(seconds[name])}" for name, word in names.items()]
    return "\n".join([*lines, f"  beside it: {', '.join(others)}"])


def _folder(plan: Plan) -> str:
    there = plan["folder"]["there"]
    words = f"Folder: {plan['folder']['path']}"
    if there == "other files":
        return f"{words} (has other files in it: choose another --out)"
    if there:
        return f"{words} ({there} is there: pass --resume, or choose another --out)"
    return f"{words} (nothing has been written)"


def _sweep(plan: Plan) -> list[str]:
    """Tables of the groups, and the time."""
    own = plan["devices"]
    words = f"{plan['members']} members of {plan['settings']} settings"
    devices = f"Devices: {own['count']} {own['platform']} ({own['kind']})"
    parts = [f"{devices}\nMembers: {words}"]
    if plan["before"]:
        parts.append(_groups(plan["before"], "Before them, each once"))
    parts.append(_groups(plan["groups"], "Trainings, a row a compiled program"))
    seconds, runs = plan["seconds"], plan["runs"]
    lines = [f"Time: about {duration(seconds['total'])} in all"]
    names = {"before": "before them", "trainings": "trainings"}
    names |= {"start": "start", "load": "images"}
    names |= {"runs": f"measuring and drawing the best ({runs} run{'s' * (runs > 1)})"}
    told = [f"{word} {duration(seconds[k])}" for k, word in names.items() if seconds[k]]
    told.append("with compiling, which the cache spares from now on")
    if any(not group["timed"] for group in plan["before"] + plan["groups"]):
        told.append("* not timed: from the timed row that is nearest in size")
    return [*parts, "\n".join([*lines, *(f"  {one}" for one in told)]), _folder(plan)]


def _groups(groups: list[Plan], title: str) -> str:
    rows = [
        [
            group["what"] + "*" * (not group["timed"]),
            f"{group['parameters']:,}",
            f"{group['trainings']}",
            f"{group['epochs']} x {group['steps_per_epoch']} x {group['batch_size']}",
            f"{group['mode']}, {group['at_a_time']}",
            f"{group['chunks']}",
            _bytes(group["memory"]["member"]),
            f"{group['seconds']['step'] * 1e3:.3g}",
            duration(group["seconds"]["total"]),
        ]
        for group in groups[:LAYERS]
    ]
    if len(groups) > LAYERS:
        rest = sum(group["seconds"]["total"] for group in groups[LAYERS:])
        rows.append([f"{len(groups) - LAYERS} more", *[""] * 7, duration(rest)])
    header = ["network", "parameters", "trainings", "epochs x steps x batch"]
    header += ["way, at a time", "chunks", "memory each", "ms a step", "time"]
    return as_text(Block(title, header, rows))


def _size(shape: Any) -> str:
    return "x".join(map(str, shape)) or "1"


def _bytes(size: int) -> str:
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= unit:
            return f"{size / unit:.3g} {name}"
    return f"{size} B"
