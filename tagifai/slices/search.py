"""Find where precision or recall is lower than elsewhere, and by how much.

What is picked because it looks bad looks worse than it is. So a part of the projects is kept
back from the search, and gaps are corrected for the choice with its help (`carving`).
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tagifai.arrays import Array, Booleans, Floats
from tagifai.metrics.figures import figure_parts
from tagifai.metrics.intervals import FEWEST, Estimate
from tagifai.slices.carving import Carved, carve

METRICS = ("precision", "recall")
FINDING_SHARE = 0.9
# Slices of one condition have most of the false discoveries, since pairs are seldom needed.
SINGLES_SHARE = 0.8
MOST_PARENTS = 10
PARENT_P = 0.2
PAIR_P = 0.05
# With less of a slice kept back than this, nothing could correct its gap.
LEAST_KEPT_BACK = 0.02
NORMAL = 1.959964
_SAME = 0.8


@dataclass(frozen=True, eq=False)
class Decisions:
    """True positives, predicted and true tags of each project, (n_projects,), and its cluster.

    Projects of one cluster may depend on each other.
    """

    hits: Array
    predicted: Array
    true: Array
    clusters: Array

    def of(self, metric: str, rows: Array | slice = slice(None)) -> "_Shares":
        """Return numerator and denominator of precision or recall, of some rows."""
        hits, whole = figure_parts(self.hits, self.predicted, self.true)[metric]
        return _Shares(hits[rows].astype(float), whole[rows].astype(float), self.clusters[rows])

    def take(self, rows: Array) -> "Decisions":
        """Keep these rows."""
        return Decisions(
            self.hits[rows], self.predicted[rows], self.true[rows], self.clusters[rows]
        )


class Candidate(NamedTuple):
    """A slice that was found: its conditions' columns, alike for a single one, and the metric.

    A single condition was compared with all other projects, a pair with the rest of those that
    meet its condition `first`. `least` is the p-value below which it would still be found.
    """

    first: int
    second: int
    metric: str
    p_value: float
    q_value: float = 1.0
    least: float = 0.0


class Measured(NamedTuple):
    """A metric outside of a slice, and how much lower it is inside, corrected for the choice.

    The gap is None where fewer than ten projects of the slice count, or nearly nothing of it
    was kept back from the search.
    """

    elsewhere: float | None
    gap: Estimate


def finding_part(names: Sequence[str]) -> Booleans:
    """Choose nine tenths of the clusters to find slices on, by a digest of their names.

    A cluster stays in its part whatever else the data holds, and whenever it is asked.
    """
    drawn = [
        int.from_bytes(hashlib.blake2b(name.encode(), digest_size=4).digest(), "big")
        for name in names
    ]
    return np.array(drawn, dtype=np.uint64) < FINDING_SHARE * 2**32


def search_slices(
    inside: Array, decisions: Decisions, min_support: int, false_discoveries: float
) -> tuple[list[Candidate], int]:
    """Find the slices whose precision or recall is lower than elsewhere, the surest first.

    Every single condition is tested against all other projects. Pairs are formed from the ten
    conditions that look worst for a metric, and tested against the rest of either condition's
    own projects: a pair must add something to both. That comparison does not depend on how bad
    a condition looks as a whole, so that the choice of the ten leaves its p-values valid. False
    discoveries are held (Benjamini and Hochberg 1995), four fifths of them for single
    conditions.

    Parameters
    ----------
    inside : bool array of shape (n_projects, n_conditions)
    decisions : Decisions
        Of the same projects.
    min_support : int
        Projects that a slice, and what it is compared with, must have.
    false_discoveries : float
        Expected share of false ones among what is found.

    Returns
    -------
    candidates, num_tested
    """
    singles: list[Candidate] = []
    pairs: list[Candidate] = []
    for metric in METRICS:
        p = _p_values(inside, decisions.of(metric), min_support)
        tested = np.flatnonzero(np.isfinite(p))
        singles += [Candidate(one, one, metric, float(p[one])) for one in tested.tolist()]
        worst = tested[np.argsort(p[tested], kind="stable")][:MOST_PARENTS]
        for parent in worst[p[worst] <= PARENT_P].tolist():
            pairs += _pairs(inside, decisions, metric, parent, min_support)
    found = _keep(singles, false_discoveries, SINGLES_SHARE)
    found += _keep(pairs, false_discoveries, 1 - SINGLES_SHARE)
    found.sort(key=lambda one: one.p_value)
    return _different(found, inside), len(singles) + len(pairs)


def measure(found: Candidate, inside: Array, decisions: Decisions, finding: Booleans) -> Measured:
    """Measure how much lower a metric is in a slice that was found on a part of the projects.

    `inside` and `decisions` are of all projects, `finding` (boolean) tells the part. A pair was
    picked by its difference from the rest of one of its conditions: what of its gap goes along
    with that is corrected, the remainder had no say in the choice.
    """
    member = inside[:, found.first] & inside[:, found.second]
    everything = np.ones(len(member), bool)
    compared = everything if found.first == found.second else inside[:, found.first]
    shares = decisions.of(found.metric)
    whole = compare(member[:, None], shares)
    counted = len(np.unique(shares.clusters[member & (shares.whole > 0)]))
    elsewhere = float(whole.outside[0]) if np.isfinite(whole.outside[0]) else None
    kept_back = 1 - _ratio(shares.whole[member & finding].sum(), shares.whole[member].sum())
    if counted < FEWEST or elsewhere is None or kept_back < LEAST_KEPT_BACK:
        return Measured(elsewhere, Estimate(None))
    picked = compare(member[compared, None], decisions.of(found.metric, compared))
    searched = compared & finding
    before = compare(member[searched, None], decisions.of(found.metric, searched))
    cut = before.quantile(found.least) * math.sqrt(float(before.tested[0]))
    variance = float(picked.variance[0])
    carved = carve(float(picked.gap[0]), variance, variance / (1 - kept_back), cut)
    if compared is not everything:
        carved = _carry_over(
            carved, float(picked.gap[0]), float(whole.gap[0]), member, compared, shares
        )
    return Measured(elsewhere, Estimate(carved.value, carved.low, carved.high))


@dataclass(frozen=True, eq=False)
class Comparison:
    """Shares outside and inside of slices, (n_slices,), and the variance of their difference.

    `gap` is outside − inside. `tested` is the variance for a test, never less than all projects
    together suggest, with its degrees of freedom; `variance` the one for an interval.
    """

    gap: Array
    outside: Array
    tested: Array
    freedom: Array
    variance: Array
    clusters: Array

    def quantile(self, p: float) -> float:
        """Return what the first slice's gap over its deviation must exceed to have this p."""
        from scipy import special  # here: only those who search wait for its import

        return float(-special.stdtrit(self.freedom[0], p))


