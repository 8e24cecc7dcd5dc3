"""The rules that choose a threshold from validation scores."""

from typing import Annotated, Literal

from pydantic import Field

from jaxad.config.fields import Above, Rate, spec


@spec
class MaxMargin:
    """Middle of the widest gap, or the 1-D soft-margin solution (labelled)."""

    c: Above = 1.0
    """Weight of the margin's violations, on scores scaled to unit spread."""
    kind: Literal["max_margin"] = "max_margin"


@spec
class ZScore:
    """Mean plus k standard deviations of the normals' scores."""

    k: Above = 3.0
    sides: Literal["upper", "lower", "both"] = "upper"
    kind: Literal["z_score"] = "z_score"


@spec
class Percentile:
    """The q-th percentile of the normals' scores."""

    q: Annotated[float, Field(gt=0, lt=100)] = 99.0
    kind: Literal["percentile"] = "percentile"


@spec
class Mad:
    """Median plus k scaled median absolute deviations of the normals' scores."""

    k: Above = 3.5
    sides: Literal["upper", "lower", "both"] = "upper"
    kind: Literal["mad"] = "mad"


@spec
class FixedFpr:
    """Lowest limit with at most so large a share of validation normals above it."""

    rate: Rate = 0.01
    kind: Literal["fixed_fpr"] = "fixed_fpr"


@spec
class Conformal:
    """Split-conformal limit: P(false alarm) <= alpha for exchangeable normals."""

    alpha: Rate = 0.01
    kind: Literal["conformal"] = "conformal"


@spec
class F1Max:
    """The limit with the largest F1 (labelled)."""

    kind: Literal["f1_max"] = "f1_max"


@spec
class PrCorner:
    """The point of the PR curve nearest to (1, 1) (labelled)."""

    kind: Literal["pr_corner"] = "pr_corner"


@spec
class Youden:
    """The limit with the largest recall minus false alarm rate (labelled)."""

    kind: Literal["youden"] = "youden"


@spec
class MinRecall:
    """The highest limit with at least so much recall (labelled)."""

    r: Annotated[float, Field(gt=0, le=1)] = 0.95
    kind: Literal["min_recall"] = "min_recall"


@spec
class Cost:
    """The limit with the smallest total cost of errors (labelled)."""

    c_fp: Above = 1.0
    c_fn: Above = 10.0
    kind: Literal["cost"] = "cost"


Rule = Annotated[
    MaxMargin
    | ZScore
    | Percentile
    | Mad
    | FixedFpr
    | Conformal
    | F1Max
    | PrCorner
    | Youden
    | MinRecall
    | Cost,
    Field(discriminator="kind"),
]


@spec
class Threshold:
    """The rules to fit on validation scores; the first counts most."""

    rules: Annotated[tuple[Rule, ...], Field(min_length=1)] = (
        MaxMargin(),
        ZScore(),
        FixedFpr(),
        Conformal(),
        F1Max(),
    )
