"""Score the order in which tags are predicted: of each project, and of the projects of a tag.

With thousands of tags nobody looks at all of them: what counts is what stands on top. A tag with
the probability 0 is not in the order: it stands nowhere. Figures of projects are averages over
those that have a tag.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from tagifai.arrays import Array, Floats, Integers
from tagifai.errors import counted
from tagifai.matrices import (
    Matrix,
    Stored,
    TagPairs,
    as_csr,
    as_matrix,
    column_sums,
    is_sparse,
    row_blocks,
)
from tagifai.metrics.calibration import pad_rows, rank_tags
from tagifai.metrics.figures import count_outcomes, precision_recall_f1

AT = (1, 3, 5)
"""How many of the most probable tags are looked at."""
PROPENSITY_A, PROPENSITY_B = 0.55, 1.5
"""The constants that Jain et al. (2016) use where a data set has none of its own."""
MANY_TAGS = 100
"""From so many tags on, versions state how well tags are ordered."""
HEAD_SHARE, TORSO_SHARE = 0.5, 0.9
"""Of all labels, the part that the tags of the head have, and those of head and torso."""


def average_precision(pairs: TagPairs) -> float | None:
    """Compute a tag's average precision: None without a positive.

    It is the mean, over the positives, of the precision at each one's own probability, which is
    the area under the precision-recall curve as scikit-learn computes it.

    >>> average_precision(TagPairs(np.array([1, 0, 1]), np.array([0.9, 0.5, 0.2])))
    0.8333333333333333
    >>> average_precision(TagPairs(np.array([1]), np.array([0.0]), rest=3))
    0.25
    """
    positives = np.sort(pairs.prob[pairs.true > 0])
    if not len(positives):
        return None
    ranked = np.sort(pairs.prob)
    at_least = len(ranked) - np.searchsorted(ranked, positives) + pairs.rest * (positives <= 0)
    right = len(positives) - np.searchsorted(positives, positives)
    return float(np.mean(right / at_least))


@dataclass(frozen=True, slots=True)
class TopFigures:
    """What stands among the `k` most probable tags of a project, averaged over projects.

    Attributes
    ----------
    k : int
        How many tags are looked at.
    precision : float
        Share of the k that are true.
    ndcg : float
        Normalised discounted cumulative gain: a true tag counts 1 / log₂(1 + its place), divided
        by what the best order would reach.
    psprecision : float
        Propensity-scored precision (Jain et al. 2016), divided by what the best order would
        reach: rare tags, which are often missing from the labels, count more.
    """

    k: int
    precision: float
    ndcg: float
    psprecision: float


@dataclass(frozen=True, slots=True)
class PartFigures:
    """Figures of the frequent, the less frequent or the rare tags.

    Attributes
    ----------
    name : {"head", "torso", "tail"}
        Which of the three.
    num_tags : int
        How many tags it has.
    num_labels : int
        How many labels these tags have.
    least, most : int
        Projects of its rarest and of its most frequent tag.
    precision, recall, f1 : float or None
        Averages over its tags for which they are defined; None without one.
    """

    name: str
    num_tags: int
    num_labels: int
    least: int
    most: int
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True, slots=True)
class RankingFigures:
    """How well tags are ordered.

    Attributes
    ----------
    top : tuple of TopFigures
        By number of tags that are looked at.
    r_precision : float
        Of a project with R tags, the share of true ones among its R most probable.
    num_projects : int
        The projects that have a tag, which the figures are averages of.
    parts : tuple of PartFigures
        Head, torso and tail, those that there are.
    """

    top: tuple[TopFigures, ...]
    r_precision: float
    num_projects: int
    parts: tuple[PartFigures, ...]

    def to_json(self) -> dict[str, object]:
        """Return the figures as `performance.json` holds them."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class RankingRow:
    """A figure of the order of tags, as tables show it.

    Attributes
    ----------
    name : str
        What it is of: the order of tags, or head, torso or tail.
    metric : str
        What it is.
    value : float or None
        In [0, 1]; None where undefined.
    samples : int or None
        The projects or labels that it rests on.
    """

    name: str
    metric: str
    value: float | None
    samples: int | None


