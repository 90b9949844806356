"""How far a version's own figures would move on another test split of the same size."""

from collections.abc import Mapping

import numpy as np

from tagifai.arrays import Floats, Integers
from tagifai.comparison.averages import Decisions, Replicates, replicate
from tagifai.comparison.behavior import measure_scores
from tagifai.comparison.bootstrap import draw_weights
from tagifai.comparison.counts import METRICS, Counts
from tagifai.comparison.flips import decide_sparse
from tagifai.comparison.proportions import Measured, Proportion, of_tags
from tagifai.comparison.slices import (
    OVERALL,
    Slices,
    average_slices,
    has_enough,
    label,
    members,
    slice_proportions,
    sum_projects,
)
from tagifai.comparison.verdicts import ENOUGH_POSITIVES
from tagifai.predictions import Predictions
from tagifai.store.history import Key

RESAMPLES = 1_000
Interval = tuple[float, float]
Figures = dict[Key, Measured]


def measure_figures(
    predictions: Predictions | None,
    thresholds: Mapping[str, float],
    resamples: int = RESAMPLES,
    seed: int = 0,
    *,
    slices: Slices | None = None,
    behavioral: Mapping[str, object] | None = None,
) -> Figures:
    """Score a version on its test split, each figure with its 95 % interval.

    Intervals of averages over tags come from the bootstrap and the jackknife over projects
    (`averages`), all others from Wilson's score interval (`proportions`), of slices clustered by
    project and of behavioral tests by tag. A figure behind which are fewer than ten positives
    (projects of a slice, tests) is left out. Intervals of two versions overlap even where the
    paired difference is certain: to compare, use `comparison.compare`.

    Parameters
    ----------
    predictions : Predictions or None
        What the version predicted; None if it has no predictions.
    thresholds : mapping of str to float
        The threshold of each tag, in [0, 1].
    resamples, seed : int
        Of the bootstrap.
    slices : mapping of str to set of str, optional
        The ids of each slice's projects.
    behavioral : mapping, optional
        The behavioral tests of the version's performance.

    Returns
    -------
    dict
        By key, as `history.flatten_performance` has them.
    """
    found: Figures = {
        ("behavioral", name, "score"): one for name, one in measure_scores(behavioral or {}).items()
    }
    if predictions is None or not len(predictions.rows_by_split["test"]):
        return found
    rows = predictions.rows_by_split["test"]
    decisions = Decisions.of(*decide_sparse(predictions, thresholds, rows, predictions.tags))
    found |= _measure_tags(decisions, predictions.tags)
    if decisions.y_true.nnz < ENOUGH_POSITIVES:
        return found
    sums = sum_projects(decisions.y_true, decisions.y_pred)
    chosen = members(slices or {}, [predictions.ids[row] for row in rows])
    found |= _measure_averages(decisions, sums, resamples, seed)
    found |= _measure_slices(sums, chosen, resamples, seed)
    return found


def _measure_tags(decisions: Decisions, tags: tuple[str, ...]) -> Figures:
    counts, found = decisions.counts(), Figures()
    for metric, proportion in of_tags(counts.true, counts.predicted, counts.hits).items():
        for column in np.flatnonzero(counts.true >= ENOUGH_POSITIVES).tolist():
            key = ("class", tags[column], metric)
            _add(found, key, proportion.figure[column], _ends(proportion, column))
    return found


def _measure_averages(decisions: Decisions, sums: Floats, resamples: int, seed: int) -> Figures:
    (replicates,), _ = replicate([decisions], resamples, seed)
    over_projects = _over_projects(sums, resamples, seed)
    replicates |= {("samples", metric): one for metric, one in over_projects.items()}
    pooled, found = slice_proportions(sums), Figures()
    for (average, metric), one in replicates.items():
        _add(found, ("overall", average, metric), one.observed, _around(one, pooled[metric]))
    return found


def _measure_slices(
    sums: Floats, chosen: Mapping[str, Integers], resamples: int, seed: int
) -> Figures:
    found = Figures()
    if not chosen:
        return found
    for name, own in chosen.items():
        if has_enough(sums[own]):
            for metric, proportion in slice_proportions(sums[own]).items():
                key = ("slices", label(name), metric)
                _add(found, key, proportion.figure[0], _ends(proportion))
    inside = sums[np.unique(np.concatenate(list(chosen.values())))]
    if has_enough(inside):
        pooled = slice_proportions(inside)
        for metric, one in average_slices(sums, chosen, resamples, seed)[0].items():
            _add(found, ("slices", OVERALL, metric), one.observed, _around(one, pooled[metric]))
    return found


def _around(one: Replicates, pooled: Proportion) -> Interval:
    """Return the interval of an average; where it never varies, that of all pairs pooled."""
    low, high = one.interval()
    # All right, or all wrong: the projects tell no error of their own.
    return (low, high) if low < high else _ends(pooled)


def _ends(proportion: Proportion, column: int = 0) -> Interval:
    low, high = proportion.interval()
    return float(low[column]), float(high[column])


def _over_projects(sums: Floats, resamples: int, seed: int) -> dict[str, Replicates]:
    """Average each metric over the projects for which it is defined."""
    n = len(sums)
    true, predicted, hits = sums.T
    figures = Counts(true, predicted, hits).figures()
    values = np.column_stack([figures[metric] for metric in METRICS])
    both = np.hstack([np.nan_to_num(values), ~np.isnan(values)])
    total = both.sum(axis=0)
    drawn = np.vstack([weights @ both for weights in draw_weights(n, resamples, seed)])
    found = {}
    for place, metric in enumerate(METRICS):
        with np.errstate(invalid="ignore", divide="ignore"):
            observed, resampled, without = (
                part[..., place] / part[..., place + len(METRICS)]
                for part in (total, drawn, total - both)
            )
        found[metric] = Replicates(float(observed), resampled, without)
    return found


def _add(found: Figures, key: Key, value: float, ends: Interval) -> None:
    """Add a figure whose interval is defined, cut to the range that a figure has."""
    low, high = ends
    if not np.isnan(low + high):
        found[key] = Measured(float(value), max(low, 0.0), min(high, 1.0))
