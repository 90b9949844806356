"""Score predicted tags and probabilities: overall, by tag, by slice.

Arrays have shape (n_projects, n_tags). A figure with nothing to count is undefined, which is not
zero: precision where nothing is predicted, recall where nothing is true, F1 where neither is, the
average precision of a tag without a positive. It is NaN in arrays and None in records, and
averages leave it out and state how many tags (projects, slices) they cover. All of it follows
scikit-learn's `zero_division=np.nan`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from tagifai.arrays import Array, Booleans
from tagifai.metrics.calibration import brier_score, expected_calibration_error, is_above

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
_FIGURES = ("precision", "recall", "f1")


class Counts(NamedTuple):
    """True positives, false positives and false negatives, of any one shape."""

    tp: Array
    fp: Array
    fn: Array


def count_outcomes(y_true: Array, y_pred: Array, axis: int | None = 0) -> Counts:
    """Count outcomes by tag (`axis` 0), by project (1) or in all (None).

    >>> count_outcomes(np.array([[1, 0], [1, 1]]), np.array([[1, 1], [0, 1]])).tp.tolist()
    [1, 1]
    """
    true, pred = _pair(y_true, y_pred)
    return Counts(
        (true & pred).sum(axis=axis), (~true & pred).sum(axis=axis), (true & ~pred).sum(axis=axis)
    )


def precision_recall_f1(counts: Counts) -> tuple[Array, Array, Array]:
    """Turn counts into precision, recall and F1 of the same shape; NaN where undefined.

    >>> counts = Counts(np.array([1, 0, 0]), np.array([1, 0, 0]), np.array([0, 1, 0]))
    >>> [values.tolist() for values in precision_recall_f1(counts)]
    [[0.5, nan, nan], [1.0, 0.0, nan], [0.6666666666666666, 0.0, nan]]
    """
    tp, fp, fn = (np.asarray(count, dtype=float) for count in counts)
    return _ratio(tp, tp + fp), _ratio(tp, tp + fn), _ratio(2 * tp, 2 * tp + fp + fn)


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
    defined = ~np.isnan(numbers)
    numbers, weight = numbers[defined], weight[defined]
    if not weight.any():
        weight = np.ones(len(numbers))
    if not len(numbers):
        return None, 0
    return float((numbers * weight).sum() / weight.sum()), int(np.count_nonzero(weight))


def overall_metrics(y_true: Array, y_pred: Array, y_prob: Array | None = None) -> dict[str, Any]:
    """Score all tags together; `num_samples` is the number of projects.

    Precision, recall, F1 and average precision are weighted by support at the top level, and
    come under "macro" (tags alike), "micro" (pairs alike) and "samples" (projects alike) too.
    `num_tags` states by metric how many tags an average covers, `num_projects` under "samples"
    how many projects. With `y_prob`: average precision over the tags that have a positive, Brier
    score, and calibration error (`expected_calibration_error`), also over the pairs above 0.05.
    """
    by_tag = count_outcomes(y_true, y_pred)
    support = by_tag.tp + by_tag.fn
    of_tags = dict(zip(_FIGURES, precision_recall_f1(by_tag), strict=True))
    of_projects = precision_recall_f1(count_outcomes(y_true, y_pred, 1))
    if y_prob is not None:
        of_tags["average_precision"] = np.array(_average_precisions(y_true, y_prob), float)
    num_samples = {"num_samples": len(y_true)}
    weighted = _averages(of_tags, "num_tags", support)
    result: dict[str, Any] = {
        **{name: weighted.pop(name) for name in _FIGURES},
        **num_samples,
        **weighted,
        "macro": {**_averages(of_tags, "num_tags"), **num_samples},
        "micro": {
            **named_figures(precision_recall_f1(count_outcomes(y_true, y_pred, None))),
            **num_samples,
        },
        "samples": {
            **_averages(dict(zip(_FIGURES, of_projects, strict=True)), "num_projects"),
            **num_samples,
        },
    }
    if y_prob is None:
        return result
    result["brier"] = brier_score(y_true, y_prob)
    result["ece"] = expected_calibration_error(y_true, y_prob)
    result["ece_above_0_05"] = expected_calibration_error(y_true, y_prob, above=ECE_FLOOR)
    result["num_pairs"] = int(np.size(y_prob))
    result["num_pairs_above_0_05"] = int(is_above(y_prob, ECE_FLOOR).sum())
    return result


def per_tag_metrics(
    y_true: Array, y_pred: Array, tags: Sequence[str], y_prob: Array | None = None
) -> dict[str, dict[str, Any]]:
    """Score each tag on its own; `num_samples` is its number of positives in `y_true`.

    `num_predicted` counts the projects it is predicted for. With `y_prob` also its average
    precision. What is undefined is None.
    """
    counts = count_outcomes(y_true, y_pred)
    if len(tags) != len(counts.tp):
        raise ValueError(f"{len(tags)} tags for {len(counts.tp)} columns")
    result: dict[str, dict[str, Any]] = {}
    for tag, tp, fp, fn, values in zip(
        tags, *counts, np.transpose(precision_recall_f1(counts)), strict=True
    ):
        result[tag] = {
            **named_figures(values),
            "num_samples": int(tp + fn),
            "num_predicted": int(tp + fp),
        }
    if y_prob is not None:
        for tag, value in zip(tags, _average_precisions(y_true, y_prob), strict=True):
            result[tag]["average_precision"] = value
    return result


def slice_metrics(y_true: Array, y_pred: Array, slices: Mapping[str, Booleans]) -> dict[str, Any]:
    """Score each slice, given as a boolean array of shape (n_projects,).

    Under "class" each slice's micro averages, with `num_samples`, its number of projects; under
    "overall" the slices' averages weighted by `num_samples`, in which a project in two slices
    counts twice; `num_slices` states by metric how many slices they cover.
    """
    true, pred = _pair(y_true, y_pred)
    by_slice: dict[str, dict[str, Any]] = {}
    for name, chosen in slices.items():
        rows = np.asarray(chosen, dtype=bool)
        values = precision_recall_f1(count_outcomes(true[rows], pred[rows], None))
        by_slice[name] = {**named_figures(values), "num_samples": int(rows.sum())}
    weights = [scores["num_samples"] for scores in by_slice.values()]
    figures = {name: [scores[name] for scores in by_slice.values()] for name in _FIGURES}
    overall = {**_averages(figures, "num_slices", weights), "num_samples": sum(weights)}
    return {"overall": overall, "class": by_slice}


def performance(
    y_true: Array,
    y_pred: Array,
    tags: Sequence[str],
    *,
    y_prob: Array | None = None,
    slices: Mapping[str, Booleans] | None = None,
    behavioral: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Put together what `performance.json` holds: plain data, no NaN.

    `slices` are boolean arrays by name; `behavioral` is what `run_behavioral` returns, left out
    when None.
    """
    result: dict[str, Any] = {
        "overall": overall_metrics(y_true, y_pred, y_prob),
        "class": per_tag_metrics(y_true, y_pred, tags, y_prob),
        "slices": slice_metrics(y_true, y_pred, slices or {}),
    }
    if behavioral is not None:
        result["behavioral"] = dict(behavioral)
    return result


