"""Whether probabilities are calibrated: how far off they are, how sure that is, and a grade.

The calibration error of a finite sample is never 0, not even of perfect probabilities, and the
tags of one project depend on each other. A grade therefore rests on a test of calibration
intercept and slope (`recalibration`) that takes projects, not pairs, as independent, and only
then on the size of the gap. False alarms stay under 5 % in all: 2 % for all pairs pooled, 2 %,
as a false discovery rate (Benjamini and Hochberg 1995), over the tags. The rest is what the
tests' approximations may cost.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

import numpy as np

from tagifai.matrices import Matrix, values_at
from tagifai.metrics import ECE_FLOOR
from tagifai.metrics.calibration import (
    ECE_BINS,
    ReliabilityBin,
    bin_edges,
    bin_indices,
    brier_score,
    expected_calibration_error,
    is_above,
    pairs_above,
    reliability,
    select_top_k,
)
from tagifai.metrics.intervals import FEWEST, share_interval
from tagifai.metrics.recalibration import (
    Recalibration,
    clustered_p_value,
    fit_recalibration,
    tag_p_values,
)
from tagifai.predictions import Predictions
from tagifai.selection import Array, column_in, rows_of

Grade = Literal["fine", "slightly off", "off"]
FALSE_ALARMS = 0.02
SMALL_GAP = 0.01
LARGE_GAP = 0.05
FEW_PAIRS = 50
LEAST_IN_BIN = 10


class CalibrationTest(NamedTuple):
    """Whether a tag's calibration intercept is 0 and its slope 1; `q_value` over all tags."""

    p_value: float
    q_value: float


@dataclass(frozen=True, slots=True)
class TagCalibration:
    """A tag whose probabilities are surely off: how far, with its 95 % interval."""

    tag: str
    grade: Grade
    gap: float
    low: float
    high: float
    intercept: float
    slope: float
    p_value: float
    q_value: float
    num_samples: int
    direction: str


@dataclass(frozen=True, slots=True)
class CalibrationCheck:
    """How probabilities of one tag, or of all pairs pooled (`tag` None), agree with the truth.

    gap, low, high
        Mean |recalibrated − predicted probability| and its 95 % interval, clustered by
        project, over the pairs above 0.05 (over all of them where fewer than ten are above).
        `low` is 0 where probabilities that hold could have shown the gap. None without a pair.
    intercept, slope
        Calibration intercept and slope (Cox 1958); 0 and 1 are perfect.
    p_value, q_value
        Of the test that they are; `q_value` over all tags of the version, None where pooled.
    grade
        "fine", "slightly off", "off", or None: too few pairs to tell.
    verdict
        The grade in a sentence, with the number.
    bins
        As `reliability`, of the pairs above 0.05 in bins of equal numbers of pairs, with the 95 %
        interval of the frequency, clustered by project; None where fewer than ten projects are
        in a bin.
    ece, ece_above_0_05
        Calibration error in 15 bins of equal width, of all pairs and of those above 0.05.
    ece_quantile, ece_quantile_expected
        Calibration error in `bins`, and what probabilities that hold would show there on
        average.
    top_k, ece_top_k, ece_top_k_expected
        The same of each project's `top_k` most probable tags; None for one tag.
    """

    tag: str | None
    gap: float | None
    low: float | None
    high: float | None
    intercept: float | None
    slope: float | None
    p_value: float | None
    q_value: float | None
    grade: Grade | None
    verdict: str
    bins: list[ReliabilityBin]
    num_pairs: int
    num_pairs_above_0_05: int
    num_projects: int
    brier: float | None
    ece: float | None
    ece_above_0_05: float | None
    ece_quantile: float | None
    ece_quantile_expected: float | None
    top_k: int | None
    ece_top_k: float | None
    ece_top_k_expected: float | None


def calibration_tests(predictions: Predictions, split: str = "test") -> dict[str, CalibrationTest]:
    """Test the calibration of every tag of which a split has, or should have, a positive.

    Raises
    ------
    TagifaiError
        An unknown split.
    """
    rows = rows_of(predictions, split)
    true, prob = predictions.y_true[rows], predictions.y_prob[rows]
    p = tag_p_values(true, prob)
    tested = np.flatnonzero((true.sum(axis=0) > 0) | (prob.sum(axis=0) >= 1))
    if not len(tested):
        return {}
    from scipy import stats  # here: only those who ask for a check wait for its import

    q = stats.false_discovery_control(p[tested])
    return {
        predictions.tags[column]: CalibrationTest(float(p[column]), float(q[place]))
        for place, column in enumerate(tested)
    }


