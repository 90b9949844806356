"""Averages over tags: how they vary with the projects that happen to be in the test split.

The interval of an average stands around the average less its bias, which the bootstrap tells: F1
of a tag of few positives is lower on most test splits than in truth, and more so in a resample,
so that the resamples' own percentiles miss to one side. Its width is that of the jackknife's
standard error (Efron and Tibshirani 1993, chapters 10 and 11), of a difference between it and the
bootstrap's. A resample, or a split without one
project, that holds no positive of a tag says nothing of it: "macro" leaves the tag out there.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tagifai.arrays import Array, Booleans, Floats, Integers, Sparse
from tagifai.comparison.bootstrap import RESAMPLES, draw_weights, far_sides
from tagifai.comparison.counts import AVERAGES, METRICS, Counts, Figure, Sums, divide_sums
from tagifai.comparison.proportions import Z, wilson
from tagifai.comparison.swaps import SWAPS, TOLERANCE, all_made, draw_swaps, p_of

Sides = Mapping[str, tuple[Integers, Integers]]
"""By metric, how many resamples put each tag's difference not above zero, and not below."""
FIGURES: tuple[Figure, ...] = tuple((a, m) for a in AVERAGES for m in METRICS)
_BLOCK_CELLS = 2_000_000


@dataclass(frozen=True, eq=False)
class Decisions:
    """Truth and one version's decisions, (n, t) each, as scipy.sparse.csc_matrix of 0 and 1."""

    y_true: Sparse
    y_pred: Sparse

    @classmethod
    def of(cls, y_true: Array, y_pred: Array) -> "Decisions":
        """Take dense arrays or sparse matrices of 0 and 1."""
        from scipy import sparse

        return cls(*(sparse.csc_matrix(part, dtype=np.float32) for part in (y_true, y_pred)))

    @property
    def hits(self) -> Sparse:
        """Return the pairs that are true and predicted."""
        return self.y_true.multiply(self.y_pred).tocsc()

    def counts(self) -> Counts:
        """Count over all projects, by tag."""
        return Counts(*(_total(part) for part in (self.y_true, self.y_pred, self.hits)))


@dataclass(frozen=True, eq=False)
class Replicates:
    """One figure of one version, or a difference: as observed, resampled, and left out.

    `resampled` is of shape (resamples,), `without` (n,): without each project in turn.
    """

    observed: float
    resampled: Floats
    without: Floats
    is_difference: bool = False

    def __sub__(self, other: "Replicates") -> "Replicates":
        """Return the difference, from the same draws."""
        return Replicates(
            self.observed - other.observed,
            self.resampled - other.resampled,
            self.without - other.without,
            is_difference=True,
        )

    def interval(self) -> tuple[float, float]:
        """Compute the 95 % interval; NaN where the figure or its error is undefined.

        That of a figure in [0, 1] is Wilson's, of as many independent pairs as would vary so
        much; where nothing varies both ends are the figure itself.
        """
        bias = _mean(self.resampled) - self.observed
        n = np.count_nonzero(~np.isnan(self.without))
        spread = self.without - _mean(self.without)
        variance = (n - 1) / n * float(np.nansum(spread**2)) if n > 1 else np.nan
        if self.is_difference:
            # Rare tags that come and go make the jackknife's too large, and the bootstrap's too
            # small: the truth is between them.
            reach = Z * np.sqrt((variance + _variance(self.resampled)) / 2)
            return float(self.observed - bias - reach), float(self.observed - bias + reach)
        if variance < 1e-20:
            return self.observed, self.observed
        low, high = wilson(self.observed, self.observed * (1 - self.observed) / variance)
        return max(float(low) - bias, 0.0), min(float(high) - bias, 1.0)


def replicate(
    versions: Sequence[Decisions], resamples: int = RESAMPLES, seed: int = 0
) -> tuple[list[dict[Figure, Replicates]], Sides]:
    """Score versions on the same resamples.

    Returns
    -------
    replicates : list of dict
        Each version's, by figure.
    sides : dict
        By metric, how many resamples show each tag's difference between the first and the last
        version not above zero, and how many not below: (t,) each.
    """
    resampled, sides = _resample(versions, resamples, seed)
    found = []
    for version, drawn in zip(versions, resampled, strict=True):
        observed = version.counts().averages()
        without = _leave_out(version)
        found.append(
            {
                (average, metric): Replicates(
                    float(observed[average][metric]),
                    drawn[average, metric],
                    without[average, metric],
                )
                for average, metric in FIGURES
            }
        )
    return found, sides


def average_p_values(
    a: Decisions, b: Decisions, swaps: int = SWAPS, seed: int = 0
) -> dict[Figure, float]:
    """Compute the swap test's p-value of each average's difference."""
    changed = (b.y_pred - a.y_pred).tocsr()
    moved = np.flatnonzero(changed.getnnz(axis=1))
    step = changed[moved].tocsc()
    step_hits = step.multiply(b.y_true.tocsr()[moved]).tocsc()
    first, second = a.counts(), b.counts()
    observed = _differences(first, second)
    reached = dict.fromkeys(FIGURES, 0)
    ways = 0
    for signs in draw_swaps(len(moved), swaps, seed):
        sums = [_Sums(), _Sums()]
        for block in blocks(step.shape[1], len(signs)):
            shift = signs @ step[:, block], signs @ step_hits[:, block]
            for place, counts, sign in ((0, first, 1), (1, second, -1)):
                true = np.broadcast_to(counts.true[block], shift[0].shape)
                predicted = counts.predicted[block] + sign * shift[0]
                sums[place].add(Counts(true, predicted, counts.hits[block] + sign * shift[1]))
        before, after = (one.figures() for one in sums)
        for figure in FIGURES:
            far = np.abs(after[figure] - before[figure]) < abs(observed[figure]) - TOLERANCE
            reached[figure] += int((~far).sum())
        ways += len(signs)
    exact = all_made(len(moved), swaps)
    return {figure: p_of(count, ways, exact) for figure, count in reached.items()}


