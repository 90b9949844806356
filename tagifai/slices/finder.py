"""Find the slices of one or two conditions where precision or recall is lower than elsewhere."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tagifai.arrays import Array
from tagifai.data import Project
from tagifai.data.assignment import list_groups
from tagifai.data.project_table import ProjectTable
from tagifai.metrics import count_outcomes
from tagifai.predictions import Predictions, decide, threshold_array
from tagifai.selection import held_out_rows
from tagifai.slices import unseen_shares
from tagifai.slices.search import (
    DEFAULTS,
    Candidate,
    Decisions,
    Measured,
    SearchSettings,
    finding_part,
    measure,
    search_slices,
)
from tagifai.text.preprocessing import preprocess_text


@dataclass(frozen=True, slots=True)
class Condition:
    """One simple test of a project: `kind` "tag", "word", "length", "unseen words" or "column".

    >>> str(Condition("tag", "nlp")), str(Condition("column", "year", "2020"))
    ('tag nlp', 'column year = 2020')
    >>> str(Condition("length", "at most", "6")), str(Condition("unseen words", "at least", "0.25"))
    ('at most 6 words', 'at least 25 % of words unseen')
    """

    kind: str
    name: str
    value: str = ""

    def __str__(self) -> str:
        if self.kind == "length":
            return f"{self.name} {self.value} words"
        if self.kind == "unseen words":
            return f"{self.name} {100 * float(self.value):g} % of words unseen"
        return f"{self.kind} {self.name}" + (f" = {self.value}" if self.value else "")


@dataclass(frozen=True, slots=True)
class FoundSlice:
    """A slice where precision or recall is lower than elsewhere.

    Parameters
    ----------
    conditions : tuple of Condition
        One or two.
    metric : str
        "precision" or "recall".
    value : float, optional
        The metric of the slice itself, in [0, 1]: `elsewhere` less the gap.
    elsewhere : float, optional
        The metric of all other projects, in [0, 1].
    gap, low, high : float, optional
        How much lower the metric is here, with its 95 % interval, corrected for having been
        picked by the search. None where fewer than ten projects count, or too little of the
        slice was left out of the search.
    num_samples : int
        Projects of the slice.
    p_value, q_value : float
        Of the search; the q-value is over all slices tested.
    ids : tuple of str
        The projects.
    """

    conditions: tuple[Condition, ...]
    metric: str
    value: float | None
    elsewhere: float | None
    gap: float | None
    low: float | None
    high: float | None
    num_samples: int
    p_value: float
    q_value: float
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SliceSearch:
    """The slices that `find_slices` found, the surest first, and how many tests it took.

    `num_searched` projects were searched, `num_kept_back` were left for correcting the gaps.
    """

    slices: tuple[FoundSlice, ...]
    num_tested: int
    num_searched: int
    num_kept_back: int


def find_slices(
    predictions: Predictions,
    thresholds: Mapping[str, float],
    projects: Mapping[str, Project],
    *,
    split: str = "all",
    min_support: int = DEFAULTS.min_support,
    false_discoveries: float = DEFAULTS.false_discoveries,
    most: int = 20,
    preprocess: Callable[[str], str] = preprocess_text,
) -> SliceSearch:
    """Search slices of one or two conditions for a lower precision or recall than elsewhere.

    `search_slices` searches nine tenths of the projects (whole groups, where the data has
    groups). With the other projects `measure` corrects the gaps for having been picked.

    Parameters
    ----------
    predictions, thresholds : Predictions, mapping of str to float
        Of the version.
    projects : mapping of str to Project
        All projects of the data, by id; predictions of others are left out.
    split : str
        One of `PARTS`; by default all splits. Training projects are left out where they are
        not known to be predicted out of fold: a model looks better on what it learned from.
    min_support : int
        Projects that a slice needs among those searched.
    false_discoveries : float
        Expected share of slices found that are not worse at all.
    most : int
        Slices that are returned at most.
    preprocess : callable
        Turns a text into words.

    Raises
    ------
    TagifaiError
        An unknown split, one of which nothing was held out, or a support or share out of range.
    """
    settings = SearchSettings(min_support, false_discoveries)
    rows = np.array(
        [row for row in held_out_rows(predictions, split) if predictions.ids[row] in projects],
        np.intp,
    )
    ids = [predictions.ids[row] for row in rows]
    chosen, among = [projects[one] for one in ids], list(projects.values())
    names = list_groups(ids, [project.extra for project in chosen]) or ids
    finding = finding_part(names)
    sizes = {"num_searched": int(finding.sum()), "num_kept_back": int((~finding).sum())}
    conditions, inside = list_conditions(chosen, min_support, preprocess, among)
    if not conditions:
        return SliceSearch((), 0, **sizes)
    decisions = _decide(predictions, thresholds, rows, names)
    found, num_tested = search_slices(inside[finding], decisions.take(finding), settings)
    slices = tuple(
        _describe(one, measure(one, inside, decisions, finding), conditions, inside, ids)
        for one in found[:most]
    )
    return SliceSearch(slices, num_tested, **sizes)


def _describe(
    found: Candidate,
    measured: Measured,
    conditions: Sequence[Condition],
    inside: Array,
    ids: Sequence[str],
) -> FoundSlice:
    member = inside[:, found.first] & inside[:, found.second]
    elsewhere, gap = measured
    value = None
    if elsewhere is not None and gap.value is not None:
        value = min(max(elsewhere - gap.value, 0.0), 1.0)
    return FoundSlice(
        conditions=tuple(conditions[column] for column in sorted({found.first, found.second})),
        metric=found.metric,
        value=value,
        elsewhere=elsewhere,
        gap=gap.value,
        low=gap.low,
        high=gap.high,
        num_samples=int(member.sum()),
        p_value=found.p_value,
        q_value=found.q_value,
        ids=tuple(ids[place] for place in np.flatnonzero(member).tolist()),
    )


def list_conditions(
    projects: Sequence[Project],
    min_support: int = DEFAULTS.min_support,
    preprocess: Callable[[str], str] = preprocess_text,
    among: Sequence[Project] | None = None,
) -> tuple[list[Condition], Array]:
    """List the conditions that enough projects meet and enough do not, and who meets them.

    They are the commonest tags and words, short and long texts, many words that no other project
    has, and the commonest values of other columns.

    Parameters
    ----------
    projects : sequence of Project
        The projects to search.
    min_support : int
        Projects that must meet a condition, and that must not.
    preprocess : callable
        Turns a text into words.
    among : sequence of Project, optional
        All projects of the data, by default `projects`, as for `select_slices`.

    Returns
    -------
    conditions : list of Condition
    inside : bool array of shape (n_projects, n_conditions)
    """
    words = [preprocess(project.text).split() for project in projects]
    everybody = words if among is None else [preprocess(p.text).split() for p in among]
    members: dict[Condition, list[int]] = {}
    for condition, row in (
        *_tags_met(projects),
        *_words_met(words),
        *_lengths_met(words),
        *_unseen_met(words, everybody),
        *_values_met(projects),
    ):
        members.setdefault(condition, []).append(row)
    most = len(projects) - min_support
    found = sorted(
        (one for one, own in members.items() if min_support <= len(own) <= most),
        key=lambda one: (one.kind, one.name, one.value),
    )
    inside = np.zeros((len(projects), len(found)), bool)
    for index, condition in enumerate(found):
        inside[members[condition], index] = True
    return found, inside


def short_cells(projects: Iterable[Project]) -> Iterator[tuple[str, str]]:
    """Yield column and value of every cell of the other columns that a slice can ask for.

    >>> list(short_cells([Project("1", "", "", (), {"year": 2020, "url": "x" * 61})]))
    [('year', '2020')]
    """
    for project in projects:
        for column, value in project.extra.items():
            if (
                isinstance(value, str | int | float | bool)
                and len(str(value)) <= DEFAULTS.longest_value
            ):
                yield column, str(value)


def count_cells(projects: Sequence[Project], most: int) -> dict[tuple[str, str], int]:
    """Count the projects of each cell of `short_cells`, of large data of the `most` common ones.

    >>> count_cells([Project(one, "", "", (), {"kind": "tool"}) for one in "12"], most=10)
    {('kind', 'tool'): 2}
    """
    if not isinstance(projects, ProjectTable):
        return dict(Counter(short_cells(projects)))
    counts: Counter[tuple[str, str]] = Counter()
    for name in projects.columns:
        for value, count in projects.count_values(name, most, DEFAULTS.longest_value):
            for cell in short_cells([Project("", "", "", (), {name: value})]):
                counts[cell] += count
    return dict(counts)


_Met = Iterator[tuple[Condition, int]]


def _tags_met(projects: Sequence[Project]) -> _Met:
    used = Counter(tag for project in projects for tag in set(project.tags))
    common = {tag for tag, _ in used.most_common(DEFAULTS.most_tags)}
    for row, project in enumerate(projects):
        for tag in common.intersection(project.tags):
            yield Condition("tag", tag), row


def _words_met(words: Sequence[Sequence[str]]) -> _Met:
    used = Counter(word for own in words for word in set(own))
    common = {word for word, _ in used.most_common(DEFAULTS.most_words)}
    for row, own in enumerate(words):
        for word in common.intersection(own):
            yield Condition("word", word), row


def _lengths_met(words: Sequence[Sequence[str]]) -> _Met:
    lengths = [len(own) for own in words]
    low, high = np.quantile(lengths, (0.2, 0.8)) if lengths else (0, 0)
    low, high = math.floor(low), math.ceil(high)
    for row, length in enumerate(lengths):
        if length <= low:
            yield Condition("length", "at most", str(low)), row
        if length >= high:
            yield Condition("length", "at least", str(high)), row


def _unseen_met(words: Sequence[Sequence[str]], among: Sequence[Sequence[str]]) -> _Met:
    many = Condition("unseen words", "at least", str(DEFAULTS.many_unseen))
    for row, share in enumerate(unseen_shares(words, among)):
        if share >= DEFAULTS.many_unseen:
            yield many, row


def _values_met(projects: Sequence[Project]) -> _Met:
    common: dict[str, set[str]] = {}
    for (column, value), _ in Counter(_whole_cells(projects)).most_common():
        listed = common.setdefault(column, set())
        if len(listed) < DEFAULTS.most_values:
            listed.add(value)
    for row, project in enumerate(projects):
        for column, value in _whole_cells([project]):
            if value in common[column]:
                yield Condition("column", column, value), row


def _whole_cells(projects: Sequence[Project]) -> list[tuple[str, str]]:
    # A measured number is seldom the same twice.
    return [
        (column, value)
        for project in projects
        for column, value in short_cells([project])
        if not isinstance(project.extra[column], float)
    ]


def _decide(
    predictions: Predictions,
    thresholds: Mapping[str, float],
    rows: Array,
    names: Sequence[str],
) -> Decisions:
    cuts = threshold_array(predictions.tags, thresholds)
    counts = count_outcomes(
        predictions.y_true[rows], decide(predictions.y_prob[rows], cuts), axis=1
    )
    _, clusters = np.unique(np.array(names, dtype=np.str_), return_inverse=True)
    return Decisions(counts.tp, counts.tp + counts.fp, counts.tp + counts.fn, clusters)