def list_ranking(performance: Mapping[str, object]) -> list[RankingRow]:
    """List the figures of the order of tags that a `performance.json` states; [] without them.

    Whoever wrote it: what is malformed is passed over.

    >>> found = {"ranking": {"num_projects": 7, "top": [{"k": 1, "precision": 0.5}]}}
    >>> list_ranking(found)
    [RankingRow(name='order of tags', metric='precision@1', value=0.5, samples=7)]
    """
    ranking = performance.get("ranking")
    if not isinstance(ranking, Mapping):
        return []
    number = _whole(ranking.get("num_projects"))
    rows = [
        RankingRow("order of tags", f"{metric}@{one['k']}", _share(one[metric]), number)
        for metric in ("precision", "ndcg", "psprecision")
        for one in _mappings(ranking.get("top"))
        if _whole(one.get("k")) and metric in one
    ]
    if "r_precision" in ranking:
        value = _share(ranking["r_precision"])
        rows.append(RankingRow("order of tags", "R-precision", value, number))
    for one in _mappings(ranking.get("parts")):
        name, num_tags = str(one.get("name"))[:20], _whole(one.get("num_tags"))
        rows += [
            RankingRow(
                f"{name} ({counted(num_tags or 0, 'tag')})",
                metric,
                _share(one.get(metric)),
                _whole(one.get("num_labels")),
            )
            for metric in ("precision", "recall", "f1")
        ]
    return rows