def miscalibrated_tags(
    predictions: Predictions,
    split: str = "test",
    *,
    tests: Mapping[str, CalibrationTest] | None = None,
) -> list[TagCalibration]:
    """List the tags that are slightly off or off, the largest gap first.

    `tests` is what `calibration_tests` returns, where the caller has it already.

    Raises
    ------
    TagifaiError
        An unknown split.
    """
    tests = calibration_tests(predictions, split) if tests is None else tests
    found = []
    for tag, tested in tests.items():
        if tested.q_value > FALSE_ALARMS:
            continue
        pairs = _select(predictions, tag, split)
        fitted = _fit(pairs, pooled=False)
        grade = _grade(tested.q_value, fitted, pairs)
        if grade in ("slightly off", "off"):
            found.append(
                TagCalibration(
                    tag,
                    grade,
                    fitted.gap,
                    fitted.low,
                    fitted.high,
                    fitted.intercept,
                    fitted.slope,
                    *tested,
                    int(pairs.true.sum()),
                    direction(fitted),
                )
            )
    return sorted(found, key=lambda one: (-one.gap, one.tag))


def check_calibration(
    predictions: Predictions,
    tag: str | None = None,
    split: str = "test",
    *,
    tests: Mapping[str, CalibrationTest] | None = None,
) -> CalibrationCheck:
    """Compare probabilities with what came true, for one tag or (None) for all pairs pooled.

    Of the pooled pairs those above 0.05 are tested: the others are nearly all of them, and
    easily right. `tests` is what `calibration_tests` returns, where the caller has it already.

    Raises
    ------
    TagifaiError
        An unknown tag or split.
    """
    pairs = _select(predictions, tag, split)
    p_value, q_value = _test(pairs, predictions, tag, split, tests)
    decisive = p_value if tag is None else q_value
    fitted = None if decisive is None else _fit(pairs, pooled=tag is None)
    grade = _grade(decisive, fitted, pairs)
    low = 0.0 if decisive is None or fitted is None or decisive > FALSE_ALARMS else fitted.low
    binned = _in_bins(*pairs.above)
    top_k = (
        max(1, round(pairs.true.sum() / pairs.true.shape[0]))
        if tag is None and pairs.size
        else None
    )
    top = _in_bins(*pairs.top(top_k)) if top_k else _Binned()
    return CalibrationCheck(
        tag=tag,
        gap=None if fitted is None else fitted.gap,
        low=None if fitted is None else low,
        high=None if fitted is None else fitted.high,
        intercept=None if fitted is None else fitted.intercept,
        slope=None if fitted is None else fitted.slope,
        p_value=p_value,
        q_value=q_value,
        grade=grade,
        verdict=_verdict(grade, fitted, low, pairs),
        bins=binned.rows,
        num_pairs=pairs.size,
        num_pairs_above_0_05=pairs.num_above,
        num_projects=pairs.num_projects,
        brier=brier_score(pairs.true, pairs.prob),
        ece=expected_calibration_error(pairs.true, pairs.prob),
        ece_above_0_05=expected_calibration_error(pairs.true, pairs.prob, above=ECE_FLOOR),
        ece_quantile=binned.error,
        ece_quantile_expected=binned.expected,
        top_k=top_k,
        ece_top_k=top.error,
        ece_top_k_expected=top.expected,
    )


def direction(fitted: Recalibration) -> str:
    """Describe which way probabilities err.

    >>> direction(Recalibration(0.5, 1.0, 0.1, 0.05, 0.15, shift=0.1))
    'too low'
    """
    if abs(fitted.shift) > fitted.gap / 2:
        return "too low" if fitted.shift > 0 else "too high"
    return "too extreme" if fitted.slope < 1 else "too close to the average"


class _Listed(NamedTuple):
    """Pairs one after the other: what is true, the probability, and the project's row."""

    true: Array
    prob: Array
    project: Array


@dataclass(frozen=True)
class _Pairs:
    """What is true and its probabilities, (n_projects, n_tags), and those above 0.05."""

    true: Matrix
    prob: Matrix
    above: _Listed

    @property
    def size(self) -> int:
        return int(np.prod(self.prob.shape))

    @property
    def num_above(self) -> int:
        return len(self.above.prob)

    @property
    def num_projects(self) -> int:
        return len(np.unique(self.above.project))

    def top(self, k: int) -> _Listed:
        columns = select_top_k(self.prob, k)
        rows = np.repeat(np.arange(len(columns)), columns.shape[1])
        true, prob = (values_at(part, rows, columns.ravel()) for part in (self.true, self.prob))
        return _Listed(true, prob.astype(float), rows)


