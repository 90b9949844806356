"""Detect probabilities of projects that come from a model that saw them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tagifai.arrays import Array
from tagifai.comparison.bootstrap import percentile_interval, resample_counts
from tagifai.metrics import average_defined, count_outcomes, precision_recall_f1
from tagifai.metrics.thresholds import common_threshold
from tagifai.predictions import Predictions

# A gap that is certainly this wide is no longer one of luck or of folds.
FAR = 0.05
RESAMPLES = 500
MOST_PROJECTS = 2_000
_CELLS = 2_000_000


@dataclass(frozen=True, slots=True)
class SplitGap:
    """How much better the figures on train, or on val, are than those on test.

    Attributes
    ----------
    other, test : float
        F1 weighted by support, on each split.
    low, high : float
        95 % interval of other − test, by the bootstrap over projects.
    split : {"train", "val"}
        The other split.
    """

    other: float
    test: float
    low: float
    high: float
    split: str = "train"

    @property
    def is_far(self) -> bool:
        """Whether the other split exceeds test by more than 0.05 for certain."""
        return self.low > FAR

    def describe(self, out_of_fold: str) -> str:
        """Return what such a gap means, "" where it means nothing."""
        if not self.is_far:
            return ""
        gap = (
            f"weighted F1 is {self.other:.3f} on {self.split} and {self.test:.3f} on test "
            f"(difference {self.other - self.test:.3f}, 95 % interval {self.low:.3f} to "
            f"{self.high:.3f})"
        )
        if self.split == "val":
            return (
                f"{gap}, at one threshold for all: the model saw the val projects, or test is "
                f"harder; what is tuned on val, thresholds and calibration, is then worthless"
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
) -> SplitGap | None:
    """Measure by how much F1 on train exceeds F1 on test; None where either has too few positives.

    Of many projects a sample is looked at.
    """
    parts = _samples(predictions, "train", seed)
    if parts is None:
        return None
    return _gap(*parts, [part.decide(thresholds) for part in parts], "train", seed)


def measure_val_gap(predictions: Predictions, seed: int = 0) -> SplitGap | None:
    """Measure by how much F1 on val exceeds F1 on test; None where either has too few positives.

    Thresholds that were tuned on val make it look better than test. So one threshold decides,
    the best one for both splits together.
    """
    parts = _samples(predictions, "val", seed)
    if parts is None:
        return None
    threshold = 0.5
    if not predictions.decisions_only:
        threshold = common_threshold(
            np.concatenate([part.y_true for part in parts]),
            np.concatenate([part.y_prob for part in parts]),
        )
    thresholds = dict.fromkeys(predictions.tags, threshold)
    return _gap(*parts, [part.decide(thresholds) for part in parts], "val", seed)


def _samples(
    predictions: Predictions, split: str, seed: int
) -> tuple[Predictions, Predictions] | None:
    """Return projects of a split and of test; None where either has no positive."""
    rng = np.random.default_rng(seed)
    most = max(1, min(MOST_PROJECTS, _CELLS // max(1, len(predictions.tags))))
    parts = []
    for one in (split, "test"):
        rows = predictions.rows_by_split[one]
        if not len(rows):
            return None
        if len(rows) > most:
            rows = np.sort(rng.choice(rows, most, replace=False))
        part = predictions.take(rows).to_dense()
        if not part.y_true.any():
            return None
        parts.append(part)
    return parts[0], parts[1]


def _gap(
    other: Predictions, test: Predictions, decided: Sequence[Array], split: str, seed: int
) -> SplitGap | None:
    samples, figures = [], []
    for number, part in enumerate((other, test)):
        (counts,) = resample_counts(part.y_true, (decided[number],), RESAMPLES, seed + number)
        samples.append(counts.averages()["weighted"]["f1"])
        figures.append(_weighted_f1(part.y_true, decided[number]))
    gaps = samples[0] - samples[1]
    gaps = gaps[np.isfinite(gaps)]  # few positives may be left out of a resample altogether
    if 2 * len(gaps) < RESAMPLES:
        return None
    low, high = percentile_interval(gaps)
    return SplitGap(figures[0], figures[1], float(low), float(high), split)


def _weighted_f1(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    _, _, f1 = precision_recall_f1(count_outcomes(y_true, y_pred))
    average, _ = average_defined(f1, y_true.sum(axis=0, dtype=float))
    return average or 0.0
