"""Suspected label errors: pairs of project and tag, missing labels and wrong ones.

The probability of a model that did not see the project ranks missing labels well, and wrong ones
badly: it puts on top the labels that a text merely does not mention. Both queues therefore weigh
it together with independent evidence: the tag's name in the text, neighbours' tags, tags that
usually come along. How much each weighs is learnt from the labels themselves, out of fold; pairs
that a first round finds suspicious are left out of the second (as in confident learning,
Northcutt et al. 2021), or errors would teach that evidence means little.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tagifai.data import Project, Tag
from tagifai.errors import TagifaiError, one_of
from tagifai.predictions import Predictions
from tagifai.selection import Array, column_of, held_out_rows
from tagifai.text.languages import DEFAULT_LANGUAGE

# The rest in functions: whoever lists or applies reviews need not wait for scikit-learn.
if TYPE_CHECKING:
    from tagifai.label_errors.evidence import Evidence

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
    """Every pair's score: how likely its tag is, by probability and evidence together.

    `score` (n_projects, n_tags) in [0, 1]. `open` (n_projects, n_tags) is False for the
    pairs that can't be judged: `num_gone` projects are gone from the data, `num_changed` pairs
    have had their label changed since the version was made, and where probabilities of train
    projects may come from a model that saw them, those are left out (`Predictions.held_out`).
    """

    predictions: Predictions
    evidence: "Evidence"
    score: Array
    open: Array
    num_gone: int
    num_changed: int


def suspect_labels(
    predictions: Predictions,
    projects: Mapping[str, Project],
    tags: Mapping[str, Tag],
    language: str = DEFAULT_LANGUAGE,
) -> Suspicions:
    """Score every pair of project and tag; seconds for thousands of projects, so keep it.

    Raises:
        TagifaiError: the predictions hold no project or no tag.
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
    """Rank the pairs of one queue, the most suspicious first: intp (n_pairs, 2), row and column.

    `rank` "probability" orders by the probability alone: for missing labels the order of
    cleanlab's `find_multilabel_issues_per_class` restricted to y = 0.

    Raises:
        TagifaiError: an unknown kind, tag, split or rank, or a split of which no project was
            held out.
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
) -> list[dict[str, Any]]:
    """Describe the pairs of one page, each with its evidence.

    Each record: id, tag, kind, split, probability, held_out (whether it is of a model that did
    not see the project), score, named (the name found in the text,
    or None), along (`tags_along`), neighbour_share, neighbours (id, tags, likeness; those
    that share a word, nearest first), y_true, title, description.
    """
    from tagifai.label_errors.evidence import name_found, tags_along

    predictions, evidence = found.predictions, found.evidence
    names = np.array(predictions.tags, dtype=object)
    records = []
    for row, column in np.asarray(pairs, dtype=np.intp).reshape(-1, 2).tolist():
        project, tag = projects[predictions.ids[row]], predictions.tags[column]
        near = zip(evidence.neighbours[row].tolist(), evidence.likeness[row].tolist(), strict=True)
        records.append(
            {
                "id": project.id,
                "tag": tag,
                "kind": KINDS[predictions.y_true[row, column]],
                "split": str(predictions.split[row]),
                "probability": float(predictions.y_prob[row, column]),
                "held_out": bool(predictions.held_out[row]),
                "score": float(found.score[row, column]),
                "named": name_found(project.text, tag, tags, language),
                "along": tags_along(predictions, projects, row, tag),
                "neighbour_share": float(evidence.share[row, column]),
                "neighbours": [
                    {
                        "id": predictions.ids[other],
                        "tags": names[predictions.y_true[other] == 1].tolist(),
                        "likeness": likeness,
                    }
                    for other, likeness in near
                    if likeness > 0
                ],
                "y_true": names[predictions.y_true[row] == 1].tolist(),
                "title": project.title,
                "description": project.description,
            }
        )
    return records


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
    # What a probability of a project that the model saw weighs tells nothing of the others.
    usable = np.broadcast_to(predictions.held_out[:, None], prob.shape)
    first = _out_of_fold(features, predictions.y_true, usable, prob)
    truth = predictions.y_true.astype(bool)
    clean = usable & ~((~truth & (first > _MISSING_ABOVE)) | (truth & (first < _WRONG_BELOW)))
    return _out_of_fold(features, predictions.y_true, clean, prob)


def _out_of_fold(features: Array, truth: Array, kept: Array, otherwise: Array) -> Array:
    """Learn from four fifths of the projects what evidence weighs; score the other fifth."""
    from sklearn.linear_model import LogisticRegression

    from tagifai.label_errors.evidence import FOLDS

    n, width = len(truth), features.shape[-1]
    shuffled = np.random.default_rng(0).permutation(n)
    fold = shuffled % FOLDS
    score = otherwise.copy()
    for part in range(FOLDS):
        learnt = np.flatnonzero((fold != part) & kept.any(axis=1))
        learnt = learnt[np.argsort(shuffled[learnt])][:_LEARN_FROM]
        use = kept[learnt].ravel()
        X, y = features[learnt].reshape(-1, width)[use], truth[learnt].ravel()[use]
        here = fold == part
        if here.any() and len(np.unique(y)) == 2:
            model = LogisticRegression(max_iter=500).fit(X, y.astype(np.int64))
            likely = model.predict_proba(features[here].reshape(-1, width))[:, 1]
            score[here] = likely.reshape(-1, truth.shape[1])
    return score
