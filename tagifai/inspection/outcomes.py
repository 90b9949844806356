"""The projects behind a tag's figures: those of one outcome, in order, described."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tagifai.arrays import Booleans
from tagifai.data import Project
from tagifai.data.names import fold_text
from tagifai.errors import TagifaiError, one_of
from tagifai.matrices import as_dense
from tagifai.predictions import Predictions, decide, threshold_array
from tagifai.selection import Rows, column_in, column_of, rows_of

OUTCOMES = {
    "tp": "True positives: the tag is there and was predicted. They tell what the model has "
    "learnt, and by which words.",
    "fp": "False positives: the tag was predicted and is not there. Many are projects that "
    "somebody forgot to tag: the first place to look for missing labels.",
    "fn": "False negatives: the tag is there and was not predicted. The text may not mention "
    "it, the tag may be wrong, or the model needs more examples of this kind.",
    "tn": "True negatives: neither there nor predicted. Those nearest to the threshold are "
    "nearly false positives, and may lack a label too.",
}
ORDERS = ("confident", "least confident", "longest", "random")


@dataclass(frozen=True, slots=True)
class Outcome:
    """A project as a version predicts it, seen from one tag.

    Attributes
    ----------
    y_true, y_pred : list of str
        Its true and its predicted tags, the predicted ones likeliest first.
    probability, threshold : float
        Of the tag, in [0, 1].
    title, description : str
        Its text; empty where the data no longer has the project.
    gone : bool
        Whether the data no longer has the project.
    """

    id: str
    split: str
    y_true: list[str]
    y_pred: list[str]
    probability: float
    threshold: float
    title: str
    description: str
    gone: bool


def outcome_rows(
    predictions: Predictions,
    thresholds: Mapping[str, float],
    tag: str,
    outcome: str,
    *,
    split: str = "test",
    order: str = "confident",
    query: str = "",
    texts: Mapping[str, Project] | None = None,
    seed: int = 0,
) -> Rows:
    """Select the rows of `predictions` with one outcome of a tag, in order.

    Parameters
    ----------
    predictions, thresholds, tag
        What decides the outcome; thresholds by tag.
    outcome : {"tp", "fp", "fn", "tn"}
        Which projects to select.
    split
        One of `selection.PARTS`.
    order : {"confident", "least confident", "longest", "random"}
        "confident" puts the probabilities farthest from the threshold first (among false
        positives and false negatives: the most confidently wrong), "least confident" the nearest,
        "longest" the longest texts.
    query
        Words, each of which the id, title, description or tags contain, in any case.
    texts
        The projects by id; needed to search and to sort by length. A project that is missing from
        them has no text to be found by.
    seed
        Decides the random order.

    Raises
    ------
    TagifaiError
        An unknown tag, outcome, split or order, or a search or "longest" without `texts`.
    """
    if order not in ORDERS:
        raise one_of("order", order, ORDERS)
    true, prob = column_in(predictions, tag, split)
    predicted = decide(prob, threshold_array([tag], thresholds))
    chosen = _has_outcome(true.astype(bool), predicted, outcome)
    rows, prob = rows_of(predictions, split)[chosen], prob[chosen].astype(float)
    words = fold_text(query).split()
    if words or order == "longest":
        if texts is None:
            raise TagifaiError("the projects' texts are needed to search or to sort by length")
        projects = [texts.get(predictions.ids[row]) for row in rows]
    if words:
        found = np.array([_holds(project, words) for project in projects], dtype=bool)
        rows, prob = rows[found], prob[found]
        projects = [p for p, holds in zip(projects, found, strict=True) if holds]
    if order == "random":
        return np.random.default_rng(seed).permutation(rows)
    if order == "longest":
        keys = -np.array([len(p.text) if p else 0 for p in projects], dtype=float)
    else:
        keys = np.abs(prob - thresholds[tag]) * (-1 if order == "confident" else 1)
    return rows[np.argsort(keys, kind="stable")]


def describe_rows(
    predictions: Predictions,
    thresholds: Mapping[str, float],
    tag: str,
    rows: Sequence[int] | Rows,
    texts: Mapping[str, Project],
) -> list[Outcome]:
    """Describe rows for the screen or a file; `texts` are the projects by id."""
    column = column_of(predictions, tag)
    rows = np.asarray(rows, dtype=np.intp)
    names = np.array(predictions.tags, dtype=object)
    prob = as_dense(predictions.y_prob[rows])
    predicted = decide(prob, threshold_array(predictions.tags, thresholds))
    found = []
    for row, own, above in zip(rows, prob, predicted, strict=True):
        likeliest = np.argsort(-own, kind="stable")
        project = texts.get(predictions.ids[row])
        found.append(
            Outcome(
                id=predictions.ids[row],
                split=str(predictions.split[row]),
                y_true=list(predictions.tags_of(row)),
                y_pred=names[likeliest[above[likeliest]]].tolist(),
                probability=float(own[column]),
                threshold=float(thresholds[tag]),
                title=project.title if project else "",
                description=project.description if project else "",
                gone=project is None,
            )
        )
    return found


def _has_outcome(true: Booleans, predicted: Booleans, outcome: str) -> Booleans:
    if outcome not in OUTCOMES:
        raise one_of("outcome", outcome, OUTCOMES)
    return (true if outcome in ("tp", "fn") else ~true) & (
        predicted if outcome in ("tp", "fp") else ~predicted
    )


def _holds(project: Project | None, words: Sequence[str]) -> bool:
    if project is None:
        return False
    text = fold_text("\n".join((project.id, project.title, project.description, *project.tags)))
    return all(word in text for word in words)
