"""Propose the slices of one or two conditions where precision or recall is lower than elsewhere."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tagifai.data import Project
from tagifai.data.assignment import list_groups
from tagifai.errors import TagifaiError
from tagifai.metrics import count_outcomes
from tagifai.predictions import Predictions, decide, threshold_array
from tagifai.selection import Array, held_out_rows
from tagifai.slices import unseen_shares
from tagifai.slices.search import Decisions, finding_part, measure, search_slices
from tagifai.text.preprocessing import preprocess_text

MIN_SUPPORT = 20
MOST_WORDS = 150
MOST_TAGS = 150
MOST_VALUES = 20
MANY_UNSEEN = 0.25
FALSE_DISCOVERIES = 0.05


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

    `elsewhere` is the `metric` of all other projects and `gap` how much lower it is here, with
    its 95 % interval, corrected for having been picked by the search; `value` is what that
    leaves for the slice itself, in [0, 1]. They are None where fewer than ten projects count,
    or too little of the slice was kept back from the search. `p_value` and, over all slices
    tested, `q_value` are of the search.
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
    """What `find_slices` found, the surest first, and how: the tests and projects it took."""

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
    min_support: int = MIN_SUPPORT,
    false_discoveries: float = FALSE_DISCOVERIES,
    most: int = 20,
    preprocess: Callable[[str], str] = preprocess_text,
) -> SliceSearch:
    """Search slices of one or two conditions for a lower precision or recall than elsewhere.

    `search_slices` searches nine tenths of the projects (whole groups, where the data has
    them); the others are kept back, so that `measure` can correct the gaps for having been
    picked.

    Parameters
    ----------
    predictions, thresholds
        What a version predicts.
    projects
        All projects of the data, by id; predictions of others are left out.
    split
        One of `PARTS`; by default all splits. Training projects are left out where they are
        not known to be predicted out of fold: a model looks better on what it learnt from.
    min_support
        Projects that a slice needs among those searched.
    false_discoveries
        Expected share of slices found that are not worse at all.

    Raises
    ------
    TagifaiError
        An unknown split, one of which nothing was held out, or a support or share out of range.
    """
    if min_support < 2:
        raise TagifaiError(f"min_support must be 2 or more, got {min_support}")
    if not 0 < false_discoveries < 1:
        raise TagifaiError(f"false_discoveries: between 0 and 1, got {false_discoveries}")
    rows = np.array(
        [row for row in held_out_rows(predictions, split) if predictions.ids[row] in projects],
        np.intp,
    )
    ids = [predictions.ids[row] for row in rows]
    chosen = [projects[one] for one in ids]
    names = list_groups(ids, [project.extra for project in chosen]) or ids
    finding = finding_part(names)
    sizes = {"num_searched": int(finding.sum()), "num_kept_back": int((~finding).sum())}
    conditions, inside = list_conditions(
        chosen, min_support, preprocess, among=list(projects.values())
    )
    if not conditions:
        return SliceSearch((), 0, **sizes)
    decisions = _decide(predictions, thresholds, rows, names)
    found, num_tested = search_slices(
        inside[finding], decisions.take(finding), min_support, false_discoveries
    )
    slices = []
    for one in found[:most]:
        member = inside[:, one.first] & inside[:, one.second]
        elsewhere, gap = measure(one, inside, decisions, finding)
        slices.append(
            FoundSlice(
                conditions=tuple(conditions[column] for column in sorted({one.first, one.second})),
                metric=one.metric,
                value=None
                if elsewhere is None or gap.value is None
                else min(max(elsewhere - gap.value, 0.0), 1.0),
                elsewhere=elsewhere,
                gap=gap.value,
                low=gap.low,
                high=gap.high,
                num_samples=int(member.sum()),
                p_value=one.p_value,
                q_value=one.q_value,
                ids=tuple(ids[place] for place in np.flatnonzero(member)),
            )
        )
    return SliceSearch(tuple(slices), num_tested, **sizes)


def list_conditions(
    projects: Sequence[Project],
    min_support: int = MIN_SUPPORT,
    preprocess: Callable[[str], str] = preprocess_text,
    among: Sequence[Project] | None = None,
) -> tuple[list[Condition], Array]:
    """List the conditions that enough projects meet and enough do not, and who meets them.

    Returns the conditions and a bool array (n_projects, n_conditions): the commonest tags and
    words, short and long texts, a quarter or more of words that no other project has, and
    the commonest values of other columns. `among` are all projects of the data (by default
    these), as for `select_slices`.
    """
    words = [preprocess(project.text).split() for project in projects]
    members: dict[Condition, list[int]] = {}

    def add(row: int, kind: str, name: str, value: str = "") -> None:
        members.setdefault(Condition(kind, name, value), []).append(row)

    used = Counter(word for own in words for word in set(own))
    common = {word for word, _ in used.most_common(MOST_WORDS)}
    tags = Counter(tag for project in projects for tag in set(project.tags))
    common_tags = {tag for tag, _ in tags.most_common(MOST_TAGS)}
    values = Counter(_cells(projects))
    columns: dict[str, set[str]] = {}
    for (column, value), _ in values.most_common():
        listed = columns.setdefault(column, set())
        if len(listed) < MOST_VALUES:
            listed.add(value)
    lengths = np.array([len(own) for own in words])
    low, high = np.quantile(lengths, (0.2, 0.8)) if len(lengths) else (0, 0)
    low, high = math.floor(low), math.ceil(high)
    everybody = words if among is None else [preprocess(p.text).split() for p in among]
    unseen = unseen_shares(words, everybody)
    for row, (project, own) in enumerate(zip(projects, words, strict=True)):
        for tag in common_tags.intersection(project.tags):
            add(row, "tag", tag)
        for word in common.intersection(own):
            add(row, "word", word)
        if len(own) <= low:
            add(row, "length", "at most", str(low))
        if len(own) >= high:
            add(row, "length", "at least", str(high))
        if unseen[row] >= MANY_UNSEEN:
            add(row, "unseen words", "at least", str(MANY_UNSEEN))
        for column, value in _cells([project]):
            if value in columns.get(column, ()):
                add(row, "column", column, value)
    kept = sorted(
        (c for c, own in members.items() if min_support <= len(own) <= len(projects) - min_support),
        key=lambda c: (c.kind, c.name, c.value),
    )
    inside = np.zeros((len(projects), len(kept)), bool)
    for index, condition in enumerate(kept):
        inside[members[condition], index] = True
    return kept, inside


def _cells(projects: Sequence[Project]) -> list[tuple[str, str]]:
    return [
        (column, str(value))
        for project in projects
        for column, value in project.extra.items()
        if isinstance(value, str | int | bool) and len(str(value)) <= 60
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
