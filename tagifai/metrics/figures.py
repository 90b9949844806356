"""What precision, recall and F1 are, once for everything that computes them.

A figure with nothing to count is undefined, which is not zero: precision where nothing is
predicted, recall where nothing is true, F1 where neither is. It is NaN in arrays and None in
records. All of it follows scikit-learn's `zero_division=np.nan`.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, SupportsFloat, TypeVar

import numpy as np
import numpy.typing as npt

from tagifai.arrays import Array, Floats
from tagifai.matrices import Matrix, as_csr, as_matrix, is_sparse

FIGURES = ("precision", "recall", "f1")
Number = TypeVar("Number", int, float, Array)


def figure_parts(hits: Number, predicted: Number, true: Number) -> dict[str, tuple[Number, Number]]:
    """Return the numerator and denominator of precision, recall and F1.

    Parameters
    ----------
    hits, predicted, true : int, float or arrays of one shape
        How often a tag is predicted and true, predicted, and true.

    Examples
    --------
    >>> figure_parts(2, 4, 3)
    {'precision': (2, 4), 'recall': (2, 3), 'f1': (4, 7)}
    """
    return {
        "precision": (hits, predicted),
        "recall": (hits, true),
        "f1": (2 * hits, predicted + true),
    }


def ratio(above: npt.ArrayLike, below: npt.ArrayLike) -> Floats:
    """Divide element by element; NaN where the denominator is 0.

    >>> ratio(np.array([1.0, 1.0]), np.array([2.0, 0.0])).tolist()
    [0.5, nan]
    """
    above, below = np.broadcast_arrays(np.asarray(above, float), np.asarray(below, float))
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)


class Counts(NamedTuple):
    """True positives, false positives and false negatives, of any one shape."""

    tp: Array
    fp: Array
    fn: Array

    def parts(self) -> dict[str, tuple[Array, Array]]:
        """Return the numerator and denominator of precision, recall and F1."""
        return figure_parts(self.tp, self.tp + self.fp, self.tp + self.fn)


@dataclass(frozen=True, slots=True)
class Figures:
    """Precision, recall and F1, each in [0, 1], or None where undefined."""

    precision: float | None
    recall: float | None
    f1: float | None

    @classmethod
    def of(cls, hits: int, predicted: int, true: int) -> "Figures":
        """Compute the figures of counts.

        >>> Figures.of(1, 2, 1)
        Figures(precision=0.5, recall=1.0, f1=0.6666666666666666)
        >>> Figures.of(0, 0, 1)
        Figures(precision=None, recall=0.0, f1=0.0)
        """
        parts = figure_parts(hits, predicted, true)
        return Figures(**{name: a / b if b else None for name, (a, b) in parts.items()})


def count_outcomes(y_true: Matrix, y_pred: Matrix, axis: int | None = 0) -> Counts:
    """Count outcomes by tag (`axis` 0), by project (1) or in all (None); dense or CSR.

    >>> count_outcomes(np.array([[1, 0], [1, 1]]), np.array([[1, 1], [0, 1]])).tp.tolist()
    [1, 1]
    """
    true, pred = as_pair(y_true, y_pred)
    hits = true.multiply(pred) if is_sparse(true) else true & pred
    tp, predicted, positives = (
        np.asarray(part.sum(axis=axis), np.int64)[()] for part in (hits, pred, true)
    )
    return Counts(tp, predicted - tp, positives - tp)


def precision_recall_f1(counts: Counts) -> tuple[Floats, Floats, Floats]:
    """Turn counts into precision, recall and F1 of the same shape; NaN where undefined.

    >>> counts = Counts(np.array([1, 0, 0]), np.array([1, 0, 0]), np.array([0, 1, 0]))
    >>> [values.tolist() for values in precision_recall_f1(counts)]
    [[0.5, nan, nan], [1.0, 0.0, nan], [0.6666666666666666, 0.0, nan]]
    """
    precision, recall, f1 = (ratio(*parts) for parts in counts.parts().values())
    return precision, recall, f1


def as_pair(y_true: Matrix, y_pred: Matrix) -> tuple[Matrix, Matrix]:
    """Return truth and prediction as booleans, both CSR where one of them is sparse.

    Raises
    ------
    ValueError
        They are not two matrices of one shape (n_projects, n_tags).
    """
    true, pred = as_matrix(y_true), as_matrix(y_pred)
    if true.shape != pred.shape or true.ndim != 2:
        raise ValueError(f"two arrays (n_projects, n_tags) needed, got {true.shape}, {pred.shape}")
    if is_sparse(true) or is_sparse(pred):
        true, pred = as_csr(true), as_csr(pred)
    return true.astype(bool), pred.astype(bool)


def defined(
    values: Iterable[SupportsFloat],
) -> tuple[float | None, float | None, float | None]:
    """Return precision, recall and F1 as records hold them: None where undefined.

    >>> defined(np.array([0.5, np.nan, 0.25]))
    (0.5, None, 0.25)
    """
    numbers = [float(value) for value in values]
    precision, recall, f1 = (None if math.isnan(value) else value for value in numbers)
    return precision, recall, f1