def blocks(columns: int, rows: int) -> Iterator[slice]:
    """Yield blocks of columns that hold so many rows without much memory."""
    width = max(1, _BLOCK_CELLS // max(rows, 1))
    for start in range(0, columns, width):
        yield slice(start, min(start + width, columns))


class _Sums:
    """Sums of averages over blocks of tags."""

    def __init__(self) -> None:
        self._sums: dict[Figure, Sums] = {}

    def add(self, counts: Counts, included: Booleans | None = None) -> None:
        for figure, (above, below) in counts.sums(included).items():
            known = self._sums.get(figure)
            self._sums[figure] = (
                (above, below) if known is None else (known[0] + above, known[1] + below)
            )

    def figures(self) -> dict[Figure, Floats]:
        return divide_sums(self._sums)


def _resample(
    versions: Sequence[Decisions], resamples: int, seed: int
) -> tuple[list[dict[Figure, Floats]], Sides]:
    n, t = versions[0].y_true.shape
    truth = versions[0].y_true
    known = _total(truth) > 0
    hits = [version.hits for version in versions]
    parts: list[list[dict[Figure, Floats]]] = [[] for _ in versions]
    sides: Sides = {metric: (np.zeros(t, np.intp), np.zeros(t, np.intp)) for metric in METRICS}
    for drawn in draw_weights(n, resamples, seed):
        weights = drawn.astype(np.float32)
        sums = [_Sums() for _ in versions]
        for block in blocks(t, len(weights)):
            true = np.asarray(weights @ truth[:, block], np.float64)
            included = (true > 0) | ~known[block]
            counts = [
                Counts(
                    true,
                    np.asarray(weights @ version.y_pred[:, block], np.float64),
                    np.asarray(weights @ hit[:, block], np.float64),
                )
                for version, hit in zip(versions, hits, strict=True)
            ]
            for one, own in zip(sums, counts, strict=True):
                one.add(own, included)
            if len(versions) > 1:
                _count_sides(sides, counts[0], counts[-1], block)
        for known_parts, one in zip(parts, sums, strict=True):
            known_parts.append(one.figures())
    joined = [
        {figure: np.concatenate([part[figure] for part in own]) for figure in FIGURES}
        for own in parts
    ]
    return joined, sides


def _count_sides(sides: Sides, first: Counts, second: Counts, block: slice) -> None:
    before, after = first.figures(), second.figures()
    for metric in METRICS:
        below, above = far_sides(np.round(after[metric] - before[metric], 12))
        sides[metric][0][block] += below
        sides[metric][1][block] += above


def _leave_out(version: Decisions) -> Mapping[Figure, Floats]:
    """Score without each project in turn, (n,) by figure."""
    counts, hits = version.counts(), version.hits
    wrong, missed = version.y_pred - hits, version.y_true - hits
    known = counts.true > 0
    whole = counts.sums()
    # What leaving out one pair of a tag changes depends only on which kind of pair it is.
    kinds = ((hits, (1, 1, 1)), (wrong, (0, 1, 0)), (missed, (1, 0, 0)))
    sums = {
        figure: (np.full(hits.shape[0], above), np.full(hits.shape[0], below))
        for figure, (above, below) in whole.items()
    }
    observed = _by_tag(counts, known)
    for pairs, (true, predicted, hit) in kinds:
        less = Counts(counts.true - true, counts.predicted - predicted, counts.hits - hit)
        # A tag left without a positive is excluded, unless it never had one.
        left, rows = _by_tag(less, known), pairs.tocsr()
        for figure, (above, below) in left.items():
            old_above, old_below = observed[figure]
            sums[figure] = (
                sums[figure][0] + rows @ (above - old_above),
                sums[figure][1] + rows @ (below - old_below),
            )
    return divide_sums(sums)


def _by_tag(counts: Counts, known: Booleans) -> dict[Figure, Sums]:
    """Return what each tag adds to the sums of each average."""
    single = Counts(*(part[:, None] for part in (counts.true, counts.predicted, counts.hits)))
    included = (counts.true > 0) | ~known
    return single.sums(included[:, None])


def _differences(first: Counts, second: Counts) -> dict[Figure, float]:
    before, after = first.averages(), second.averages()
    return {(a, m): float(after[a][m] - before[a][m]) for a, m in FIGURES}


def _total(matrix: Sparse) -> Floats:
    return np.asarray(matrix.sum(axis=0), np.float64).ravel()


def _variance(values: Floats) -> float:
    defined = values[~np.isnan(values)]
    return float(defined.var()) if defined.size else float("nan")


def _mean(values: Floats) -> float:
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if defined.size else float("nan")
