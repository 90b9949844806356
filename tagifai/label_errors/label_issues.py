"""Suspected label errors: pairs of project and tag, missing labels and wrong ones.

The probability of a model that did not see the project ranks missing labels well, and wrong ones
badly: it puts on top the labels that a text merely does not mention. Both queues therefore combine
it with independent evidence: the tag's name in the text, the tags of its neighbours, tags that
often come together. The weight of each is learned from the labels themselves, out of fold. Pairs
that look suspicious in a first round are left out of the second (as in confident learning,
Northcutt et al. 2021); otherwise the errors would teach the model to distrust the evidence.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tagifai.arrays import Array
from tagifai.data import Project, Tag
from tagifai.errors import TagifaiError, one_of
from tagifai.predictions import Predictions
from tagifai.selection import column_of, held_out_rows
from tagifai.text.languages import DEFAULT_LANGUAGE

# The rest is imported in functions: listing or applying reviews need not wait for scikit-learn.
if TYPE_CHECKING:
    from tagifai.label_errors.evidence import CoTag, Evidence

KINDS = ("missing", "wrong")
RANKS = ("evidence", "probability")
KIND_MEANS = {
    "missing": "The project does not carry the tag, and everything says it should.",
    "wrong": "The project carries the tag, and nothing speaks for it. Most are right all the "
    "same: a short text leaves out much that its labels tell.",
}
_MISSING_ABOVE, _WRONG_BELOW = 0.5, 0.02
_LEARN_FROM = 5_000


@dataclass(frozen=True, eq=False)
class Suspicions:
    """How likely every (project, tag) pair is, by probability and evidence together.

    Parameters
    ----------
    predictions, evidence
        What the scores are made of.
    score : array of shape (n_projects, n_tags)
        In [0, 1].
    open : bool array of shape (n_projects, n_tags)
        False for the pairs that cannot be judged: the project is gone, the label was changed
        since the version was made, or the model may have seen the project
        (`Predictions.held_out`).
    num_gone, num_changed : int
        Projects that are gone from the data, and labels that were changed.
    """

    predictions: Predictions
    evidence: "Evidence"
    score: Array
    open: Array
    num_gone: int
    num_changed: int


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A project with a similar text: its tags, and the cosine similarity in (0, 1]."""

    id: str
    tags: tuple[str, ...]
    likeness: float


@dataclass(frozen=True, slots=True)
class LabelIssue:
    """A (project, tag) pair whose label may be wrong, with its evidence.

    Parameters
    ----------
    id, tag : str
        The project and the tag.
    kind : str
        One of `KINDS`.
    split : str
        Of the project.
    probability : float
        Of the tag, in [0, 1].
    held_out : bool
        Whether the probability comes from a model that did not see the project.
    score : float
        Probability and evidence together, in [0, 1].
    named : str, optional
        The name of the tag that the text contains.
    along : tuple of CoTag
        Tags of the project that often come together with this one.
    neighbour_share : float
        Share of the nearest neighbours with the tag, weighted by similarity, in [0, 1].
    neighbours : tuple of Neighbour
        Those that share a word with the project, the nearest first.
    y_true : tuple of str
        The project's tags when the version was made.
    title, description : str
        Of the project.
    """

    id: str
    tag: str
    kind: str
    split: str
    probability: float
    held_out: bool
    score: float
    named: str | None
    along: "tuple[CoTag, ...]"
    neighbour_share: float
    neighbours: tuple[Neighbour, ...]
    y_true: tuple[str, ...]
    title: str
    description: str


def suspect_labels(
    predictions: Predictions,
    projects: Mapping[str, Project],
    tags: Mapping[str, Tag],
    language: str = DEFAULT_LANGUAGE,
) -> Suspicions:
    """Score every (project, tag) pair; takes seconds for thousands of projects, so cache it.

    Raises
    ------
    TagifaiError
        The predictions hold no project or no tag.
    """
    from tagifai.label_errors.evidence import gather_evidence

    if not predictions.y_prob.size:
        raise TagifaiError("no project and tag in the predictions: no label to suspect")
    evidence = gather_evidence(predictions, projects, tags, language)
    now = np.zeros(predictions.y_true.shape, bool)
    column = {tag: index for index, tag in enumerate(predictions.tags)}
    for row, one in enumerate(predictions.ids):
        if one in projects:
            now[row, [column[tag] for tag in projects[one].tags if tag in column]] = True
    changed = (now != predictions.y_true) & evidence.known[:, None]
    return Suspicions(
        predictions,
        evidence,
        _score(predictions, evidence),
        (evidence.known & predictions.held_out)[:, None] & ~changed,
        int((~evidence.known).sum()),
        int(changed.sum()),
    )


