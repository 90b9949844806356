"""Find where precision or recall is lower than elsewhere, and by how much.

A slice that is picked because it looks bad looks worse than it is. So the search leaves a part of
the projects out, and the gaps are corrected for the choice with its help (`carving`).
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tagifai.arrays import Array, Booleans, Floats
from tagifai.errors import TagifaiError
from tagifai.metrics.figures import figure_parts
from tagifai.metrics.intervals import FEWEST, Estimate
from tagifai.slices.carving import Carved, carve

METRICS = ("precision", "recall")
NORMAL = 1.959964


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """What a search for weak slices looks at, and how sure it has to be.

    Parameters
    ----------
    min_support : int
        Projects that a slice, and what it is compared with, need among those searched.
    false_discoveries : float
        Expected share of slices found that are not worse at all, in (0, 1).
    most_tags, most_words, most_values : int
        The commonest tags, words and values of each other column that become conditions.
    longest_value : int
        Characters of the longest value of a column that becomes a condition.
    many_unseen : float
        Share of words in no other project from which a text has many of them.
    finding_share : float
        Share of the projects that are searched; the others correct the gaps.
    singles_share : float
        Share of the false discoveries that slices of one condition may use. They have most of
        them, since pairs are seldom needed.
    most_parents : int
        Conditions that pairs are formed from, for each metric.
    parent_p, pair_p : float
        Largest p-value of a condition that pairs are formed from, and of a pair that is tested
        against its other condition.
    least_left_out : float
        With a smaller share of a slice left out of the search, nothing could correct its gap.
    overlap : float
        From this share of common projects on, two slices are taken as one.

    Raises
    ------
    TagifaiError
        `min_support` or `false_discoveries` is out of range.
    """

    min_support: int = 20
    false_discoveries: float = 0.05
    most_tags: int = 150
    most_words: int = 150
    most_values: int = 20
    longest_value: int = 60
    many_unseen: float = 0.25
    finding_share: float = 0.9
    singles_share: float = 0.8
    most_parents: int = 10
    parent_p: float = 0.2
    pair_p: float = 0.05
    least_left_out: float = 0.02
    overlap: float = 0.8

    def __post_init__(self) -> None:
        if self.min_support < 2:
            raise TagifaiError(f"min_support must be 2 or more, got {self.min_support}")
        if not 0 < self.false_discoveries < 1:
            raise TagifaiError(f"false_discoveries: between 0 and 1, got {self.false_discoveries}")


DEFAULTS = SearchSettings()


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
        """Return the decisions on these rows."""
        return Decisions(
            self.hits[rows], self.predicted[rows], self.true[rows], self.clusters[rows]
        )


class Candidate(NamedTuple):
    """A slice that was found: the columns of its conditions, equal for a single one, and a metric.

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

    The gap is None where fewer than ten projects of the slice count, or nearly all of it was
    searched.
    """

    elsewhere: float | None
    gap: Estimate


def finding_part(names: Sequence[str]) -> Booleans:
    """Select the nine tenths of the clusters that are searched, by a digest of their names.

    A cluster stays in its part whatever else the data holds.

    Returns
    -------
    finding : bool array of shape (n_projects,)
    """
    drawn = [
        int.from_bytes(hashlib.blake2b(name.encode(), digest_size=4).digest(), "big")
        for name in names
    ]
    return np.array(drawn, dtype=np.uint64) < DEFAULTS.finding_share * 2**32


def search_slices(
    inside: Array, decisions: Decisions, settings: SearchSettings = DEFAULTS
) -> tuple[list[Candidate], int]:
    """Find the slices whose precision or recall is lower than elsewhere, the surest first.

    Every single condition is tested against all other projects. Pairs are formed from the ten
    conditions that look worst for a metric, and tested against the other projects of either
    condition: a pair must add something to both. That comparison does not depend on how bad a
    condition looks as a whole, so choosing the ten leaves its p-values valid. The rate of false
    discoveries is controlled (Benjamini and Hochberg 1995), with four fifths of it for single
    conditions.

    Parameters
    ----------
    inside : bool array of shape (n_projects, n_conditions)
    decisions : Decisions
        Of the same projects.
    settings : SearchSettings
        How sure the search has to be.

    Returns
    -------
    candidates : list of Candidate
        The slices found.
    num_tested : int
        The tests it took.
    """
    singles: list[Candidate] = []
    pairs: list[Candidate] = []
    for metric in METRICS:
        p = _p_values(inside, decisions.of(metric), settings.min_support)
        tested = np.flatnonzero(np.isfinite(p))
        singles += [Candidate(one, one, metric, float(p[one])) for one in tested.tolist()]
        worst = tested[np.argsort(p[tested], kind="stable")][: settings.most_parents]
        for parent in worst[p[worst] <= settings.parent_p].tolist():
            pairs += _pairs(inside, decisions, metric, parent, settings)
    rate, share = settings.false_discoveries, settings.singles_share
    found = [*_control(singles, rate, share), *_control(pairs, rate, 1 - share)]
    found.sort(key=lambda one: one.p_value)
    return _distinct(found, inside, settings.overlap), len(singles) + len(pairs)


def measure(found: Candidate, inside: Array, decisions: Decisions, finding: Booleans) -> Measured:
    """Measure how much lower a metric is in a slice that was found on a part of the projects.

    A pair was picked by its difference from the other projects of one of its conditions. The
    part of its gap that goes along with that difference is corrected; the rest had no influence
    on the choice.

    Parameters
    ----------
    found : Candidate
        The slice.
    inside : bool array of shape (n_projects, n_conditions)
        Of all projects.
    decisions : Decisions
        Of all projects.
    finding : bool array of shape (n_projects,)
        The projects that were searched.
    """
    member = inside[:, found.first] & inside[:, found.second]
    everything = np.ones(len(member), bool)
    compared = everything if found.first == found.second else inside[:, found.first]
    shares = decisions.of(found.metric)
    whole = compare(member[:, None], shares)
    counted = len(np.unique(shares.clusters[member & (shares.whole > 0)]))
    elsewhere = float(whole.outside[0]) if np.isfinite(whole.outside[0]) else None
    left_out = 1 - _ratio(shares.whole[member & finding].sum(), shares.whole[member].sum())
    if counted < FEWEST or elsewhere is None or left_out < DEFAULTS.least_left_out:
        return Measured(elsewhere, Estimate(None))
    picked = compare(member[compared, None], decisions.of(found.metric, compared))
    searched = compared & finding
    before = compare(member[searched, None], decisions.of(found.metric, searched))
    cut = before.quantile(found.least) * math.sqrt(float(before.tested[0]))
    variance = float(picked.variance[0])
    carved = carve(float(picked.gap[0]), variance, variance / (1 - left_out), cut)
    if compared is not everything:
        carved = _carry_over(
            carved, float(picked.gap[0]), float(whole.gap[0]), member, compared, shares
        )
    return Measured(elsewhere, Estimate(carved.value, carved.low, carved.high))


@dataclass(frozen=True, eq=False)
class Comparison:
    """Shares inside and outside of slices, and the variance of their difference.

    Parameters
    ----------
    gap : array of shape (n_slices,)
        Outside − inside.
    outside : array of shape (n_slices,)
        The share outside.
    tested, freedom : arrays of shape (n_slices,)
        Variance for a test, never less than all projects together suggest, and its degrees of
        freedom.
    variance : array of shape (n_slices,)
        Variance for an interval.
    clusters : array of shape (n_slices,)
        Clusters with something to count on the smaller side.
    """

    gap: Array
    outside: Array
    tested: Array
    freedom: Array
    variance: Array
    clusters: Array

    def quantile(self, p: float) -> float:
        """Return what the first slice's gap over its deviation must exceed for this p-value."""
        from scipy import special  # here, so that only a search waits for its import

        return float(-special.stdtrit(self.freedom[0], p))


