"""From a tag's score to the projects behind it: figures, thresholds and what they change."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tagifai.errors import TagifaiError
from tagifai.inspection.outcomes import (
    ORDERS,
    OUTCOMES,
    Outcome,
    describe_rows,
    outcome_rows,
)
from tagifai.matrices import Matrix, join_pairs
from tagifai.metrics.figures import Figures, count_outcomes, figure_parts
from tagifai.metrics.ranking import average_precision
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
    "BestThreshold",
    "CurvePoint",
    "Outcome",
    "Paged",
    "TagFigures",
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


@dataclass(frozen=True, slots=True)
class TagFigures:
    """A tag's figures at one threshold, over the projects of one split.

    Attributes
    ----------
    precision, recall, f1 : float or None
        In [0, 1]; None where undefined.
    num_samples : int
        Number of projects that have the tag.
    tp, fp, fn, tn : int
        Number of projects of each outcome.
    average_precision : float or None
        In [0, 1]; None without a positive, and where a single threshold was scored.
    threshold : float
        In [0, 1].
    """

    tag: str
    precision: float | None
    recall: float | None
    f1: float | None
    num_samples: int
    tp: int
    fp: int
    fn: int
    tn: int
    average_precision: float | None
    threshold: float


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Precision, recall and F1 of a tag at one threshold, each in [0, 1]."""

    threshold: float
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class BestThreshold:
    """A tag's best threshold, and what it gives.

    Attributes
    ----------
    threshold : float
        In [0, 1].
    by : {"f1", "cost"}
        What it is best for.
    chosen_by : {"train+val", "val"}
        The held-out projects that it was chosen on.
    chosen, test : TagFigures
        The figures on these projects and on test.
    chosen_cost, test_cost : float or None
        What the errors there cost; None without costs.
    """

    threshold: float
    by: str
    chosen_by: str
    chosen: TagFigures
    test: TagFigures
    chosen_cost: float | None = None
    test_cost: float | None = None


def tag_table(
    predictions: Predictions,
    thresholds: Mapping[str, float],
    split: str = "test",
    *,
    precisions: Mapping[str, float | None] | None = None,
) -> list[TagFigures]:
    """Score each tag at its threshold, over the projects of one split.

    Parameters
    ----------
    predictions
        The version's predictions; `predictions.out_of_fold` says whether those of train are.
    thresholds
        By tag, in [0, 1].
    split
        One of `PARTS`.
    precisions
        What `average_precisions` returns, where the caller has it already: no threshold changes
        it.

    Returns
    -------
    list of TagFigures
        Best F1 first, equals by name, undefined ones last.

    Raises
    ------
    TagifaiError
        An unknown split, or a tag without a threshold in [0, 1].
    """
    true, prob = _part(predictions, split)
    counts = count_outcomes(true, decide(prob, threshold_array(predictions.tags, thresholds)))
    if precisions is None:
        precisions = average_precisions(predictions, split)
    found = [
        _figures_of(tag, tp, fp, fn, true.shape[0], thresholds[tag], precisions[tag])
        for tag, tp, fp, fn in zip(
            predictions.tags, *(part.tolist() for part in counts), strict=True
        )
    ]
    return sorted(found, key=lambda row: (row.f1 is None, -(row.f1 or 0), row.tag))


def average_precisions(predictions: Predictions, split: str = "test") -> dict[str, float | None]:
    """Compute each tag's average precision over a split, None without a positive.

    It is the mean, over the positives, of the precision at each one's own probability. Decisions
    without probabilities rank nothing, so they have none.
    """
    if predictions.decisions_only:
        return dict.fromkeys(predictions.tags)
    pairs = join_pairs(*_part(predictions, split))
    return dict(zip(predictions.tags, map(average_precision, pairs), strict=True))


def threshold_metrics(
    predictions: Predictions, tag: str, threshold: float, split: str = "test"
) -> TagFigures:
    """Score one tag at one threshold; its average precision is left out.

    Raises
    ------
    TagifaiError
        An unknown tag or split, or a threshold outside [0, 1].
    """
    true, prob = column_in(predictions, tag, split)
    predicted = decide(prob, threshold_array([tag], {tag: threshold}))
    return _score(tag, true, predicted, threshold, None)


