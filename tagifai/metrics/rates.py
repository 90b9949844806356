"""Whether a model is better than knowing how frequent each tag is.

Two questions, since two things can go wrong. Do its probabilities rank projects better than
chance does? Chance is what random orders of the same test projects reach (a permutation test,
Ojala and Garriga 2010): with few positives that is well above the tag's rate. And are its
decisions better than the best that the rates alone allow, which is to predict each tag for every
project?
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tagifai.arrays import Booleans, Integers
from tagifai.errors import counted
from tagifai.matrices import Matrix, as_dense
from tagifai.metrics import average_defined, count_outcomes, precision_recall_f1
from tagifai.predictions import Predictions

ORDERS = 99
LEVEL = 0.95
# Of the way from chance to a perfect order: less is hardly anything.
HARDLY = 0.05
MOST_PROJECTS = 2_000
_CELLS = 200_000


@dataclass(frozen=True, slots=True)
class RateComparison:
    """A model's test figures beside those of the tags' rates; averages weighted by support.

    Attributes
    ----------
    average_precision : float
        Of the model's probabilities.
    chance, chance_high : float
        Its mean over random orders of the projects, and what 95 in 100 of them stay under.
    f1 : float
        Of the model's decisions.
    rates_f1 : float
        Of predicting each tag for every project.
    num_projects, num_test : int
        Number of test projects looked at, and of all.
    """

    average_precision: float
    chance: float
    chance_high: float
    f1: float
    rates_f1: float
    num_projects: int
    num_test: int

    @property
    def ranks_no_better(self) -> bool:
        """Whether the probabilities rank projects as chance does, or hardly better."""
        room = 1 - self.chance
        if room < 1e-9:  # every project has every tag: any order is perfect
            return False
        return self.within_chance or self.average_precision - self.chance < HARDLY * room

    @property
    def within_chance(self) -> bool:
        """Whether more than 5 in 100 random orders do as well."""
        return self.average_precision <= self.chance_high

    @property
    def decides_no_better(self) -> bool:
        """Whether the decisions are no better than to predict each tag for every project."""
        return self.rates_f1 < 1 and self.f1 <= self.rates_f1

    def describe(self) -> str:
        """Describe, with both numbers, a model no better than the rates; "" where it is better."""
        where = f"on {counted(self.num_projects, 'test project')}"
        if self.num_projects < self.num_test:
            where = f"on {self.num_projects:,} of {self.num_test:,} test projects"
        if self.ranks_no_better:
            no_better = "no better" if self.within_chance else "hardly better"
            return (
                f"{no_better} than the tags' rates: average precision, weighted by support, is "
                f"{self.average_precision:.3f} {where}, and {self.chance:.3f} where projects are "
                f"put in random order (95 in 100 such orders stay under {self.chance_high:.3f}), "
                f"so the probabilities tell {'no' if self.within_chance else 'hardly'} more than "
                f"how frequent each tag is"
            )
        if self.decides_no_better:
            return (
                f"decisions no better than the tags' rates: weighted F1 is {self.f1:.3f} {where}, "
                f"and {self.rates_f1:.3f} where each tag is predicted for every project; the "
                f"probabilities themselves are better (average precision "
                f"{self.average_precision:.3f}, by chance {self.chance:.3f}), so the thresholds do "
                f"not fit them"
            )
        return ""


def compare_with_rates(
    predictions: Predictions, decided: Matrix, seed: int = 0
) -> RateComparison | None:
    """Compare a version's test figures with what the tags' rates give.

    Parameters
    ----------
    predictions
        The version's predictions.
    decided : matrix of shape (n_projects, n_tags)
        1 where a tag is predicted, for all of its projects.
    seed
        Draws the orders, and the sample where there are many projects.

    Returns
    -------
    comparison : RateComparison or None
        None where no test project has a tag.
    """
    rng = np.random.default_rng(seed)
    rows = predictions.rows_by_split["test"]
    num_test = len(rows)
    most = max(100, min(MOST_PROJECTS, _CELLS // max(1, len(predictions.tags))))
    if len(rows) > most:
        rows = np.sort(rng.choice(rows, most, replace=False))
    true = as_dense(predictions.y_true[rows]).astype(bool)
    positives = true.sum(axis=0)
    if not positives.any():
        return None
    order, ends = _ranks(as_dense(predictions.y_prob[rows]))
    found = _average_precision(true, order, ends)
    chance = [_average_precision(rng.permutation(true), order, ends) for _ in range(ORDERS)]
    _, _, f1 = precision_recall_f1(count_outcomes(true, as_dense(decided[rows])))
    _, _, by_rate = precision_recall_f1(count_outcomes(true, np.ones_like(true)))
    return RateComparison(
        average_precision=found,
        chance=float(np.mean(chance)),
        chance_high=float(np.quantile(chance, LEVEL)),
        f1=average_defined(f1, positives)[0] or 0.0,
        rates_f1=average_defined(by_rate, positives)[0] or 0.0,
        num_projects=len(rows),
        num_test=num_test,
    )


def _ranks(
    y_prob: npt.NDArray[np.float32],
) -> tuple[Integers, Integers]:
    """Order each column, the likeliest first, and find the last place of equals at each place."""
    order = np.argsort(-y_prob, axis=0, kind="stable")
    ranked = np.take_along_axis(y_prob, order, axis=0)
    last = np.vstack([ranked[1:] < ranked[:-1], np.ones((1, y_prob.shape[1]), bool)])
    places = np.where(last, np.arange(len(y_prob))[:, None], len(y_prob))
    return order, np.minimum.accumulate(places[::-1], axis=0)[::-1]


def _average_precision(true: Booleans, order: Integers, ends: Integers) -> float:
    """Average over all positives the precision at each one's place: weighted by support."""
    ranked = np.take_along_axis(true, order, axis=0)
    hits = np.take_along_axis(np.cumsum(ranked, axis=0, dtype=np.int32), ends, axis=0)
    return float(np.mean((hits / (ends + 1))[ranked]))
