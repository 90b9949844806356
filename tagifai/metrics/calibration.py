"""Compare predicted probabilities with what came true."""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
ECE_BINS = 15


def is_above(y_prob: Array, floor: float) -> npt.NDArray[np.bool_]:
    """Tell which probabilities are above `floor`, both in float32, as probabilities are stored.

    >>> is_above(np.array([0.05, 0.06], np.float32), 0.05).tolist()
    [False, True]
    """
    return np.asarray(np.asarray(y_prob, np.float32) > np.float32(floor))


def brier_score(y_true: Array, y_prob: Array) -> float | None:
    """Average (y_prob − y_true)² over all pairs, in [0, 1]; None without a pair."""
    true, prob = np.asarray(y_true, dtype=float), np.asarray(y_prob, dtype=float)
    return float(np.mean((prob - true) ** 2)) if prob.size else None


def reliability(
    y_true: Array, y_prob: Array, bins: int = ECE_BINS, *, above: float | None = None
) -> list[dict[str, Any]]:
    """Group the pairs of project and tag by probability, for a reliability diagram.

    Bin m of M holds the probabilities in ((m − 1)/M, m/M], the first one 0 as well, told apart
    in float32, as they are stored. Each has
    `low`, `high`, `num_samples` (pairs), `mean_prob` and `frequency` (share of pairs whose tag
    is true), both None in an empty bin. With `above`, only pairs of a probability above it.

    >>> reliability(np.array([[1, 0]]), np.array([[0.9, 0.7]]), bins=2)[1]["frequency"]
    0.5
    """
    true, prob = np.ravel(y_true).astype(float), np.ravel(y_prob).astype(float)
    if true.shape != prob.shape:
        raise ValueError(f"y_true has {true.size} pairs, y_prob {prob.size}")
    if above is not None:
        kept = is_above(prob, above)
        true, prob = true[kept], prob[kept]
    edges = np.linspace(0, 1, bins + 1)
    stored = prob.astype(np.float32)
    index = np.searchsorted(edges[1:-1].astype(np.float32), stored, side="left")
    sizes = np.bincount(index, minlength=bins)
    means = np.bincount(index, weights=prob, minlength=bins) / np.maximum(sizes, 1)
    shares = np.bincount(index, weights=true, minlength=bins) / np.maximum(sizes, 1)
    return [
        {
            "low": float(edges[m]),
            "high": float(edges[m + 1]),
            "num_samples": int(sizes[m]),
            "mean_prob": float(means[m]) if sizes[m] else None,
            "frequency": float(shares[m]) if sizes[m] else None,
        }
        for m in range(bins)
    ]


def expected_calibration_error(
    y_true: Array, y_prob: Array, bins: int = ECE_BINS, *, above: float | None = None
) -> float | None:
    """Average |frequency − mean probability| over equal-width bins, weighted by their pairs.

    The definition of Guo et al. 2017, "On Calibration of Modern Neural Networks" (arXiv
    1706.04599), equation 3, with 15 bins. There the confidence is that of the predicted class;
    here, where tags are independent, each pair of project and tag counts with its probability,
    pooled over all pairs. Since most pairs are near 0 and are easily right, give `above` to
    keep those of a probability above it. None without a pair.
    """
    filled = [row for row in reliability(y_true, y_prob, bins, above=above) if row["num_samples"]]
    total = sum(row["num_samples"] for row in filled)
    if not total:
        return None
    gaps = (row["num_samples"] * abs(row["frequency"] - row["mean_prob"]) for row in filled)
    return float(sum(gaps) / total)
