"""How far a version's own figures would move on another test split of the same size."""

from collections.abc import Mapping

from tagifai.comparison.bootstrap import METRICS, percentile_interval, resample_counts
from tagifai.predictions import Predictions
from tagifai.versions.history import Key

RESAMPLES = 1_000


def figure_intervals(
    predictions: Predictions,
    thresholds: Mapping[str, float],
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[Key, tuple[float, float]]:
    """Give the 95 % percentile interval of each overall and each tag's figure on test.

    The bootstrap draws projects of the test split with replacement. Keys are those of
    `history.flatten_performance`. Intervals of two versions overlap even where the paired
    difference is certain: to compare, use `comparison.compare`.
    """
    test = predictions.select("test")
    if not test.ids:
        return {}
    (counts,) = resample_counts(test.y_true, (test.decide(thresholds),), resamples, seed)
    found: dict[Key, tuple[float, float]] = {}
    for metric, values in counts.figures().items():
        low, high = percentile_interval(values)
        for column, tag in enumerate(test.tags):
            found["class", tag, metric] = (float(low[column]), float(high[column]))
    for average, figures in counts.averages().items():
        for metric in METRICS:
            low, high = percentile_interval(figures[metric])
            found["overall", average, metric] = (float(low), float(high))
    return found