def compare(inside: Array, shares: "_Shares") -> Comparison:
    """Compare Σ part / Σ whole inside and outside of each column's projects.

    Ratio estimators with clustered variance, compared as by Welch. NaN where one side has
    nothing to count.
    """
    from scipy import special  # here: only those who search wait for its import

    counted = shares.whole > 0
    order = np.flatnonzero(counted)[np.argsort(shares.clusters[counted], kind="stable")]
    starts = np.flatnonzero(np.diff(shares.clusters[order], prepend=-1))
    member = inside[order].astype(float)

    def by_cluster(values: Array) -> Array:
        if not len(starts):
            return np.zeros((0, *values.shape[1:]))
        return np.add.reduceat(values, starts, axis=0)

    part, whole = shares.part[order][:, None], shares.whole[order][:, None]
    hits, sizes = by_cluster(part), by_cluster(whole)
    inner = by_cluster(member * part), by_cluster(member * whole)
    overall = _ratio(hits.sum(), sizes.sum())
    variation = _ratio(((hits - overall * sizes) ** 2).sum(), sizes.sum())
    # How much more projects vary than pairs drawn one by one.
    dispersion = _ratio(variation, overall * (1 - overall))
    ratios, tested, terms, variances, clusters = [], [], [], [], []
    with np.errstate(divide="ignore", invalid="ignore"):
        for h, w in (inner, (hits - inner[0], sizes - inner[1])):
            total, n = w.sum(axis=0), (w > 0).sum(axis=0)
            ratio = h.sum(axis=0) / total
            own = ((h - ratio * w) ** 2).sum(axis=0) / total**2 * n / (n - 1)
            least = variation / total
            ratios.append(ratio)
            tested.append(np.fmax(own, least))
            terms.append(tested[-1] ** 2 / np.where(own >= least, n - 1, len(starts)))
            # Few clusters know their variance badly; where all are alike they do not know it.
            shrunk = (h.sum(axis=0) + 0.5) / (total + 1)
            wider = own * (special.stdtrit(n - 1, 0.975) / NORMAL) ** 2
            other = dispersion * shrunk * (1 - shrunk) / total
            variances.append(np.where((ratio > 0) & (ratio < 1), wider, other))
            clusters.append(n)
        both = tested[0] + tested[1]
        return Comparison(
            ratios[1] - ratios[0],
            ratios[1],
            both,
            both**2 / (terms[0] + terms[1]),
            variances[0] + variances[1],
            np.minimum(*clusters),
        )


