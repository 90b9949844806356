"""Score predicted tags and probabilities: overall, by tag, by slice.

Matrices have shape (n_projects, n_tags), dense or CSR. What precision, recall and F1 are, and
where they are undefined, is in `metrics.figures`; the average precision of a tag without a positive
is undefined too. Averages leave out what is undefined and state how many tags (projects, slices)
they cover.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from tagifai.arrays import Array, Booleans, Floats
from tagifai.matrices import Matrix, join_pairs
from tagifai.metrics.calibration import brier_score, expected_calibration_error, num_above
from tagifai.metrics.figures import (
    FIGURES,
    Counts,
    Figures,
    as_pair,
    count_outcomes,
    defined,
    precision_recall_f1,
)
from tagifai.metrics.ranking import average_precision

__all__ = [
    "COVERED",
    "ECE_FLOOR",
    "METRICS",
    "PAIRS_OF",
    "Averages",
    "Counts",
    "Figures",
    "Metric",
    "OverallMetrics",
    "ProbabilityScores",
    "RankedTagScores",
    "SampleFigures",
    "SliceMetrics",
    "TagScores",
    "average_defined",
    "count_outcomes",
    "overall_metrics",
    "per_tag_metrics",
    "performance",
    "precision_recall_f1",
    "slice_metrics",
]

ECE_FLOOR = 0.05


@dataclass(frozen=True, slots=True)
class Metric:
    """What a metric is called, which direction is better, and how it is averaged."""

    name: str
    label: str
    higher_is_better: bool
    description: str
    averaging: str


_BY_SUPPORT = "weighted by each tag's number of projects"
_PAIRS = "pooled over all pairs of project and tag"
_KINDS = (
    Metric("f1", "F1", True, "Harmonic mean of precision and recall.", _BY_SUPPORT),
    Metric("precision", "Precision", True, "Share of predicted tags that are true.", _BY_SUPPORT),
    Metric("recall", "Recall", True, "Share of true tags that are predicted.", _BY_SUPPORT),
    Metric(
        "average_precision",
        "Average precision",
        True,
        "Area under the precision-recall curve, whatever the threshold.",
        _BY_SUPPORT,
    ),
    Metric("score", "Behavioral score", True, "Share of behavioral tests passed.", "tests alike"),
    Metric(
        "name_matcher",
        "Name matcher",
        True,
        "Share of behavioral tests passed by predicting each tag whose name stands in the text.",
        "tests alike",
    ),
    Metric("brier", "Brier score", False, "Mean squared error of the probability.", _PAIRS),
    Metric(
        "ece",
        "Calibration error",
        False,
        "Mean gap between probability and observed frequency, in 15 bins of equal width.",
        _PAIRS,
    ),
    Metric(
        "ece_above_0_05",
        "Calibration error above 0.05",
        False,
        "Calibration error where the probability is above 0.05: most pairs are near 0.",
        "pooled over the pairs of a probability above 0.05",
    ),
)
# What counts the samples of a figure that rests on pairs of project and tag, not on projects.
PAIRS_OF: Mapping[str, str] = MappingProxyType(
    {"brier": "num_pairs", "ece": "num_pairs", "ece_above_0_05": "num_pairs_above_0_05"}
)
# What states beside averages, by metric, how many tags, projects or slices they cover.
COVERED = ("num_tags", "num_projects", "num_slices")
METRICS: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in _KINDS})


@dataclass(frozen=True, slots=True)
class SampleFigures(Figures):
    """Figures of some pairs of project and tag.

    Attributes
    ----------
    num_samples : int
        Number of projects; of a tag, those that have it.
    """

    num_samples: int


@dataclass(frozen=True, slots=True)
class TagScores(SampleFigures):
    """A tag's figures.

    Attributes
    ----------
    num_predicted : int
        Number of projects that the tag is predicted for.
    """

    num_predicted: int


@dataclass(frozen=True, slots=True)
class RankedTagScores(TagScores):
    """A tag's figures, those of its probabilities among them.

    Attributes
    ----------
    average_precision : float or None
        In [0, 1]; None without a positive.
    """

    average_precision: float | None


@dataclass(frozen=True, slots=True)
class Averages:
    """Averages of figures over tags, projects or slices.

    Attributes
    ----------
    values : mapping
        By metric, the average; None where no value is defined.
    covered : mapping
        By metric, how many values the average covers.
    over : {"num_tags", "num_projects", "num_slices"}
        What is averaged over, as JSON names it.
    num_samples : int
        Number of projects.
    """

    values: Mapping[str, float | None]
    covered: Mapping[str, int]
    over: str
    num_samples: int

    def to_json(self) -> dict[str, object]:
        """Return the averages as `performance.json` holds them."""
        return {
            **self.values,
            self.over: dict(self.covered),
            "num_samples": self.num_samples,
        }


@dataclass(frozen=True, slots=True)
class ProbabilityScores:
    """How probabilities agree with the truth, over all pairs; None without a pair."""

    brier: float | None
    ece: float | None
    ece_above_0_05: float | None
    num_pairs: int
    num_pairs_above_0_05: int


@dataclass(frozen=True, slots=True)
class OverallMetrics:
    """The figures of all tags together.

    Attributes
    ----------
    weighted, macro : Averages
        Over tags, weighted by support and alike.
    micro : SampleFigures
        Over all pairs of project and tag, pooled.
    samples : Averages
        Over projects, alike.
    probabilities : ProbabilityScores or None
        None where only decisions were scored.
    """

    weighted: Averages
    macro: Averages
    micro: SampleFigures
    samples: Averages
    probabilities: ProbabilityScores | None

    def to_json(self) -> dict[str, object]:
        """Return the figures as `performance.json` holds them: the weighted ones on top."""
        weighted = self.weighted.to_json()
        return {
            **{name: weighted.pop(name) for name in (*FIGURES, "num_samples")},
            **weighted,
            "macro": self.macro.to_json(),
            "micro": asdict(self.micro),
            "samples": self.samples.to_json(),
            **(asdict(self.probabilities) if self.probabilities else {}),
        }


@dataclass(frozen=True, slots=True)
class SliceMetrics:
    """The figures of slices, and their average weighted by the slices' numbers of projects."""

    overall: Averages
    by_slice: Mapping[str, SampleFigures]

    def to_json(self) -> dict[str, object]:
        """Return the figures as `performance.json` holds them."""
        return {
            "overall": self.overall.to_json(),
            "class": {name: asdict(figures) for name, figures in self.by_slice.items()},
        }


