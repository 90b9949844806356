"""Score two versions on the same projects: figures, differences, intervals and verdicts."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tagifai.comparison.bootstrap import (
    LEVEL,
    METRICS,
    RESAMPLES,
    Counts,
    Floats,
    discoveries,
    p_values,
    percentile_interval,
    ratio,
    resample_counts,
    resample_sums,
)
from tagifai.comparison.flips import Shared
from tagifai.predictions import Predictions

Slices = Mapping[str, AbstractSet[str]]
"""Each slice's projects, by their ids."""

Four = Sequence[Floats]
"""A and B as observed, (columns,), then A and B by resample, (resamples, columns)."""


def score_paired(
    shared: Shared, slices: Slices, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, list[dict[str, Any]]]:
    """Score both versions overall, by tag and by slice; records as `compare` documents them."""
    y_true, preds = shared.y_true, (shared.pred_a, shared.pred_b)
    counts = [count(y_true, pred) for pred in preds]
    counts += resample_counts(y_true, preds, resamples, seed)
    figures = [one.figures() for one in counts]
    averages = [one.averages() for one in counts]
    support = y_true.sum(axis=0)
    size = np.array([len(shared.ids)])
    tags, overall = [], []
    for metric in METRICS:
        tags += _judge(metric, shared.tags, support, [one[metric] for one in figures])
        for average in averages[0]:
            columns = [one[average][metric][..., None] for one in averages]
            overall += _judge(metric, (average,), size, columns)
    return {
        "overall": overall,
        "tags": tags,
        "slices": _score_slices(shared, slices, resamples, seed) if slices else [],
    }


def score_alone(
    predictions: Predictions, thresholds: Mapping[str, float], tags: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Score some tags of one version on its test split: {tag: {support, precision, …}}."""
    test = predictions.select("test")
    counts = count(test.y_true, test.decide(thresholds))
    figures = counts.figures()
    return {
        tag: {
            "support": int(counts.true[column]),
            **{metric: float(figures[metric][column]) for metric in METRICS},
        }
        for column, tag in enumerate(test.tags)
        if tag in set(tags)
    }


def count(y_true: NDArray[Any], y_pred: NDArray[Any]) -> Counts:
    """Count over all projects what precision, recall and F1 follow from."""
    true, predicted, hits = (
        array.sum(axis=0, dtype=np.float64) for array in (y_true, y_pred, y_pred & y_true)
    )
    return Counts(true, predicted, hits)


def _score_slices(
    shared: Shared, slices: Slices, resamples: int, seed: int
) -> list[dict[str, Any]]:
    names = tuple(slices)
    inside = np.array([[one in slices[name] for name in names] for one in shared.ids], np.float64)
    columns = [inside, *_within(inside, shared.y_true)]
    for pred in (shared.pred_a, shared.pred_b):
        columns += _within(inside, pred, pred & shared.y_true)
    observed = [array.sum(axis=0) for array in columns]
    drawn = resample_sums(columns, resamples, seed)
    sizes, figures = [], []
    for size, true, *rest in (observed, drawn):
        sizes.append(size)
        figures.append([Counts(true, *rest[:2]).figures(), Counts(true, *rest[2:]).figures()])
    four = [*figures[0], *figures[1]]
    weights = [sizes[0], sizes[0], sizes[1], sizes[1]]
    support = observed[0].astype(int)
    records = []
    for metric in METRICS:
        by_slice = [one[metric] for one in four]
        labels = [name if name != "overall" else "overall (slice)" for name in names]
        records += _judge(metric, labels, support, by_slice)
        means = [
            ratio((value * weight).sum(axis=-1), weight.sum(axis=-1))[..., None]
            for value, weight in zip(by_slice, weights, strict=True)
        ]
        records += _judge(metric, ("overall",), support.sum(keepdims=True), means)
    return records


def _within(inside: Floats, *arrays: NDArray[Any]) -> list[Floats]:
    return [array.sum(axis=1, dtype=np.float64)[:, None] * inside for array in arrays]


def _judge(
    metric: str, names: Sequence[str], support: NDArray[Any], four: Four
) -> list[dict[str, Any]]:
    a, b, drawn_a, drawn_b = four
    # Equal averages of different tags differ in the last bits: that is no difference.
    differences = np.round(drawn_b - drawn_a, 12)
    low, high = percentile_interval(differences)
    p = p_values(differences)
    counts = support > 0
    found = np.zeros(len(names), dtype=bool)
    found[counts] = discoveries(p[counts], 1 - LEVEL)
    records: list[dict[str, Any]] = []
    for place, name in enumerate(names):
        record = {"name": name, "metric": metric, "support": int(support[place])}
        if not counts[place]:
            # Nothing to find: any figure would be the convention for 0 / 0.
            nothing = dict.fromkeys(("a", "b", "diff", "low", "high", "p_value"))
            records.append({**record, **nothing, "verdict": "can't tell"})
            continue
        diff = round(float(b[place] - a[place]), 12)
        verdict = "can't tell"
        if found[place] and diff:
            verdict = "better" if diff > 0 else "worse"
        record |= {"a": float(a[place]), "b": float(b[place]), "diff": diff}
        record |= {"low": float(low[place]), "high": float(high[place])}
        records.append({**record, "p_value": float(p[place]), "verdict": verdict})
    return records