def _select(predictions: Predictions, tag: str | None, split: str) -> _Pairs:
    if tag is None:
        rows = rows_of(predictions, split)
        true, prob = predictions.y_true[rows], predictions.y_prob[rows]
    else:
        true, prob = (column[:, None] for column in column_in(predictions, tag, split))
    rows, columns = pairs_above(prob, ECE_FLOOR)
    listed = _Listed(
        values_at(true, rows, columns), values_at(prob, rows, columns).astype(float), rows
    )
    return _Pairs(true, prob, listed)


def _test(
    pairs: _Pairs,
    predictions: Predictions,
    tag: str | None,
    split: str,
    tests: Mapping[str, CalibrationTest] | None,
) -> tuple[float | None, float | None]:
    if tag is None:
        enough = pairs.num_above >= FEW_PAIRS and pairs.num_projects >= FEWEST
        return (clustered_p_value(*pairs.above) if enough else None), None
    tests = calibration_tests(predictions, split) if tests is None else tests
    return tests.get(tag, (None, None))


def _fit(pairs: _Pairs, *, pooled: bool) -> Recalibration:
    if pooled:
        return fit_recalibration(*pairs.above)
    over = None
    if pairs.num_above >= LEAST_IN_BIN:
        over = is_above(pairs.prob[:, 0], ECE_FLOOR)
    return fit_recalibration(pairs.true[:, 0], pairs.prob[:, 0], np.arange(len(pairs.prob)), over)


def _grade(decisive: float | None, fitted: Recalibration | None, pairs: _Pairs) -> Grade | None:
    if decisive is None or fitted is None:
        return None
    if decisive <= FALSE_ALARMS:
        if fitted.gap < SMALL_GAP:
            return "fine"
        return "off" if fitted.gap >= LARGE_GAP else "slightly off"
    return "fine" if pairs.num_above >= FEW_PAIRS and pairs.num_projects >= FEWEST else None


@dataclass(frozen=True, slots=True)
class _Binned:
    """Bins of equal mass, their calibration error, and its mean if the probabilities hold."""

    rows: list[ReliabilityBin] = field(default_factory=list)
    error: float | None = None
    expected: float | None = None


def _in_bins(true: Array, prob: Array, project: Array) -> _Binned:
    if not len(prob):
        return _Binned()
    bins = max(1, min(ECE_BINS, len(prob) // LEAST_IN_BIN))
    rows = reliability(true, prob, bins, strategy="quantile")
    index = bin_indices(prob, bin_edges(prob, bins, "quantile"))
    _, project = np.unique(project, return_inverse=True)
    found = []
    error = expected = 0.0
    for place, row in enumerate(rows):
        inside = index == place
        sizes = np.bincount(project[inside])
        hits = np.bincount(project[inside], weights=true[inside])
        interval = share_interval(hits, sizes)
        found.append(replace(row, low_frequency=interval.low, high_frequency=interval.high))
        error += row.num_samples * abs(row.gap)
        sums = np.bincount(project[inside], weights=(true - prob)[inside]) - row.gap * sizes
        # Of a normal distribution around 0 the mean distance from it is √(2/π) deviations.
        expected += math.sqrt(2 / math.pi * float((sums**2).sum()))
    return _Binned(found, error / len(prob), expected / len(prob))


def _verdict(grade: Grade | None, fitted: Recalibration | None, low: float, pairs: _Pairs) -> str:
    n = pairs.num_above
    if grade is None or fitted is None:
        return f"Too few probabilities above {ECE_FLOOR} ({n}) to tell whether they are calibrated."
    where = f"above {ECE_FLOOR} they" if n >= LEAST_IN_BIN else "they"
    how = "differ from what came true" if grade == "fine" else f"are {direction(fitted)},"
    return (
        f"These probabilities are {grade}: {where} {how} by {fitted.gap:.3f} on average "
        f"(95 % interval {low:.3f} to {fitted.high:.3f}; {n:,} pairs of {pairs.num_projects:,} "
        f"projects). {_advice(grade, fitted)}"
    )


def _advice(grade: Grade, fitted: Recalibration) -> str:
    if grade == "off":
        return "Do not read them as chances: 0.9 does not mean nine in ten."
    if grade == "slightly off":
        return "As chances they are roughly right."
    if fitted.high > LARGE_GAP:
        return "That is no more than chance shows, but so few pairs could hide a larger gap."
    return "Read them as chances."
