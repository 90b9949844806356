"""Counts that precision, recall and F1 follow from, and the averages of these over tags."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tagifai.arrays import Booleans, Floats
from tagifai.metrics.figures import FIGURES as METRICS
from tagifai.metrics.figures import figure_parts, ratio

AVERAGES = ("weighted", "macro", "micro")
Figure = tuple[str, str]
"""An average and a metric: ("weighted", "f1")."""
Sums = tuple[Floats, Floats]
"""Numerator and denominator of an average."""


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
        return {metric: ratio(*parts) for metric, parts in self.parts().items()}

    def parts(self) -> dict[str, Sums]:
        """Return the numerator and denominator of precision, recall and F1 of each column."""
        return figure_parts(self.hits, self.predicted, self.true)

    def averages(self, included: Booleans | None = None) -> dict[str, dict[str, Floats]]:
        """Average precision, recall and F1 over the columns for which they are defined.

        "weighted" weighs by positives, "macro" equally, "micro" pools the counts.

        Parameters
        ----------
        included : bool array of shape (..., columns), optional
            The columns that "macro" averages over, where they are defined; all by default.

        Returns
        -------
        dict of dict of ndarray
            By average and metric, of shape (...); NaN where no column is defined.
        """
        found = divide_sums(self.sums(included))
        return {
            average: {metric: found[average, metric] for metric in METRICS} for average in AVERAGES
        }

    def sums(self, included: Booleans | None = None) -> dict[Figure, Sums]:
        """Sum what each average is the ratio of: numerator and denominator, of shape (...).

        Sums over blocks of columns add up to those over all.
        """
        found: dict[Figure, Sums] = {}
        total = Counts(*(part.sum(axis=-1) for part in (self.true, self.predicted, self.hits)))
        for metric, values in self.figures().items():
            defined = ~np.isnan(values)
            values = np.where(defined, values, 0.0)
            weight = self.true * defined
            found["weighted", metric] = (values * weight).sum(axis=-1), weight.sum(axis=-1)
            alike = (defined if included is None else defined & included).astype(np.float64)
            found["macro", metric] = (values * alike).sum(axis=-1), alike.sum(axis=-1)
        return found | {("micro", metric): parts for metric, parts in total.parts().items()}


def divide_sums(sums: Mapping[Figure, Sums]) -> dict[Figure, Floats]:
    """Compute averages from the numerators and denominators of `Counts.sums`.

    If no defined column has a positive, all defined ones count equally, as in scikit-learn.
    """
    found = {figure: ratio(*parts) for figure, parts in sums.items()}
    for metric in METRICS:
        weighted, alike = found["weighted", metric], found["macro", metric]
        found["weighted", metric] = np.where(np.isnan(weighted), alike, weighted)
    return found