def compare(inside: Array, shares: "_Shares") -> Comparison:
    """Compare Σ part / Σ whole inside and outside of each column's projects.

    Ratio estimators with clustered variance, compared as by Welch. NaN where one side has
    nothing to count.
    """
    from scipy import special  # here, so that only a search waits for its import

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
    # How much more whole projects vary than single pairs.
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
            # Few clusters estimate their variance badly; where all are equal, not at all.
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
    # Where nothing varies, everything is right or everything is wrong.
    p = np.where(found.tested > 0, p, 1.0)
    p_values = np.full(inside.shape[1], np.nan)
    p_values[enough] = np.where(found.clusters >= FEWEST, p, np.nan)
    return p_values


def _pairs(
    inside: Array, decisions: Decisions, metric: str, parent: int, settings: SearchSettings
) -> list[Candidate]:
    """Test the pairs of a condition with every other one, within its own projects."""

    def within(first: int, columns: list[int] | slice = slice(None)) -> Floats:
        rows = np.flatnonzero(inside[:, first])
        shares = decisions.of(metric, rows)
        return _p_values(inside[rows][:, columns], shares, settings.min_support)

    p = within(parent)
    p[parent] = np.nan
    found = []
    for one in np.flatnonzero(np.isfinite(p)).tolist():
        first, second, p_value = parent, one, float(p[one])
        if p_value <= settings.pair_p:
            # The other condition may be the cause: the pair must be worse than the rest of it, too.
            (other,) = within(one, [parent])
            if not other <= p_value:
                first, second, p_value = one, parent, 1.0 if np.isnan(other) else float(other)
        found.append(Candidate(first, second, metric, p_value))
    return found


def _carry_over(
    carved: Carved, picked: float, gap: float, member: Array, compared: Array, shares: _Shares
) -> Carved:
    """Correct a gap by its part that goes along with a difference that was picked and `carved`."""
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
    """Compute what each cluster adds to the error of a difference of shares among some rows."""
    values = np.zeros(len(member))
    for rows, sign in ((member & among, -1), (~member & among, 1)):
        total = shares.whole[rows].sum()
        ratio = shares.part[rows].sum() / total
        values[rows] = sign * (shares.part[rows] - ratio * shares.whole[rows]) / total
    _, clusters = np.unique(shares.clusters, return_inverse=True)
    return np.bincount(clusters, weights=values)


def _control(tested: list[Candidate], rate: float, share: float) -> list[Candidate]:
    """Select what is found with a share of the false discoveries; q-values are of the whole."""
    if not tested:
        return []
    from scipy import stats

    q = np.minimum(stats.false_discovery_control([one.p_value for one in tested]) / share, 1.0)
    found = np.flatnonzero(q <= rate)
    least = rate * share * len(found) / len(tested)
    return [tested[i]._replace(q_value=float(q[i]), least=least) for i in found.tolist()]


def _distinct(found: list[Candidate], inside: Array, overlap: float) -> list[Candidate]:
    """Drop each slice with nearly the same projects as a surer one of the same metric."""
    selected: list[tuple[Candidate, Array]] = []
    for one in found:
        member = inside[:, one.first] & inside[:, one.second]
        if not any(
            one.metric == other.metric and (member & known).sum() > overlap * (member | known).sum()
            for other, known in selected
        ):
            selected.append((one, member))
    return [one for one, _ in selected]


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0
