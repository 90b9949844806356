"""Detect probabilities of train projects that come from a model that saw them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tagifai.comparison.bootstrap import percentile_interval, resample_counts
from tagifai.metrics import average_defined, count_outcomes, precision_recall_f1
from tagifai.predictions import Predictions

# A gap that is certainly this wide is no longer one of luck or of folds.
FAR = 0.05
RESAMPLES = 500
MOST_PROJECTS = 2_000
_CELLS = 2_000_000


@dataclass(frozen=True, slots=True)
class TrainGap:
    """How much better the figures on train are than those on test.

    Attributes
    ----------
    train, test : float
        F1 weighted by support, on each split.
    low, high : float
        95 % interval of train − test, by the bootstrap over projects.
    """

    train: float
    test: float
    low: float
    high: float

    @property
    def is_far(self) -> bool:
        """Whether train exceeds test by more than 0.05 for certain."""
        return self.low > FAR

    def describe(self, out_of_fold: str) -> str:
        """Return what such a gap means, "" where it means nothing."""
        if not self.is_far:
            return ""
        gap = (
            f"weighted F1 is {self.train:.3f} on train and {self.test:.3f} on test (difference "
            f"{self.train - self.test:.3f}, 95 % interval {self.low:.3f} to {self.high:.3f})"
        )
        if out_of_fold == "yes":
            return (
                f"{gap}: either the probabilities of train are not out of fold, though they are "
                f"said to be, or test is harder than train"
            )
        return (
            f"{gap}: the probabilities of train come from a model that saw these projects, or "
            f"test is harder; label errors and thresholds use val and test alone"
        )


def measure_train_gap(
    predictions: Predictions, thresholds: Mapping[str, float], seed: int = 0
) -> TrainGap | None:
    """Measure by how much F1 on train exceeds F1 on test; None where either has too few positives.

    Of many projects a sample is looked at.
    """
    rng = np.random.default_rng(seed)
    most = max(1, min(MOST_PROJECTS, _CELLS // max(1, len(predictions.tags))))
    figures, samples = {}, {}
    for number, split in enumerate(("train", "test")):
        rows = predictions.rows_by_split[split]
        if not len(rows):
            return None
        if len(rows) > most:
            rows = np.sort(rng.choice(rows, most, replace=False))
        part = predictions.take(rows)
        if not part.y_true.any():
            return None
        decided = part.decide(thresholds)
        (counts,) = resample_counts(part.y_true, (decided,), RESAMPLES, seed + number)
        samples[split] = counts.averages()["weighted"]["f1"]
        figures[split] = _weighted_f1(part.y_true, decided)
    gaps = samples["train"] - samples["test"]
    gaps = gaps[np.isfinite(gaps)]  # few positives may be left out of a resample altogether
    if 2 * len(gaps) < RESAMPLES:
        return None
    low, high = percentile_interval(gaps)
    return TrainGap(figures["train"], figures["test"], float(low), float(high))


def _weighted_f1(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    _, _, f1 = precision_recall_f1(count_outcomes(y_true, y_pred))
    average, _ = average_defined(f1, y_true.sum(axis=0, dtype=float))
    return average or 0.0
