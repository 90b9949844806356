"""Whether probabilities can be believed: reliability with intervals, and a verdict by number.

The calibration error of a finite sample is never 0, not even of perfect probabilities. The
verdict therefore compares it with what perfect ones would show (consistency resampling,
Bröcker and Smith 2007; used for neural networks by Vaicenavicius et al. 2019).
"""

from typing import Any

import numpy as np

from tagifai.inspection.parts import Array, column_of, rows_of
from tagifai.metrics import ECE_FLOOR
from tagifai.metrics.calibration import (
    ECE_BINS,
    brier_score,
    expected_calibration_error,
    is_above,
    reliability,
)
from tagifai.predictions import Predictions

RESAMPLES = 200
LEAST_ERROR = 0.02
FEW_PAIRS = 50


def check_calibration(
    predictions: Predictions, tag: str | None = None, split: str = "test", *, seed: int = 0
) -> dict[str, Any]:
    """Compare probabilities with frequencies, for one tag or (None) for all pairs pooled.

    Returns bins (as `reliability`, with low_frequency and high_frequency, the 95 % Wilson
    interval, None in an empty bin), ece, ece_above_0_05, num_pairs, num_pairs_above_0_05,
    brier, expected (the calibration error above 0.05 that perfect probabilities would stay
    under 95 times in 100), calibrated (True, False, or None: too few pairs to tell) and
    verdict, a sentence with the number. The verdict looks at pairs above 0.05: the others
    are nearly all of them, and easily right.

    Raises:
        TagifaiError: an unknown tag or split.
    """
    rows = rows_of(predictions, split)
    columns: Any = slice(None) if tag is None else [column_of(predictions, tag)]
    true = predictions.y_true[rows][:, columns]
    prob = predictions.y_prob[rows][:, columns].astype(float)
    above = is_above(prob, ECE_FLOOR)
    error = expected_calibration_error(true, prob, above=ECE_FLOOR)
    expected = _expected(prob[above], seed) if above.any() else None
    calibrated = None
    if above.sum() >= FEW_PAIRS and error is not None and expected is not None:
        calibrated = bool(error <= max(expected, LEAST_ERROR))
    return {
        "bins": [_with_interval(row) for row in reliability(true, prob)],
        "ece": expected_calibration_error(true, prob),
        "ece_above_0_05": error,
        "num_pairs": int(prob.size),
        "num_pairs_above_0_05": int(above.sum()),
        "brier": brier_score(true, prob),
        "expected": expected,
        "calibrated": calibrated,
        "verdict": _verdict(calibrated, error, expected, int(above.sum())),
    }


def _with_interval(row: dict[str, Any]) -> dict[str, Any]:
    n = row["num_samples"]
    if not n:
        return {**row, "low_frequency": None, "high_frequency": None}
    from scipy import stats  # here: only those who ask for intervals wait for its import

    found = stats.binomtest(round(row["frequency"] * n), n).proportion_ci(0.95, "wilson")
    return {**row, "low_frequency": float(found.low), "high_frequency": float(found.high)}


def _expected(prob: Array, seed: int) -> float:
    """Draw truths that agree with the probabilities; give the 95th percentile of the error."""
    rng = np.random.default_rng(seed)
    edges = np.linspace(0, 1, ECE_BINS + 1)[1:-1]
    index = np.searchsorted(edges, prob, side="left")
    mean = np.bincount(index, weights=prob, minlength=ECE_BINS)
    errors = []
    for _ in range(RESAMPLES):
        drawn = rng.random(len(prob)) < prob
        gaps = np.abs(np.bincount(index, weights=drawn, minlength=ECE_BINS) - mean)
        errors.append(gaps.sum() / len(prob))
    return float(np.quantile(errors, 0.95))


def _verdict(calibrated: bool | None, error: float | None, expected: float | None, n: int) -> str:
    if calibrated is None or error is None or expected is None:
        return f"Too few probabilities above {ECE_FLOOR} ({n}) to tell whether they are calibrated."
    numbers = (
        f"where a probability is above {ECE_FLOOR} it is off by {error:.3f} on average "
        f"({n:,} pairs; perfect ones would stay under {expected:.3f})"
    )
    if calibrated:
        return f"These probabilities are calibrated: {numbers}."
    return f"These probabilities are not calibrated: {numbers}. Do not read them as chances."
