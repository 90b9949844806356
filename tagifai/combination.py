"""Combine linear models: standardise their scores, average, calibrate, fold into one matrix."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tagifai.platt import fit_platt

Layer = tuple[np.ndarray, np.ndarray]
"""A matrix (n_features, n_tags) and intercepts (n_tags,)."""


@dataclass(frozen=True, eq=False)
class Combination:
    """The line from members' scores to a tag's log-odds.

    `mean` and `deviation`, (n_members, n_tags), standardise; `slopes` and `offsets`,
    (n_tags,), calibrate the average.
    """

    mean: np.ndarray
    deviation: np.ndarray
    slopes: np.ndarray
    offsets: np.ndarray

    def log_odds(self, scores: np.ndarray) -> np.ndarray:
        """Turn scores (n_members, n_texts, n_tags) into log-odds (n_texts, n_tags)."""
        standardised = (scores - self.mean[:, None]) / self.deviation[:, None]
        return self.slopes * standardised.mean(axis=0) + self.offsets

    def fold(self, layers: Sequence[Layer]) -> Layer:
        """Fold the members' layers into one, whose scores are the log-odds."""
        coef = np.zeros_like(layers[0][0])
        intercept = self.offsets.copy()
        for (matrix, bias), mean, deviation in zip(layers, self.mean, self.deviation, strict=True):
            share = self.slopes / deviation / len(layers)
            coef += matrix * share
            intercept += (bias - mean) * share
        return coef, intercept


def fit_combination(scores: np.ndarray, y_true: np.ndarray, calibration: str) -> Combination:
    """Learn a combination from out-of-fold scores (n_members, n_texts, n_tags).

    A single member keeps its own scale. `calibration` is "platt" or "none".
    """
    mean, deviation = scores.mean(axis=1), np.maximum(scores.std(axis=1), 1e-9)
    if len(scores) == 1:
        mean, deviation = np.zeros_like(mean), np.ones_like(deviation)
    n_tags = y_true.shape[1]
    plain = Combination(mean, deviation, np.ones(n_tags), np.zeros(n_tags))
    if calibration == "none":
        return plain
    return Combination(mean, deviation, *fit_platt(plain.log_odds(scores), y_true))
