"""Recalibrate a foreign predictor: from its probabilities to ones that can be believed.

Fitted on projects that the predictor did not see, kept in `predictor.json`, applied to whatever
it predicts from then on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tagifai.arrays import Array, Floats
from tagifai.errors import TagifaiError, one_of
from tagifai.matrices import Matrix, Stored, as_dense, as_matrix, column_sums, columns_of, is_sparse
from tagifai.models.predictor import Predictor

KINDS = ("platt", "isotonic")
LEAST_POSITIVES = 10
LEAST_PROBABILITY = 1e-6
MAX_KNOTS = 1_000
_CELLS = 4_000_000


@dataclass(frozen=True, slots=True)
class Calibration:
    """How each tag's probability becomes another one.

    Attributes
    ----------
    kind : {"platt", "isotonic"}
        Platt: log-odds are slope · log-odds + offset. Isotonic: linear between knots.
    curves : tuple of (tuple of float, tuple of float)
        For each tag: Platt's ((slope,), (offset,)), or the knots' probabilities before and after,
        both rising. Two empty tuples leave the tag as it is.
    """

    kind: str
    curves: tuple[tuple[tuple[float, ...], tuple[float, ...]], ...]

    def apply(self, y_prob: Matrix) -> Matrix:
        """Return calibrated probabilities, float32 (n, n_tags).

        Of a CSR matrix those that are stored: what it leaves out stays 0.

        >>> halved = Calibration("isotonic", (((0.0, 1.0), (0.0, 0.5)), ((), ())))
        >>> halved.apply(np.array([[0.5, 0.5]])).tolist()
        [[0.25, 0.5]]
        """
        if is_sparse(y_prob):
            return self._apply_to_stored(y_prob)
        result = np.array(y_prob, np.float64)
        for column, (before, after) in enumerate(self.curves):
            if not before:
                continue
            if self.kind == "platt":
                result[:, column] = _platt(result[:, column], before[0], after[0])
            else:
                result[:, column] = np.interp(result[:, column], before, after)
        return result.astype(np.float32)

    def _apply_to_stored(self, y_prob: Stored) -> Stored:
        from scipy import sparse

        by_tag = sparse.csc_array(y_prob, dtype=np.float64, copy=True)
        for column, (before, after) in enumerate(self.curves):
            own = slice(by_tag.indptr[column], by_tag.indptr[column + 1])
            if not before or not len(by_tag.data[own]):
                continue
            if self.kind == "platt":
                by_tag.data[own] = _platt(by_tag.data[own], before[0], after[0])
            else:
                by_tag.data[own] = np.interp(by_tag.data[own], before, after)
        return sparse.csr_array(by_tag, dtype=np.float32)


class CalibratedPredictor:
    """A predictor whose probabilities are calibrated; whatever else it can do it still can."""

    def __init__(self, predictor: Predictor, calibration: Calibration) -> None:
        self.predictor = predictor
        self.calibration = calibration
        self.tags: Sequence[str] = tuple(predictor.tags)
        if len(self.tags) != len(calibration.curves):
            raise TagifaiError(
                f"the calibration is for {len(calibration.curves):,} tags, and the predictor has "
                f"{len(self.tags):,}"
            )

    def predict_proba(self, texts: Sequence[str]) -> Array:
        """Return calibrated probabilities, float32 (n_texts, n_tags)."""
        return as_dense(self.calibration.apply(np.asarray(self.predictor.predict_proba(texts))))

    def __getattr__(self, name: str) -> object:
        # `embed`, `preprocess`, `batch_size` and the rest are the predictor's own.
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.predictor, name)


def fit_calibration(kind: str, y_true: Matrix, y_prob: Matrix) -> Calibration:
    """Fit a calibration of each tag by projects that the predictor did not see.

    A tag with fewer than ten positives, or fewer than ten negatives, stays as it is: so few tell
    nothing that should be kept.

    Parameters
    ----------
    kind : {"platt", "isotonic"}
    y_true, y_prob : matrices (n, n_tags)

    Raises
    ------
    TagifaiError
        An unknown kind.
    """
    if kind not in KINDS:
        raise one_of("calibration", kind, KINDS)
    true, prob = as_matrix(y_true), as_matrix(y_prob)
    n, num_tags = true.shape
    positives = column_sums(true)
    enough = np.flatnonzero(np.minimum(positives, n - positives) >= LEAST_POSITIVES)
    curves: list[tuple[tuple[float, ...], tuple[float, ...]]] = [((), ())] * num_tags
    # Of CSR matrices, some columns at a time.
    width = max(1, _CELLS // max(n, 1)) if is_sparse(prob) else max(len(enough), 1)
    for start in range(0, len(enough), width):
        chosen = enough[start : start + width]
        labels, values = columns_of(true, chosen), columns_of(prob, chosen).astype(np.float64)
        for column, curve in zip(chosen.tolist(), _fit(kind, labels, values), strict=True):
            curves[column] = curve
    return Calibration(kind, tuple(curves))


def _fit(kind: str, true: Array, prob: Floats) -> list[tuple[tuple[float, ...], tuple[float, ...]]]:
    """Fit the curve of each column."""
    if kind == "isotonic":
        return [_fit_isotonic(true[:, place], prob[:, place]) for place in range(true.shape[1])]
    from tagifai.models.platt import fit_platt

    slopes, offsets = fit_platt(_log_odds(prob), true)
    return [
        ((float(slope),), (float(offset),)) for slope, offset in zip(slopes, offsets, strict=True)
    ]


def check_calibration(calibration: Calibration) -> Calibration:
    """Check a calibration that came from a file.

    Raises
    ------
    TagifaiError
        An unknown kind, or a curve that is not one of its kind.
    """
    if calibration.kind not in KINDS:
        raise one_of("calibration", calibration.kind, KINDS)
    for number, (before, after) in enumerate(calibration.curves, start=1):
        finite = bool(np.isfinite((*before, *after)).all())
        if calibration.kind == "platt":
            fine = len(before) == len(after) <= 1 and all(slope >= 0 for slope in before)
        else:
            inside = all(0 <= one <= 1 for one in (*before, *after))
            rising = all((np.diff(one) >= 0).all() for one in (before, after))
            fine = len(before) == len(after) <= MAX_KNOTS and inside and rising
        if not (finite and fine):
            raise TagifaiError(
                f"calibration: curve {number} is not one of {calibration.kind}: rising, finite "
                f"and of as many values before as after"
            )
    return calibration


def _fit_isotonic(true: Array, prob: Floats) -> tuple[tuple[float, ...], tuple[float, ...]]:
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(prob, true)
    before, after = fitted.X_thresholds_, fitted.y_thresholds_
    if len(before) > MAX_KNOTS:
        chosen = np.unique(np.linspace(0, len(before) - 1, MAX_KNOTS).round().astype(int))
        before, after = before[chosen], after[chosen]
    return tuple(map(float, before)), tuple(map(float, after))


def _platt(prob: Floats, slope: float, offset: float) -> Floats:
    odds = slope * _log_odds(prob) + offset
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -500, 500))))


def _log_odds(prob: Floats) -> Floats:
    clipped = np.clip(prob, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    return np.asarray(np.log(clipped) - np.log1p(-clipped))
