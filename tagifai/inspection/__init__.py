"""From a tag's score to the projects behind it: figures, thresholds and what they change."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tagifai.errors import TagifaiError
from tagifai.inspection.outcomes import (
    ORDERS,
    OUTCOMES,
    describe_rows,
    outcome_rows,
)
from tagifai.metrics.thresholds import best_thresholds, choose_thresholds, midway
from tagifai.predictions import Predictions, decide, threshold_array
from tagifai.selection import (
    LEARNT,
    PARTS,
    Array,
    Paged,
    chosen_by,
    column_in,
    describe_in_sample,
    paged,
    require_predictions,
    rows_of,
)

__all__ = [
    "LEARNT",
    "ORDERS",
    "OUTCOMES",
    "PARTS",
    "Paged",
    "average_precisions",
    "best_threshold",
    "describe_rows",
    "outcome_rows",
    "paged",
    "precision_recall_points",
    "require_predictions",
    "shrunk_thresholds",
    "tag_table",
    "threshold_metrics",
]

MAX_POINTS = 500


def tag_table(
    predictions: Predictions,
    thresholds: Mapping[str, float],
    split: str = "test",
    *,
    precisions: Mapping[str, float | None] | None = None,
) -> list[dict[str, Any]]:
    """Score each tag at its threshold, over the projects of one split.

    Each record: tag, precision, recall, f1 (None where undefined), num_samples (projects that
    carry the tag), tp, fp, fn, tn, average_precision (None without a positive), threshold.
    Best F1 first, equals by name, undefined ones last. `split` is one of `PARTS`;
    whether the probabilities of train are out of fold, `predictions.out_of_fold` says.
    `precisions`, what `average_precisions` gives, may be kept by the caller: no threshold
    changes it.

    Raises:
        TagifaiError: an unknown split, or a tag without a threshold in [0, 1].
    """
    true, prob = _part(predictions, split)
    predicted = decide(prob, threshold_array(predictions.tags, thresholds))
    if precisions is None:
        precisions = average_precisions(predictions, split)
    records = []
    for column, tag in enumerate(predictions.tags):
        counts = _count(true[:, column], predicted[:, column])
        records.append(
            {
                "tag": tag,
                **_scores(*counts),
                "average_precision": precisions[tag],
                "threshold": float(thresholds[tag]),
            }
        )
    return sorted(records, key=lambda row: (row["f1"] is None, -(row["f1"] or 0), row["tag"]))


def average_precisions(predictions: Predictions, split: str = "test") -> dict[str, float | None]:
    """Give each tag's average precision over a split, None without a positive.

    It is the mean, over the positives, of the precision at each one's own probability.
    """
    true, prob = _part(predictions, split)
    found: dict[str, float | None] = {}
    for column, tag in enumerate(predictions.tags):
        positives = np.sort(prob[true[:, column] == 1, column])
        if not len(positives):
            found[tag] = None
            continue
        ranked = np.sort(prob[:, column])
        at_least = len(ranked) - np.searchsorted(ranked, positives)
        right = len(positives) - np.searchsorted(positives, positives)
        found[tag] = float(np.mean(right / at_least))
    return found


def threshold_metrics(
    predictions: Predictions, tag: str, threshold: float, split: str = "test"
) -> dict[str, Any]:
    """Score one tag at one threshold: the figures of `tag_table` less average precision.

    Raises:
        TagifaiError: an unknown tag or split, or a threshold outside [0, 1].
    """
    true, prob = column_in(predictions, tag, split)
    predicted = decide(prob, threshold_array([tag], {tag: threshold}))
    return {"tag": tag, **_scores(*_count(true, predicted)), "threshold": float(threshold)}


def precision_recall_points(
    predictions: Predictions, tag: str, split: str = "test"
) -> list[dict[str, float]]:
    """Trace the precision-recall curve, one point a distinct probability, highest first.

    Each point: threshold, precision, recall, f1. Beyond `MAX_POINTS` they are thinned out
    evenly by rank, ends kept. Empty where no project of the split carries the tag.
    """
    true, prob = column_in(predictions, tag, split)
    positives = int(true.sum())
    if not positives:
        return []
    order = np.argsort(-prob, kind="stable")
    ranked = prob[order]
    cuts = np.flatnonzero(np.append(ranked[1:] < ranked[:-1], True))
    if len(cuts) > MAX_POINTS:
        cuts = cuts[np.linspace(0, len(cuts) - 1, MAX_POINTS).round().astype(int)]
    tp = np.cumsum(true[order], dtype=float)[cuts]
    predicted = cuts + 1.0
    columns = (ranked[cuts], tp / predicted, tp / positives, 2 * tp / (predicted + positives))
    names = ("threshold", "precision", "recall", "f1")
    return [
        dict(zip(names, point, strict=True))
        for point in zip(*(column.tolist() for column in columns), strict=True)
    ]


def best_threshold(
    predictions: Predictions,
    tag: str,
    *,
    cost_fp: float | None = None,
    cost_fn: float | None = None,
    shrunk: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """Find a tag's best threshold on held-out rows of train and val, and report it on test.

    Without costs the best is the highest F1; with both, the lowest cost_fp · FP +
    cost_fn · FN. It lies midway between two neighbouring probabilities, equals go to the
    higher one. Where the probabilities of train are not known to be out of fold, val alone
    chooses. The highest F1 of few positives is mostly luck: `shrunk`, what `shrunk_thresholds`
    returns, takes its place where it is given.

    Returns
    -------
    dict
        "threshold"; "by", "f1" or "cost"; "chosen_by", "train+val" or "val"; "chosen", the
        figures there, and "test", those on test, with "cost" in both where costs were given.

    Raises
    ------
    TagifaiError
        An unknown tag, one cost without the other or not positive, or no positive to choose by.
    """
    part = chosen_by(predictions)
    true, prob = column_in(predictions, tag, part)
    if not true.any():
        where = "train and val" if part == LEARNT else "val"
        why = describe_in_sample(predictions)
        raise TagifaiError(
            f"{tag!r} has no project in {where}: there is nothing to choose by"
            + (f"; {why}" if why else "")
        )
    if cost_fp is None and cost_fn is None:
        own = float(best_thresholds(true[:, None], prob[:, None])[0])
        threshold = own if shrunk is None else shrunk[tag]
        by = "f1"
    else:
        threshold = _cheapest(true, prob, *_costs(cost_fp, cost_fn))
        by = "cost"
    found: dict[str, Any] = {"threshold": threshold, "by": by, "chosen_by": part}
    for name, split in (("chosen", part), ("test", "test")):
        figures = threshold_metrics(predictions, tag, threshold, split)
        if by == "cost" and cost_fp is not None and cost_fn is not None:
            figures["cost"] = cost_fp * figures["fp"] + cost_fn * figures["fn"]
        found[name] = figures
    return found


def shrunk_thresholds(predictions: Predictions, smoothing: float = 0.0) -> dict[str, float]:
    """Choose all tags' thresholds for F1, drawn to the common one, on held-out rows.

    How much they are drawn is chosen by cross-fitting: see `metrics.thresholds`. `smoothing` is
    the part of each label that counts as its probability; 0 unless these are calibrated.
    """
    rows = rows_of(predictions, chosen_by(predictions))
    found = choose_thresholds(
        predictions.y_true[rows], predictions.y_prob[rows], "per-tag", 0.5, None, smoothing
    )
    return dict(zip(predictions.tags, found.tolist(), strict=True))


def _part(predictions: Predictions, split: str) -> tuple[Array, Array]:
    # By column: each tag's values lie together, which is how they are read.
    if split == "test":
        return predictions.test_by_column
    rows = rows_of(predictions, split)
    true, prob = predictions.y_true, predictions.y_prob
    return np.asfortranarray(true[rows]), np.asfortranarray(prob[rows])


def _count(true: Array, predicted: Array) -> tuple[int, int, int, int]:
    positives, chosen = int(np.count_nonzero(true)), int(np.count_nonzero(predicted))
    tp = int(np.count_nonzero(true.astype(bool) & predicted))
    return tp, chosen - tp, positives - tp, len(true) - chosen - positives + tp


def _scores(tp: int, fp: int, fn: int, tn: int) -> dict[str, Any]:
    return {
        "precision": tp / (tp + fp) if tp + fp else None,
        "recall": tp / (tp + fn) if tp + fn else None,
        "f1": 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else None,
        "num_samples": tp + fn,
        "tp": tp,
        "fp": fp,
        "fn": fn,
        "tn": tn,
    }


def _costs(cost_fp: float | None, cost_fn: float | None) -> tuple[float, float]:
    for name, value in (("cost_fp", cost_fp), ("cost_fn", cost_fn)):
        if value is None or not (0 < value < float("inf")):
            raise TagifaiError(f"{name}: a cost above 0 is needed, got {value}")
    assert cost_fp is not None
    assert cost_fn is not None
    return cost_fp, cost_fn


def _cheapest(true: Array, prob: Array, cost_fp: float, cost_fn: float) -> float:
    order = np.argsort(-prob, kind="stable")
    ranked = np.concatenate([[1.0], prob[order].astype(float), [0.0]])
    # Cut k predicts the k likeliest; it is possible only where the next one is less likely.
    tp = np.concatenate([[0], np.cumsum(true[order], dtype=np.int64)])
    predicted = np.arange(len(tp))
    cost = cost_fp * (predicted - tp) + cost_fn * (tp[-1] - tp)
    possible = np.append(ranked[1:-1] < ranked[:-2], True)
    cut = int(np.argmin(np.where(possible, cost, np.inf)))
    if cut == 0:
        return 1.0
    return midway(ranked[cut + 1], ranked[cut])
