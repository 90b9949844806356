"""Combine linear models: standardise their scores, average, calibrate, fold into one matrix."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tagifai.models.platt import fit_curve, fit_platt

Layer = tuple[np.ndarray, np.ndarray]
"""A matrix (n_features, n_tags) and intercepts (n_tags,)."""


@dataclass(frozen=True, eq=False)
class Combination:
    """The way from members' scores to a tag's margin, and on to its log-odds.

    Attributes
    ----------
    mean, deviation : arrays of shape (n_members, n_tags)
        Standardise the scores.
    slopes, offsets : arrays of shape (n_tags,)
        Calibrate their average.
    curve : array of shape (3,)
        Bends the result, alike for all tags.
    """

    mean: np.ndarray
    deviation: np.ndarray
    slopes: np.ndarray
    offsets: np.ndarray
    curve: np.ndarray

    def margins(self, scores: np.ndarray) -> np.ndarray:
        """Return the margins (n_texts, n_tags) of scores (n_members, n_texts, n_tags)."""
        standardised = (scores - self.mean[:, None]) / self.deviation[:, None]
        return self.slopes * standardised.mean(axis=0) + self.offsets

    def fold(self, layers: Sequence[Layer]) -> Layer:
        """Return the members' layers as one, whose scores are the margins."""
        coef = np.zeros_like(layers[0][0])
        intercept = self.offsets.copy()
        for (matrix, bias), mean, deviation in zip(layers, self.mean, self.deviation, strict=True):
            share = self.slopes / deviation / len(layers)
            coef += matrix * share
            intercept += (bias - mean) * share
        return coef, intercept


def fit_combination(scores: np.ndarray, y_true: np.ndarray, calibration: str) -> Combination:
    """Fit a combination; a single member keeps its own scale.

    Parameters
    ----------
    scores : array of shape (n_members, n_texts, n_tags)
        Out-of-fold scores.
    y_true : array of shape (n_texts, n_tags)
        1 where a text has a tag, else 0.
    calibration
        "platt" or "none".
    """
    mean, deviation = scores.mean(axis=1), np.maximum(scores.std(axis=1), 1e-9)
    if len(scores) == 1:
        mean, deviation = np.zeros_like(mean), np.ones_like(deviation)
    n_tags = y_true.shape[1]
    straight = np.array([1.0, 1.0, 0.0])
    plain = Combination(mean, deviation, np.ones(n_tags), np.zeros(n_tags), straight)
    if calibration == "none":
        return plain
    slopes, offsets = fit_platt(plain.margins(scores), y_true)
    lined = replace(plain, slopes=slopes, offsets=offsets)
    return replace(lined, curve=fit_curve(lined.margins(scores), y_true))
