"""Propose the slices of one or two conditions where the model is significantly worse."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tagifai.data import Project
from tagifai.errors import TagifaiError
from tagifai.inspection.parts import Array, rows_of
from tagifai.predictions import Predictions, decide, threshold_array
from tagifai.slices import unseen_shares
from tagifai.text.preprocessing import preprocess_text

MIN_SUPPORT = 20
MOST_WORDS = 150
MOST_TAGS = 150
MOST_VALUES = 20
MANY_UNSEEN = 0.25
FALSE_DISCOVERIES = 0.05
_SAME = 0.8


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
) -> list[dict[str, Any]]:
    """Test every slice of one or two conditions for a higher error than outside it.

    A project's error is 1 − F1 of its own tags, in [0, 1]. Welch's one-sided t-test compares
    the slice with all other projects; the share of false discoveries is held by Benjamini and
    Hochberg (1995), half of it for slices of one condition and half for those of two, which
    are many more. A slice of two conditions is proposed only where
    it is worse than either alone, and of slices with nearly the same projects only the first.
    By default all splits are searched, since every probability is of a project unseen.

    Each record: conditions (of `Condition`), num_samples, error, error_elsewhere, low and high
    (95 % interval of the difference), precision, recall, f1 (micro), p_value, q_value, ids,
    num_tested. The greatest difference first.

    Raises:
        TagifaiError: an unknown split, or a support or share out of range.
    """
    if min_support < 2:
        raise TagifaiError(f"min_support must be 2 or more, got {min_support}")
    if not 0 < false_discoveries < 1:
        raise TagifaiError(f"false_discoveries: between 0 and 1, got {false_discoveries}")
    rows = np.array(
        [row for row in rows_of(predictions, split) if predictions.ids[row] in projects], np.intp
    )
    if len(rows) < 2 * min_support:
        return []
    chosen = [projects[predictions.ids[row]] for row in rows]
    conditions, inside = list_conditions(
        chosen, min_support, preprocess, among=list(projects.values())
    )
    counts = _outcomes(predictions, thresholds, rows)
    error = _error(*counts)
    found = _test(inside, error, min_support)
    if not len(found["p"]):
        return []
    q = _adjusted(found["p"], found["first"] == found["second"])
    records: list[dict[str, Any]] = []
    kept: list[Array] = []
    order = np.argsort(-found["gap"], kind="stable")
    for index in order[q[order] <= false_discoveries]:
        a, b = int(found["first"][index]), int(found["second"][index])
        member = inside[:, a] & inside[:, b]
        if any(_alike(member, other) for other in kept):
            continue
        kept.append(member)
        records.append(
            {
                "conditions": tuple(dict.fromkeys((conditions[a], conditions[b]))),
                "num_samples": int(member.sum()),
                "error": float(error[member].mean()),
                "error_elsewhere": float(error[~member].mean()),
                "low": float(found["gap"][index] - found["margin"][index]),
                "high": float(found["gap"][index] + found["margin"][index]),
                **_micro(*(count[member].sum() for count in counts)),
                "p_value": float(found["p"][index]),
                "q_value": float(q[index]),
                "ids": [predictions.ids[row] for row in rows[member]],
                "num_tested": len(q),
            }
        )
        if len(records) == most:
            break
    return records


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


def _outcomes(
    predictions: Predictions, thresholds: Mapping[str, float], rows: Array
) -> tuple[Array, Array, Array]:
    true = predictions.y_true[rows].astype(bool)
    cuts = threshold_array(predictions.tags, thresholds)
    predicted = decide(predictions.y_prob[rows], cuts)
    tp, fp, fn = true & predicted, ~true & predicted, true & ~predicted
    return tp.sum(axis=1), fp.sum(axis=1), fn.sum(axis=1)


def _error(tp: Array, fp: Array, fn: Array) -> Array:
    wrong = fp + fn
    return np.divide(wrong, 2 * tp + wrong, out=np.zeros(len(tp)), where=wrong > 0)


def _micro(tp: float, fp: float, fn: float) -> dict[str, float]:
    return {
        "precision": float(tp / (tp + fp)) if tp + fp else 0.0,
        "recall": float(tp / (tp + fn)) if tp + fn else 0.0,
        "f1": float(2 * tp / (2 * tp + fp + fn)) if tp + fp + fn else 0.0,
    }


def _test(inside: Array, error: Array, min_support: int) -> dict[str, Array]:
    """Test all conditions and all pairs of them at once; the diagonal is a single condition."""
    n, member = len(error), inside.astype(float)
    size = member.T @ member
    total = member.T @ (member * error[:, None])
    squares = member.T @ (member * error[:, None] ** 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total / size
        spread = np.maximum(squares - total**2 / size, 0) / (size - 1)
        rest = n - size
        rest_total = error.sum() - total
        rest_mean = rest_total / rest
        rest_spread = ((error**2).sum() - squares - rest_total**2 / rest) / (rest - 1)
        a, b = spread / size, np.maximum(rest_spread, 0) / rest
        gap = mean - rest_mean
        degrees = (a + b) ** 2 / (a**2 / (size - 1) + b**2 / (rest - 1))
        scale = np.sqrt(a + b)
    single = np.diag(mean)
    worse = (mean > single[:, None]) & (mean > single[None, :])
    np.fill_diagonal(worse, True)
    enough = (size >= min_support) & (rest >= min_support) & np.isfinite(scale) & (scale > 0)
    # A pair that is one of its conditions over again is no slice of its own.
    alone = np.diag(size)
    fresh = (size < np.minimum(alone[:, None], alone[None, :])) | np.eye(len(alone), dtype=bool)
    # All that have the support are tested, and count; only then is the better half dropped.
    first, second = np.nonzero(np.triu(enough & fresh))
    from scipy import stats  # here: a second, which only those who search wait for

    p = stats.t.sf(gap[first, second] / scale[first, second], degrees[first, second])
    p = np.where(worse[first, second], p, 1.0)
    margin = stats.t.ppf(0.975, degrees[first, second]) * scale[first, second]
    return {"first": first, "second": second, "p": p, "gap": gap[first, second], "margin": margin}


def _adjusted(p: Array, single: Array) -> Array:
    """Adjust p-values within each family at half the rate: q-values for the whole rate."""
    from scipy import stats

    q = np.ones(len(p))
    for family in (single, ~single):
        if family.any():
            q[family] = np.minimum(2 * stats.false_discovery_control(p[family]), 1)
    return q


def _alike(one: Array, other: Array) -> bool:
    return bool((one & other).sum() > _SAME * (one | other).sum())