def average_defined(
    values: Iterable[float | None] | Array, weights: Iterable[float] | Array | None = None
) -> tuple[float | None, int]:
    """Average the values that are defined, as scikit-learn does.

    Parameters
    ----------
    values
        Figures; None or NaN where undefined.
    weights
        One weight per value, 0 or more; equal weights by default. Where all the defined values
        have a weight of 0, they count equally.

    Returns
    -------
    average : float or None
        None where no value is defined.
    num_covered : int
        How many values the average covers: those that are defined and have a weight.

    Examples
    --------
    >>> average_defined([0.5, None, 1.0]), average_defined([0.5, 1.0], [0, 2])
    ((0.75, 2), (1.0, 1))
    """
    numbers = np.array(list(values), dtype=float)
    weight = np.ones(len(numbers)) if weights is None else np.array(list(weights), dtype=float)
    known = ~np.isnan(numbers)
    numbers, weight = numbers[known], weight[known]
    if not weight.any():
        weight = np.ones(len(numbers))
    if not len(numbers):
        return None, 0
    return float((numbers * weight).sum() / weight.sum()), int(np.count_nonzero(weight))


def overall_metrics(y_true: Matrix, y_pred: Matrix, y_prob: Matrix | None = None) -> OverallMetrics:
    """Score all tags together.

    Parameters
    ----------
    y_true, y_pred : matrices of shape (n_projects, n_tags)
        0 or 1.
    y_prob : matrix of shape (n_projects, n_tags), optional
        Probabilities in [0, 1]; with them, average precision over the tags that have a positive,
        Brier score and calibration error (`expected_calibration_error`) are computed too.
    """
    by_tag = count_outcomes(y_true, y_pred)
    of_tags = _by_name(by_tag)
    of_projects = _by_name(count_outcomes(y_true, y_pred, 1))
    if y_prob is not None:
        of_tags["average_precision"] = np.array(_average_precisions(y_true, y_prob), float)
    n = len(of_projects["f1"])
    pooled = precision_recall_f1(count_outcomes(y_true, y_pred, None))
    return OverallMetrics(
        weighted=_average(of_tags, "num_tags", n, by_tag.tp + by_tag.fn),
        macro=_average(of_tags, "num_tags", n),
        micro=SampleFigures(*defined(pooled), n),
        samples=_average(of_projects, "num_projects", n),
        probabilities=None if y_prob is None else _score_probabilities(y_true, y_prob),
    )