def _pair(y_true: Array, y_pred: Array) -> tuple[Booleans, Booleans]:
    true, pred = np.asarray(y_true), np.asarray(y_pred)
    if true.shape != pred.shape or true.ndim != 2:
        raise ValueError(f"two arrays (n_projects, n_tags) needed, got {true.shape}, {pred.shape}")
    return true.astype(bool), pred.astype(bool)


def named_figures(values: Iterable[Any]) -> dict[str, float | None]:
    """Name precision, recall and F1 as records keep them: None where undefined.

    >>> named_figures((0.5, np.nan, 0.25))
    {'precision': 0.5, 'recall': None, 'f1': 0.25}
    """
    return {
        name: None if np.isnan(value) else float(value)
        for name, value in zip(_FIGURES, values, strict=True)
    }


def _ratio(part: Array, whole: Array) -> Array:
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)


def _averages(
    figures: Mapping[str, Sequence[float | None] | Array],
    covered: str,
    weights: Sequence[float] | Array | None = None,
) -> dict[str, Any]:
    """Average each figure; `covered` names what says by figure how many values it covers."""
    found = {name: average_defined(values, weights) for name, values in figures.items()}
    return {
        **{name: value for name, (value, _) in found.items()},
        covered: {name: number for name, (_, number) in found.items()},
    }


def _average_precisions(y_true: Array, y_prob: Array) -> list[float | None]:
    # Here: only those who have probabilities scored wait for its import.
    from sklearn.metrics import average_precision_score

    true, prob = np.asarray(y_true).astype(bool), np.asarray(y_prob, dtype=float)
    return [
        float(average_precision_score(true[:, tag], prob[:, tag])) if true[:, tag].any() else None
        for tag in range(true.shape[1])
    ]
