"""What a run is made of before it trains: images, splits, the parts of its method.

A dry run makes the same, so that what stops a run stops it as well.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from jaxad import data as sources
from jaxad import folder, generated, methods, parallel, results
from jaxad.batches import TrainData, on_device
from jaxad.config import Config, stages
from jaxad.config.load import plain
from jaxad.errors import ConfigError, DataError
from jaxad.fitting import layout_of
from jaxad.parts import Parts, make_parts
from jaxad.saved import describe_module, saved_model


class Given(NamedTuple):
    """layout: of the devices. source: all images. maker: the run that draws further
    ones, or None. identity: what has to be the same where a run goes on."""

    layout: parallel.Layout
    source: sources.Source
    maker: generated.Maker | None
    identity: dict[str, Any]


class Ready(NamedTuple):
    """warm: the model to start from, or None."""

    splits: sources.Splits
    arrays: TrainData
    parts: Parts
    warm: Any


def load(config: Config, data: Any, module: Any, say: Callable[[str], None]) -> Given:
    """data, module: as of `jaxad.train`. Raises ConfigError and DataError."""
    layout = layout_of(config, say)
    source, maker = generated.load_for(config.data, data)
    identity = identity_of(config, source.fingerprint, module)
    return Given(layout, source, maker, identity)


def split(
    given: Given, config: Config, module: Any, say: Callable[[str], None]
) -> Ready:
    """Raises ConfigError, DataError or CheckpointError, one line, where the training
    or something after it would fail."""
    splits = generated.split(given.source, given.maker, config)
    seen = methods.labelled(config), stages.validate(config)
    arrays = on_device(splits, *seen, given.layout)
    size = len(arrays.rows)
    parts = make_parts(config, size, module, arrays.label, given.layout)
    return Ready(splits, arrays, parts, check(parts, splits, say))


def identity_of(config: Config, fingerprint: str, module: Any) -> dict[str, Any]:
    """What has to be the same where a run goes on, in JSON's types."""
    identity: dict[str, Any] = {"run": plain(config), "data": fingerprint}
    if module is not None:
        identity["module"] = describe_module(module)
    return identity


def check(parts: Parts, splits: sources.Splits, say: Callable[[str], None]) -> Any:
    """Fail before the training where something after it would; the model to start from.

    Raises ConfigError, DataError or CheckpointError, one line.
    """
    shape = splits.train.image.shape[1:]
    for part in parts.stages:
        part.form(shape)
        if part.method.finalize is not None and isinstance(
            splits.train.image, sources.Stored
        ):
            raise ConfigError(
                f"data.stream: {' '.join(part.config.score.names)} are fitted to all "
                "training images at once; take other score.names, or leave stream out"
            )
    results.check(parts.config, splits.val.label, splits.train.image.shape)
    start = parts.config.train.init_from
    if start is None:
        return None
    if not (Path(start) / folder.CONFIG).is_file():
        raise DataError(f"train.init_from: {start} is not a run folder")
    return saved_model(Path(start), parts.stages[0], shape, say)