def per_tag_metrics(
    y_true: Matrix, y_pred: Matrix, tags: Sequence[str], y_prob: Matrix | None = None
) -> dict[str, TagScores]:
    """Score each tag on its own: `RankedTagScores` with probabilities, else `TagScores`.

    Raises
    ------
    ValueError
        The number of tags is not that of the columns.
    """
    counts = count_outcomes(y_true, y_pred)
    if len(tags) != len(counts.tp):
        raise ValueError(f"{len(tags)} tags for {len(counts.tp)} columns")
    figures = [defined(values) for values in np.transpose(precision_recall_f1(counts))]
    support, predicted = (counts.tp + counts.fn).tolist(), (counts.tp + counts.fp).tolist()
    if y_prob is None:
        rows = zip(tags, figures, support, predicted, strict=True)
        return {tag: TagScores(*values, true, found) for tag, values, true, found in rows}
    precisions = _average_precisions(y_true, y_prob)
    return {
        tag: RankedTagScores(*values, true, found, precision)
        for tag, values, true, found, precision in zip(
            tags, figures, support, predicted, precisions, strict=True
        )
    }


def slice_metrics(y_true: Matrix, y_pred: Matrix, slices: Mapping[str, Booleans]) -> SliceMetrics:
    """Score each slice, given as a boolean array of shape (n_projects,).

    A slice's figures are micro averages. The overall ones are weighted by the slices' numbers of
    projects, so that a project in two slices counts twice.
    """
    true, pred = as_pair(y_true, y_pred)
    by_slice: dict[str, SampleFigures] = {}
    for name, chosen in slices.items():
        rows = np.asarray(chosen, dtype=bool)
        values = precision_recall_f1(count_outcomes(true[rows], pred[rows], None))
        by_slice[name] = SampleFigures(*defined(values), int(rows.sum()))
    weights = [figures.num_samples for figures in by_slice.values()]
    values_of = {
        name: [getattr(figures, name) for figures in by_slice.values()] for name in FIGURES
    }
    return SliceMetrics(_average(values_of, "num_slices", sum(weights), weights), by_slice)


def performance(
    y_true: Matrix,
    y_pred: Matrix,
    tags: Sequence[str],
    *,
    y_prob: Matrix | None = None,
    slices: Mapping[str, Booleans] | None = None,
    behavioral: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return what `performance.json` holds: plain data, no NaN.

    Parameters
    ----------
    y_true, y_pred, y_prob, tags
        As for `overall_metrics` and `per_tag_metrics`.
    slices : mapping, optional
        Boolean arrays by name, as for `slice_metrics`.
    behavioral : mapping, optional
        What `run_behavioral` returns; left out when None.
    """
    by_tag = per_tag_metrics(y_true, y_pred, tags, y_prob)
    result = {
        "overall": overall_metrics(y_true, y_pred, y_prob).to_json(),
        "class": {tag: asdict(scores) for tag, scores in by_tag.items()},
        "slices": slice_metrics(y_true, y_pred, slices or {}).to_json(),
    }
    return result if behavioral is None else {**result, "behavioral": dict(behavioral)}


def _by_name(counts: Counts) -> dict[str, Floats]:
    return dict(zip(FIGURES, precision_recall_f1(counts), strict=True))


def _average(
    figures: Mapping[str, Sequence[float | None] | Floats],
    over: str,
    num_samples: int,
    weights: Sequence[float] | Array | None = None,
) -> Averages:
    found = {name: average_defined(values, weights) for name, values in figures.items()}
    return Averages(
        {name: value for name, (value, _) in found.items()},
        {name: number for name, (_, number) in found.items()},
        over,
        num_samples,
    )


def _score_probabilities(y_true: Matrix, y_prob: Matrix) -> ProbabilityScores:
    return ProbabilityScores(
        brier=brier_score(y_true, y_prob),
        ece=expected_calibration_error(y_true, y_prob),
        ece_above_0_05=expected_calibration_error(y_true, y_prob, above=ECE_FLOOR),
        num_pairs=int(np.prod(np.shape(y_prob))),
        num_pairs_above_0_05=num_above(y_prob, ECE_FLOOR),
    )


def _average_precisions(y_true: Matrix, y_prob: Matrix) -> list[float | None]:
    return [average_precision(pairs) for pairs in join_pairs(y_true, y_prob)]