@dataclass(frozen=True, eq=False)
class _Shares:
    """What each project adds to numerator and denominator of a metric, and its cluster."""

    part: Array
    whole: Array
    clusters: Array


def _p_values(inside: Array, shares: _Shares, min_support: int) -> Floats:
    """Test for each column whether the share is lower inside; NaN without the support."""
    from scipy import special

    counted = shares.whole > 0
    size = inside[counted].sum(axis=0)
    enough = (size >= min_support) & (counted.sum() - size >= min_support)
    found = compare(inside[:, enough], shares)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = special.stdtr(found.freedom, -found.gap / np.sqrt(found.tested))
    # Where nothing varies, all is right or all is wrong everywhere.
    p = np.where(found.tested > 0, p, 1.0)
    p_values = np.full(inside.shape[1], np.nan)
    p_values[enough] = np.where(found.clusters >= FEWEST, p, np.nan)
    return p_values


def _pairs(
    inside: Array, decisions: Decisions, metric: str, parent: int, min_support: int
) -> list[Candidate]:
    def within(first: int, columns: Any = slice(None)) -> Floats:
        rows = np.flatnonzero(inside[:, first])
        return _p_values(inside[rows][:, columns], decisions.of(metric, rows), min_support)

    p = within(parent)
    p[parent] = np.nan
    found = []
    for one in np.flatnonzero(np.isfinite(p)).tolist():
        first, second, p_value = parent, one, float(p[one])
        if p_value <= PAIR_P:
            # It must be worse than the rest of its other condition too, which may be the cause.
            (other,) = within(one, [parent])
            if not other <= p_value:
                first, second, p_value = one, parent, 1.0 if np.isnan(other) else float(other)
        found.append(Candidate(first, second, metric, p_value))
    return found


def _carry_over(
    carved: Carved, picked: float, gap: float, member: Array, compared: Array, shares: _Shares
) -> Carved:
    """Correct a gap by what goes along with a difference that was picked and `carved`."""
    one = _influence(member, np.ones(len(member), bool), shares)
    other = _influence(member, compared, shares)
    slope = float(one @ other) / float(other @ other)
    rest = NORMAL * float(np.linalg.norm(one - slope * other))
    value = gap + slope * (carved.value - picked)
    return Carved(
        value,
        value - math.hypot(rest, slope * (carved.value - carved.low)),
        value + math.hypot(rest, slope * (carved.high - carved.value)),
    )


def _influence(member: Array, among: Array, shares: _Shares) -> Array:
    """Give what each cluster adds to the error of a difference of shares among some rows."""
    values = np.zeros(len(member))
    for rows, sign in ((member & among, -1), (~member & among, 1)):
        total = shares.whole[rows].sum()
        ratio = shares.part[rows].sum() / total
        values[rows] = sign * (shares.part[rows] - ratio * shares.whole[rows]) / total
    _, clusters = np.unique(shares.clusters, return_inverse=True)
    return np.bincount(clusters, weights=values)


def _keep(tested: list[Candidate], rate: float, share: float) -> list[Candidate]:
    """Keep what is found with a share of the false discoveries; its q-values are of the whole."""
    if not tested:
        return []
    from scipy import stats

    q = np.minimum(stats.false_discovery_control([one.p_value for one in tested]) / share, 1.0)
    found = np.flatnonzero(q <= rate)
    least = rate * share * len(found) / len(tested)
    return [tested[i]._replace(q_value=float(q[i]), least=least) for i in found.tolist()]


def _different(found: list[Candidate], inside: Array) -> list[Candidate]:
    """Leave out a slice with nearly the projects of a surer one of the same metric."""
    kept: list[tuple[Candidate, Array]] = []
    for one in found:
        member = inside[:, one.first] & inside[:, one.second]
        if not any(
            one.metric == other.metric and _alike(member, members) for other, members in kept
        ):
            kept.append((one, member))
    return [one for one, _ in kept]


def _alike(one: Array, other: Array) -> bool:
    return bool((one & other).sum() > _SAME * (one | other).sum())


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0
