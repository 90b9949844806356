"""Combine linear models: standardise their scores, average, calibrate, fold into one matrix."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from tagifai.arrays import Array, Floats
from tagifai.models.platt import column_blocks, fit_curve, fit_platt

Layer = tuple[Array | sparse.csc_matrix, Floats]
"""A matrix (n_features, n_tags), dense or sparse, and intercepts (n_tags,)."""


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

    mean: Floats
    deviation: Floats
    slopes: Floats
    offsets: Floats
    curve: Floats

    def margins(self, scores: Array) -> Array:
        """Return the margins (n_texts, n_tags) of scores (n_members, n_texts, n_tags)."""
        margins = np.empty(scores.shape[1:], scores.dtype)
        for block in column_blocks(scores.shape[1], scores.shape[2]):
            part = scores[:, :, block].astype(np.float64)
            part -= self.mean[:, None, block]
            part /= self.deviation[:, None, block]
            margins[:, block] = self.slopes[block] * part.mean(axis=0) + self.offsets[block]
        return margins

    def of_tags(self, tags: slice) -> "Combination":
        """Return the combination of some tags."""
        return Combination(
            self.mean[:, tags],
            self.deviation[:, tags],
            self.slopes[tags],
            self.offsets[tags],
            self.curve,
        )

    def fold(self, layers: Sequence[Layer]) -> Layer:
        """Return the members' layers as one, whose scores are the margins."""
        coef: Array | sparse.csc_matrix | None = None
        intercept = self.offsets.copy()
        for (matrix, bias), mean, deviation in zip(layers, self.mean, self.deviation, strict=True):
            share = self.slopes / deviation / len(layers)
            part = matrix @ sparse.diags(share) if sparse.issparse(matrix) else matrix * share
            coef = part if coef is None else coef + part
            intercept += (bias - mean) * share
        assert coef is not None
        return coef, intercept


def fit_combination(scores: Array, y_true: Array, calibration: str) -> Combination:
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
    n_tags = y_true.shape[1]
    mean, deviation = np.zeros((len(scores), n_tags)), np.ones((len(scores), n_tags))
    if len(scores) > 1:
        for block in column_blocks(scores.shape[1], n_tags):
            part = scores[:, :, block].astype(np.float64)
            mean[:, block] = part.mean(axis=1)
            deviation[:, block] = np.maximum(part.std(axis=1), 1e-9)
    straight = np.array([1.0, 1.0, 0.0])
    plain = Combination(mean, deviation, np.ones(n_tags), np.zeros(n_tags), straight)
    if calibration == "none":
        return plain
    slopes, offsets = fit_platt(plain.margins(scores), y_true)
    lined = replace(plain, slopes=slopes, offsets=offsets)
    return replace(lined, curve=fit_curve(lined.margins(scores), y_true))
