"""Counts that precision, recall and F1 follow from, and the averages of these over tags."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tagifai.arrays import Floats

METRICS = ("precision", "recall", "f1")
AVERAGES = ("weighted", "macro", "micro")


@dataclass(frozen=True, eq=False)
class Counts:
    """What precision, recall and F1 follow from; arrays of shape (..., columns).

    Attributes
    ----------
    true, predicted, hits : ndarray
        Positives, predicted positives and those that are both, each a sum over projects.
    """

    true: Floats
    predicted: Floats
    hits: Floats

    def figures(self) -> dict[str, Floats]:
        """Compute precision, recall and F1 of each column, NaN where undefined.

        They equal scikit-learn's with `zero_division=np.nan`.
        """
        return {
            "precision": ratio(self.hits, self.predicted),
            "recall": ratio(self.hits, self.true),
            "f1": ratio(2 * self.hits, self.true + self.predicted),
        }

    def averages(self, kept: NDArray[np.bool_] | None = None) -> dict[str, dict[str, Floats]]:
        """Average precision, recall and F1 over the columns for which they are defined.

        "weighted" weighs by positives, "macro" equally, "micro" pools the counts.

        Parameters
        ----------
        kept : bool array of shape (..., columns), optional
            The columns that "macro" averages over, where they are defined; all by default.

        Returns
        -------
        dict of dict of ndarray
            By average and metric, of shape (...); NaN where no column is defined.
        """
        found = divide_sums(self.sums(kept))
        return {
            average: {metric: found[average, metric] for metric in METRICS} for average in AVERAGES
        }

    def sums(
        self, kept: NDArray[np.bool_] | None = None
    ) -> dict[tuple[str, str], tuple[Floats, Floats]]:
        """Sum what each average is the ratio of: numerator and denominator, of shape (...).

        Sums over blocks of columns add up to those over all.
        """
        found: dict[tuple[str, str], tuple[Floats, Floats]] = {}
        total = Counts(*(part.sum(axis=-1) for part in (self.true, self.predicted, self.hits)))
        for metric, values in self.figures().items():
            defined = ~np.isnan(values)
            values = np.where(defined, values, 0.0)
            weight = self.true * defined
            found["weighted", metric] = (values * weight).sum(axis=-1), weight.sum(axis=-1)
            alike = (defined if kept is None else defined & kept).astype(np.float64)
            found["macro", metric] = (values * alike).sum(axis=-1), alike.sum(axis=-1)
        found["micro", "precision"] = total.hits, total.predicted
        found["micro", "recall"] = total.hits, total.true
        found["micro", "f1"] = 2 * total.hits, total.true + total.predicted
        return found


def divide_sums(sums: Mapping[tuple[str, str], Sequence[Any]]) -> dict[tuple[str, str], Floats]:
    """Turn numerators and denominators of `Counts.sums` into averages.

    Where no column that is defined has a positive, all that are count alike, as in scikit-learn.
    """
    found = {figure: ratio(*parts) for figure, parts in sums.items()}
    for metric in METRICS:
        weighted, alike = found["weighted", metric], found["macro", metric]
        found["weighted", metric] = np.where(np.isnan(weighted), alike, weighted)
    return found


def ratio(above: Any, below: Any) -> Floats:
    """Divide, with NaN where there is nothing to divide by.

    >>> ratio(np.array([1.0, 1.0]), np.array([2.0, 0.0])).tolist()
    [0.5, nan]
    """
    above, below = np.asarray(above, np.float64), np.asarray(below, np.float64)
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)
