"""What scores new images: a finished run, or an artefact that was exported from it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jaxad.data import Reading
from jaxad.scoring import Scorer
from jaxad.whole import Tiled


@dataclass(frozen=True)
class Judge:
    """Scores, and all that is known of the images they are of.

    path: of the run or artefact, for messages. image_shape: (H, W, C).
    scorer, model: what scores. reading: how image files are read.
    tiles: side and stride of the tiles that an image of any size is seen as; None:
        images are taken whole.
    thresholds: score -> rule -> {"lower", "upper", "fit_on", "status"}.
    """

    path: Path
    image_shape: tuple[int, ...]
    scorer: Scorer = field(repr=False)
    model: Any = field(repr=False)
    reading: Reading
    tiles: tuple[int, int] | None
    thresholds: dict[str, dict[str, dict[str, Any]]] = field(repr=False)

    @property
    def first(self) -> str:
        """The score that counts most."""
        return self.scorer.spec.names[0]

    @property
    def tiled(self) -> Tiled | None:
        """How it sees images of any size; None where it takes whole ones."""
        if self.tiles is None:
            return None
        return Tiled(self.scorer, self.model, *self.tiles, self.image_shape[2])