def issue_pairs(
    found: Suspicions,
    kind: str,
    *,
    tag: str | None = None,
    split: str = "all",
    rank: str = "evidence",
) -> Array:
    """Rank the pairs of one queue, the most suspicious first.

    Parameters
    ----------
    found : Suspicions
        The scores.
    kind : str
        "missing" or "wrong".
    tag : str, optional
        Only pairs of this tag.
    split : str
        One of `selection.PARTS`.
    rank : str
        "evidence", or "probability" for the probability alone: for missing labels this is the
        order of cleanlab's `find_multilabel_issues_per_class` restricted to y = 0.

    Returns
    -------
    pairs : int array of shape (n_pairs, 2)
        Row and column of each pair.

    Raises
    ------
    TagifaiError
        An unknown kind, tag, split or rank, or a split of which no project was held out.
    """
    if kind not in KINDS:
        raise one_of("kind of label error", kind, KINDS)
    if rank not in RANKS:
        raise one_of("rank", rank, RANKS)
    predictions = found.predictions
    rows = held_out_rows(predictions, split)
    columns = np.arange(len(predictions.tags))
    if tag is not None:
        columns = np.array([column_of(predictions, tag)])
    grid = np.ix_(rows, columns)
    wanted = (predictions.y_true[grid] == (kind == "wrong")) & found.open[grid]
    chosen, which = np.nonzero(wanted)
    chosen, which = rows[chosen], columns[which]
    score = (found.score if rank == "evidence" else predictions.y_prob)[chosen, which]
    order = np.argsort(-score if kind == "missing" else score, kind="stable")
    return np.stack([chosen[order], which[order]], axis=1)


def describe_issues(
    found: Suspicions,
    pairs: Array,
    projects: Mapping[str, Project],
    tags: Mapping[str, Tag],
    language: str = DEFAULT_LANGUAGE,
) -> tuple[LabelIssue, ...]:
    """Return the label issues of some pairs, (n_pairs, 2) rows and columns, with their evidence."""
    from tagifai.label_errors.evidence import name_found, tags_along

    predictions, evidence = found.predictions, found.evidence
    names = np.array(predictions.tags, dtype=object)
    issues = []
    for row, column in np.asarray(pairs, dtype=np.intp).reshape(-1, 2).tolist():
        project, tag = projects[predictions.ids[row]], predictions.tags[column]
        near = zip(evidence.neighbours[row].tolist(), evidence.likeness[row].tolist(), strict=True)
        issues.append(
            LabelIssue(
                id=project.id,
                tag=tag,
                kind=KINDS[predictions.y_true[row, column]],
                split=str(predictions.split[row]),
                probability=float(predictions.y_prob[row, column]),
                held_out=bool(predictions.held_out[row]),
                score=float(found.score[row, column]),
                named=name_found(project.text, tag, tags, language),
                along=tags_along(predictions, projects, row, tag),
                neighbour_share=float(evidence.share[row, column]),
                neighbours=tuple(
                    Neighbour(
                        predictions.ids[other],
                        tuple(names[predictions.y_true[other] == 1].tolist()),
                        likeness,
                    )
                    for other, likeness in near
                    if likeness > 0
                ),
                y_true=tuple(names[predictions.y_true[row] == 1].tolist()),
                title=project.title,
                description=project.description,
            )
        )
    return tuple(issues)


def _score(predictions: Predictions, evidence: "Evidence") -> Array:
    from scipy.special import logit

    prob = predictions.y_prob.astype(float)
    features = np.stack(
        [
            logit(np.clip(prob, 1e-3, 1 - 1e-3)),
            evidence.named,
            evidence.share,
            evidence.along,
        ],
        axis=-1,
    )
    # The weight of a probability from a model that saw the project says nothing of the others.
    usable = np.broadcast_to(predictions.held_out[:, None], prob.shape)
    first = _out_of_fold(features, predictions.y_true, usable, prob)
    truth = predictions.y_true.astype(bool)
    clean = usable & ~((~truth & (first > _MISSING_ABOVE)) | (truth & (first < _WRONG_BELOW)))
    return _out_of_fold(features, predictions.y_true, clean, prob)


def _out_of_fold(features: Array, truth: Array, usable: Array, otherwise: Array) -> Array:
    """Learn the weights of the evidence from four fifths of the projects; score the other fifth."""
    from sklearn.linear_model import LogisticRegression

    from tagifai.label_errors.evidence import FOLDS

    n, width = len(truth), features.shape[-1]
    shuffled = np.random.default_rng(0).permutation(n)
    fold = shuffled % FOLDS
    score = otherwise.copy()
    for part in range(FOLDS):
        learned = np.flatnonzero((fold != part) & usable.any(axis=1))
        learned = learned[np.argsort(shuffled[learned])][:_LEARN_FROM]
        use = usable[learned].ravel()
        X, y = features[learned].reshape(-1, width)[use], truth[learned].ravel()[use]
        here = fold == part
        if here.any() and len(np.unique(y)) == 2:
            model = LogisticRegression(max_iter=500).fit(X, y.astype(np.int64))
            likely = model.predict_proba(features[here].reshape(-1, width))[:, 1]
            score[here] = likely.reshape(-1, truth.shape[1])
    return score
