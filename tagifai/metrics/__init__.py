"""Score predicted tags and probabilities: overall, by tag, by slice.

Arrays have shape (n_projects, n_tags). Precision, recall and F1 whose denominator is zero are 0
(scikit-learn's `zero_division=0`); what has no value at all, such as the average precision of a
tag without a positive, is None, so that nothing written is NaN.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tagifai.metrics.calibration import brier_score, expected_calibration_error, is_above

Array = npt.NDArray[Any]
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
METRICS: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in _KINDS})


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
    """Turn counts into precision, recall and F1 of the same shape; 0 where undefined."""
    tp, fp, fn = (np.asarray(count, dtype=float) for count in counts)
    return _ratio(tp, tp + fp), _ratio(tp, tp + fn), _ratio(2 * tp, 2 * tp + fp + fn)


def overall_metrics(y_true: Array, y_pred: Array, y_prob: Array | None = None) -> dict[str, Any]:
    """Score all tags together; `num_samples` is the number of projects.

    Precision, recall, F1 and average precision are weighted by support at the top level, and
    come under "macro" (tags alike), "micro" (pairs alike) and "samples" (projects alike) too.
    With `y_prob`: average precision over the tags that have a positive, Brier score, and
    calibration error (`expected_calibration_error`), also over the pairs above 0.05.
    """
    by_tag = count_outcomes(y_true, y_pred)
    support = by_tag.tp + by_tag.fn
    num_samples = len(y_true)
    of_tags = precision_recall_f1(by_tag)
    averages = {
        "weighted": [_mean(values, support) for values in of_tags],
        "macro": [_mean(values) for values in of_tags],
        "micro": [float(v) for v in precision_recall_f1(count_outcomes(y_true, y_pred, None))],
        "samples": [
            _mean(values) for values in precision_recall_f1(count_outcomes(y_true, y_pred, 1))
        ],
    }
    result: dict[str, Any] = {**_named(averages["weighted"]), "num_samples": num_samples}
    for name in ("macro", "micro", "samples"):
        result[name] = {**_named(averages[name]), "num_samples": num_samples}
    if y_prob is None:
        return result
    values = [value for value in _average_precisions(y_true, y_prob) if value is not None]
    result["average_precision"] = _mean(values, support[support > 0]) if values else None
    result["macro"]["average_precision"] = _mean(values) if values else None
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
    precision, None without a positive.
    """
    counts = count_outcomes(y_true, y_pred)
    if len(tags) != len(counts.tp):
        raise ValueError(f"{len(tags)} tags for {len(counts.tp)} columns")
    result: dict[str, dict[str, Any]] = {}
    for tag, tp, fp, fn, values in zip(
        tags, *counts, np.transpose(precision_recall_f1(counts)), strict=True
    ):
        result[tag] = {
            **_named(values),
            "num_samples": int(tp + fn),
            "num_predicted": int(tp + fp),
        }
    if y_prob is not None:
        for tag, value in zip(tags, _average_precisions(y_true, y_prob), strict=True):
            result[tag]["average_precision"] = value
    return result


def slice_metrics(
    y_true: Array, y_pred: Array, slices: Mapping[str, npt.NDArray[np.bool_]]
) -> dict[str, Any]:
    """Score each slice, given as a boolean array of shape (n_projects,).

    Under "class" each slice's micro averages, with `num_samples`, its number of projects; under
    "overall" the slices' averages weighted by `num_samples`: a project in two slices counts
    twice. A slice without a project scores 0 and has no weight.
    """
    true, pred = _pair(y_true, y_pred)
    by_slice = {}
    for name, chosen in slices.items():
        rows = np.asarray(chosen, dtype=bool)
        values = precision_recall_f1(count_outcomes(true[rows], pred[rows], None))
        by_slice[name] = {**_named(values), "num_samples": int(rows.sum())}
    weights = [scores["num_samples"] for scores in by_slice.values()]
    overall: dict[str, Any] = {
        metric: _mean([scores[metric] for scores in by_slice.values()], weights)
        for metric in ("precision", "recall", "f1")
    }
    return {"overall": {**overall, "num_samples": sum(weights)}, "class": by_slice}


def performance(
    y_true: Array,
    y_pred: Array,
    tags: Sequence[str],
    *,
    y_prob: Array | None = None,
    slices: Mapping[str, npt.NDArray[np.bool_]] | None = None,
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


def _pair(y_true: Array, y_pred: Array) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    true, pred = np.asarray(y_true), np.asarray(y_pred)
    if true.shape != pred.shape or true.ndim != 2:
        raise ValueError(f"two arrays (n_projects, n_tags) needed, got {true.shape}, {pred.shape}")
    return true.astype(bool), pred.astype(bool)


def _ratio(part: Array, whole: Array) -> Array:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _mean(values: Iterable[float] | Array, weights: Iterable[float] | Array | None = None) -> float:
    numbers = np.asarray(values, dtype=float)
    weight = np.ones_like(numbers) if weights is None else np.asarray(weights, dtype=float)
    return float((numbers * weight).sum() / weight.sum()) if weight.sum() else 0.0


def _named(values: Iterable[Any]) -> dict[str, float]:
    return {name: float(v) for name, v in zip(("precision", "recall", "f1"), values, strict=True)}


def _average_precisions(y_true: Array, y_prob: Array) -> list[float | None]:
    # Here: only those who have probabilities scored wait for its import.
    from sklearn.metrics import average_precision_score

    true, prob = np.asarray(y_true).astype(bool), np.asarray(y_prob, dtype=float)
    return [
        float(average_precision_score(true[:, tag], prob[:, tag])) if true[:, tag].any() else None
        for tag in range(true.shape[1])
    ]