def _mappings(found: object) -> list[Mapping[str, object]]:
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _share(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        return None
    return float(value)


def ranking_figures(
    y_true: Matrix,
    y_prob: Matrix,
    y_pred: Matrix | None = None,
    *,
    at: Sequence[int] = AT,
    counts: Array | None = None,
    num_train: int | None = None,
) -> RankingFigures | None:
    """Score the order of tags by probability; None where no project has a tag.

    Parameters
    ----------
    y_true, y_prob : matrices of shape (n_projects, n_tags)
        0 or 1, and probabilities in [0, 1]; dense or CSR.
    y_pred : matrix of shape (n_projects, n_tags), optional
        Decisions; with them, head, torso and tail have figures.
    at : sequence of int
        How many tags to look at.
    counts : int array of shape (n_tags,), optional
        The training projects of each tag, by which tags are rare or frequent; by default, those
        of `y_true`.
    num_train : int, optional
        The number of training projects; that of `y_true` by default.

    Examples
    --------
    >>> found = ranking_figures(np.array([[1, 0, 1]]), np.array([[0.9, 0.5, 0.2]]), at=[1, 2])
    >>> [one.precision for one in found.top], found.r_precision
    ([1.0, 0.5], 0.5)
    """
    true, prob = as_csr(as_matrix(y_true)), as_matrix(y_prob)
    true = true.astype(bool)
    true.eliminate_zeros()
    number = np.diff(true.indptr)
    if not (number > 0).any():
        return None
    counts = column_sums(true) if counts is None else np.asarray(counts, float)
    inverse = 1 / propensities(counts, true.shape[0] if num_train is None else num_train)
    most = min(max(int(max(at)), int(number.max())), true.shape[1])
    sums = np.zeros((3, len(at)))
    r_sum = 0.0
    width = max(most, 100) if is_sparse(prob) else prob.shape[1]
    for rows in row_blocks(true.shape[0], width):
        order, values = rank_tags(prob[rows], most)
        order = np.where(values > 0, order, -1)
        relevant = _are_true(true[rows], order)
        sums += _sum_top(relevant, order, true[rows], inverse, at)
        own = number[rows]
        inside = np.arange(order.shape[1]) < own[:, None]
        r_sum += float(((relevant & inside).sum(axis=1) / np.maximum(own, 1)).sum())
    total = int((number > 0).sum())
    top = tuple(
        TopFigures(int(k), *(sums[:, place] / [total, total, 1]).tolist())
        for place, k in enumerate(at)
    )
    best = _sum_best(true, inverse, at)
    top = tuple(
        replace(one, psprecision=float(one.psprecision / max(best[place], 1e-300)))
        for place, one in enumerate(top)
    )
    parts = () if y_pred is None else part_figures(y_true, y_pred, counts)
    return RankingFigures(top, r_sum / total, total, parts)


def propensities(
    counts: Array, num_projects: int, a: float = PROPENSITY_A, b: float = PROPENSITY_B
) -> Floats:
    """Return how likely a label of each tag is given where it holds, (n_tags,), in (0, 1].

    The model of Jain, Prabhu and Varma (2016), "Extreme Multi-label Loss Functions for
    Recommendation, Tagging, Ranking & Other Missing Label Applications", section 4:
    1 / (1 + C (N + b)⁻ᵃ) with C = (ln n − 1)(b + 1)ᵃ, for a tag of N among n projects.

    >>> propensities(np.array([0, 1000]), 1000).round(3).tolist()
    [0.113, 0.821]
    """
    c = max(np.log(max(num_projects, 1)) - 1, 0.0) * (b + 1) ** a
    return np.asarray(1 / (1 + c * (np.asarray(counts, float) + b) ** -a))


def part_figures(y_true: Matrix, y_pred: Matrix, counts: Array) -> tuple[PartFigures, ...]:
    """Average precision, recall and F1 over the tags of head, torso and tail.

    The head are the most frequent tags that together have half of all labels, the torso the next
    ones up to nine tenths, and the tail all others. Averages leave out what is undefined.
    """
    outcomes = count_outcomes(y_true, y_pred)
    figures = precision_recall_f1(outcomes)
    support = outcomes.tp + outcomes.fn
    part_of = split_by_frequency(counts)
    found = []
    for number, name in enumerate(("head", "torso", "tail")):
        own = part_of == number
        if own.any():
            averages = (_mean(values[own]) for values in figures)
            found.append(
                PartFigures(
                    name,
                    int(own.sum()),
                    int(support[own].sum()),
                    int(counts[own].min()),
                    int(counts[own].max()),
                    *averages,
                )
            )
    return tuple(found)


def split_by_frequency(counts: Array) -> Integers:
    """Return 0, 1 or 2 for each tag of the head, the torso or the tail, (n_tags,).

    >>> split_by_frequency(np.array([1, 50, 9, 30, 10])).tolist()
    [2, 0, 2, 1, 1]
    """
    counts = np.asarray(counts, float)
    order = np.argsort(-counts, kind="stable")
    # What the tags before each have: the one that crosses a border belongs to the part before.
    before = (np.cumsum(counts[order]) - counts[order]) / max(counts.sum(), 1)
    found = np.empty(len(counts), np.intp)
    found[order] = (before >= HEAD_SHARE).astype(np.intp) + (before >= TORSO_SHARE)
    return found


def _are_true(true: Stored, order: Integers) -> Array:
    """Return which of the ranked tags are true, (n, most)."""
    n, t = true.shape
    lengths = np.diff(true.indptr)
    keys = np.repeat(np.arange(n, dtype=np.intp) * t, lengths) + true.indices
    wanted = np.arange(n)[:, None] * t + order
    place = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    if not len(keys):
        return np.zeros(order.shape, bool)
    return np.asarray((keys[place] == wanted) & (order >= 0))


def _sum_top(
    relevant: Array, order: Integers, true: Stored, inverse: Floats, at: Sequence[int]
) -> Floats:
    """Sum precision, nDCG and propensity-scored hits at each k over projects, (3, n_at)."""
    number = np.diff(true.indptr)
    discount = 1 / np.log2(np.arange(order.shape[1]) + 2)
    best = np.cumsum(discount)
    found = np.zeros((3, len(at)))
    for place, k in enumerate(at):
        hits = relevant[:, :k]
        found[0, place] = hits.sum() / k
        ideal = best[np.clip(np.minimum(number, k) - 1, 0, len(best) - 1)]
        gains = hits @ discount[: hits.shape[1]]
        found[1, place] = (gains[number > 0] / ideal[number > 0]).sum()
        found[2, place] = inverse[order[:, :k][hits]].sum() / k
    return found


def _sum_best(true: Stored, inverse: Floats, at: Sequence[int]) -> Floats:
    """Sum what the best order of propensity-scored hits reaches at each k, (n_at,)."""
    from scipy import sparse

    weights = sparse.csr_array((inverse[true.indices], true.indices, true.indptr), true.shape)
    found = np.zeros(len(at))
    for rows in row_blocks(true.shape[0], 100):
        _, values = pad_rows(weights[rows])
        ranked = -np.sort(-values, axis=1)
        for place, k in enumerate(at):
            found[place] += ranked[:, :k].sum() / k
    return found


def _mean(values: Floats) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None