def precision_recall_points(
    predictions: Predictions, tag: str, split: str = "test"
) -> list[CurvePoint]:
    """Trace the precision-recall curve, one point per distinct probability, highest first.

    Beyond `MAX_POINTS` they are thinned out evenly by rank, and both ends stay. Empty where no
    project of the split has the tag, and for decisions without probabilities.
    """
    if predictions.decisions_only:
        return []
    true, prob = column_in(predictions, tag, split)
    positives = int(true.sum())
    if not positives:
        return []
    order = np.argsort(-prob, kind="stable")
    ranked = prob[order]
    cuts = np.flatnonzero(np.append(ranked[1:] < ranked[:-1], True))
    if len(cuts) > MAX_POINTS:
        cuts = cuts[np.linspace(0, len(cuts) - 1, MAX_POINTS).round().astype(int)]
    hits = np.cumsum(true[order], dtype=float)[cuts]
    parts = figure_parts(hits, cuts + 1.0, np.full(len(cuts), float(positives)))
    figures = ((above / below).tolist() for above, below in parts.values())
    return [CurvePoint(*point) for point in zip(ranked[cuts].tolist(), *figures, strict=True)]


def best_threshold(
    predictions: Predictions,
    tag: str,
    *,
    cost_fp: float | None = None,
    cost_fn: float | None = None,
    shrunk: Mapping[str, float] | None = None,
) -> BestThreshold:
    """Choose a tag's best threshold on held-out rows of train and val, and report it on test.

    It lies midway between two neighbouring probabilities; of equally good ones the higher is
    taken. Where the probabilities of train are not known to be out of fold, val alone decides.

    Parameters
    ----------
    predictions, tag
        What to choose for.
    cost_fp, cost_fn
        Both or neither: with them, the lowest cost_fp · FP + cost_fn · FN is best, else the
        highest F1.
    shrunk
        What `shrunk_thresholds` returns. The highest F1 of few positives is mostly luck: where
        given, this takes its place.

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
        chosen, test = (threshold_metrics(predictions, tag, threshold, s) for s in (part, "test"))
        return BestThreshold(threshold, "f1", part, chosen, test)
    costs = _costs(cost_fp, cost_fn)
    threshold = _cheapest(true, prob, *costs)
    chosen, test = (threshold_metrics(predictions, tag, threshold, s) for s in (part, "test"))
    return BestThreshold(
        threshold, "cost", part, chosen, test, _cost(chosen, *costs), _cost(test, *costs)
    )


def shrunk_thresholds(predictions: Predictions, smoothing: float = 0.0) -> dict[str, float]:
    """Choose all tags' thresholds for F1, shrunk to the common one, on held-out rows.

    How much they shrink is chosen by cross-fitting: see `metrics.thresholds`. `smoothing` is the
    part of each label that counts as its probability; 0 unless these are calibrated.
    """
    rows = rows_of(predictions, chosen_by(predictions))
    found = choose_thresholds(
        predictions.y_true[rows], predictions.y_prob[rows], "per-tag", 0.5, None, smoothing
    )
    return dict(zip(predictions.tags, found.tolist(), strict=True))


def _part(predictions: Predictions, split: str) -> tuple[Matrix, Matrix]:
    # By column: each tag's values lie together, which is how they are read.
    if split == "test":
        return predictions.test_by_column
    rows = rows_of(predictions, split)
    true, prob = predictions.y_true[rows], predictions.y_prob[rows]
    if predictions.is_sparse:
        return true, prob
    return np.asfortranarray(true), np.asfortranarray(prob)


def _score(
    tag: str, true: Array, predicted: Array, threshold: float, average_precision: float | None
) -> TagFigures:
    positives, chosen = int(np.count_nonzero(true)), int(np.count_nonzero(predicted))
    tp = int(np.count_nonzero(true.astype(bool) & predicted))
    return _figures_of(
        tag, tp, chosen - tp, positives - tp, len(true), threshold, average_precision
    )


def _figures_of(
    tag: str,
    tp: int,
    fp: int,
    fn: int,
    num_projects: int,
    threshold: float,
    average_precision: float | None,
) -> TagFigures:
    figures = Figures.of(tp, tp + fp, tp + fn)
    return TagFigures(
        tag,
        figures.precision,
        figures.recall,
        figures.f1,
        num_samples=tp + fn,
        tp=tp,
        fp=fp,
        fn=fn,
        tn=num_projects - tp - fp - fn,
        average_precision=average_precision,
        threshold=float(threshold),
    )


def _cost(figures: TagFigures, cost_fp: float, cost_fn: float) -> float:
    return cost_fp * figures.fp + cost_fn * figures.fn


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
