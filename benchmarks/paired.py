"""What repeated, interleaved measurements come to: medians, ratios with intervals, growth."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 2000
LEVEL = 0.95


@dataclass(frozen=True)
class Summary:
    """The number, median and 95th percentile of some measurements."""

    n: int
    median: float
    p95: float


@dataclass(frozen=True)
class Ratio:
    """A ratio and the ends of its bootstrap interval."""

    value: float
    low: float
    high: float


def summarize(values: Sequence[float]) -> Summary:
    """Return the number, median and 95th percentile.

    >>> summarize([3.0, 1.0, 2.0])
    Summary(n=3, median=2.0, p95=2.9)
    """
    return Summary(len(values), p50(values), p95(values))


def p50(values: Sequence[float]) -> float:
    """Return the median."""
    return float(np.median(values))


def p95(values: Sequence[float]) -> float:
    """Return the 95th percentile, linear between the two nearest."""
    return round(float(np.quantile(values, 0.95)), 12)


def paired_ratio(ours: Sequence[float], other: Sequence[float], seed: int = 0) -> Ratio:
    """Return the median of the ratios of measurements made side by side, with its interval.

    Raises:
        ValueError: not equally many of both.

    >>> paired_ratio([1.0, 2.0, 3.0], [2.0, 4.0, 6.0])
    Ratio(value=0.5, low=0.5, high=0.5)
    """
    ratios = np.array([a / b for a, b in zip(ours, other, strict=True)])
    drawn = np.random.default_rng(seed).integers(0, len(ratios), size=(RESAMPLES, len(ratios)))
    return _with_interval(float(np.median(ratios)), np.median(ratios[drawn], axis=1))


def ratio_of(
    statistic: Callable[[Sequence[float]], float],
    ours: Sequence[float],
    other: Sequence[float],
    seed: int = 0,
) -> Ratio:
    """Return the ratio of a statistic of two samples that aren't paired, with its interval."""
    rng = np.random.default_rng(seed)
    a, b = np.asarray(ours), np.asarray(other)
    drawn = [
        statistic(rng.choice(a, len(a)).tolist()) / statistic(rng.choice(b, len(b)).tolist())
        for _ in range(RESAMPLES // 4)
    ]
    return _with_interval(statistic(ours) / statistic(other), np.array(drawn))


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """Return k of the power law value ∝ size^k that fits best: 0 is no growth, 1 is in step.

    >>> round(exponent([10, 100, 1000], [1, 10, 100]), 6)
    1.0
    """
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def rounds(names: Iterable[str], steps: int) -> list[list[str]]:
    """Order `steps` rounds in which each name comes once, each round starting with the next.

    >>> rounds(["a", "b", "c"], 2)
    [['a', 'b', 'c'], ['b', 'c', 'a']]
    """
    order = list(names)
    return [order[i % len(order) :] + order[: i % len(order)] for i in range(steps)]


def _with_interval(value: float, drawn: np.ndarray) -> Ratio:
    low, high = np.quantile(drawn, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return Ratio(value, float(low), float(high))
