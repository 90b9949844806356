"""Suspected label errors: pairs of project and tag, missing labels and wrong ones.

The probability of a model that did not see the project ranks missing labels well, and wrong ones
badly: it puts on top the labels that a text merely does not mention. Both queues therefore combine
it with independent evidence: the tag's name in the text, the tags of its neighbours, tags that
often come together. The weight of each is learned from the labels themselves, out of fold. Pairs
that look suspicious in a first round are left out of the second (as in confident learning,
Northcutt et al. 2021); otherwise the errors would teach the model to distrust the evidence.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from tagifai.arrays import Array, Booleans, Floats, Integers
from tagifai.data import Project, Tag
from tagifai.errors import TagifaiError, counted, one_of
from tagifai.matrices import Matrix, Stored, as_csr, as_dense, is_sparse, row_blocks, values_at
from tagifai.memory import require_memory
from tagifai.predictions import Predictions
from tagifai.selection import column_of, held_out_rows
from tagifai.text.languages import DEFAULT_LANGUAGE

# The rest is imported in functions: listing or applying reviews need not wait for scikit-learn.
if TYPE_CHECKING:
    from tagifai.label_errors.evidence import Advance, CoTag, Evidence

KINDS = ("missing", "wrong")
RANKS = ("evidence", "probability")
KIND_MEANS = {
    "missing": "The project does not carry the tag, and everything says it should.",
    "wrong": "The project carries the tag, and nothing speaks for it. Most are right all the "
    "same: a short text leaves out much that its labels tell.",
}
_MISSING_ABOVE, _WRONG_BELOW = 0.5, 0.02
# Projects and pairs that the weights of the evidence are learned from. Of more pairs, all labels
# and a sample of the others are taken.
_LEARN_FROM, _LEARN_PAIRS, _LEARN_SAMPLE = 5_000, 500_000, 60_000
# Of many tags, so many are looked at for each project beside those that it has.
_MOST_MISSING = 20
MOST_RANKED = 1_000_000
"""A queue has at most so many pairs, the most suspicious ones."""
_CELLS = 1_000_000
# As measured: what a score takes while pairs are ranked, and a project with its neighbours.
_BYTES_OF_PAIR, _BYTES_OF_PROJECT = 16, 4_000


@dataclass(frozen=True, eq=False)
class Suspicions:
    """How likely every (project, tag) pair is, by probability and evidence together.

    Parameters
    ----------
    predictions, evidence
        What the scores are made of.
    score : array or CSR of shape (n_projects, n_tags)
        In [0, 1]. Where predictions are CSR, it stores the labels of each project and its 20 most
        suspicious other tags.
    open_rows : bool array of shape (n_projects,)
        False for projects that cannot be judged: they are gone, or the model may have seen them
        (`Predictions.held_out`).
    changed : CSR of shape (n_projects, n_tags)
        True for labels that were changed since the version was made.
    num_gone, num_changed : int
        Projects that are gone from the data, and labels that were changed.
    """

    predictions: Predictions
    evidence: "Evidence"
    score: Matrix
    open_rows: Booleans
    changed: Stored
    num_gone: int
    num_changed: int

    @cached_property
    def open(self) -> Booleans:
        """Return which pairs can be judged, (n_projects, n_tags)."""
        return self.open_rows[:, None] & ~as_dense(self.changed)

    def score_of(self, rows: Integers, columns: Integers) -> Floats:
        """Return the scores of pairs, (n_pairs,)."""
        return values_at(self.score, rows, columns)


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
    advance: "Advance | None" = None,
) -> Suspicions:
    """Score every (project, tag) pair; takes seconds for thousands of projects, so cache it.

    `advance` receives the share done.

    Raises
    ------
    TagifaiError
        The predictions hold no project or no tag.
    """
    from tagifai.label_errors.evidence import gather_evidence

    if not np.prod(predictions.y_prob.shape):
        raise TagifaiError("no project and tag in the predictions: no label to suspect")
    n, num_tags = predictions.y_prob.shape
    pairs = n * (_MOST_MISSING if predictions.is_sparse else num_tags)
    require_memory(
        _BYTES_OF_PAIR * pairs + _BYTES_OF_PROJECT * n,
        f"label errors of {counted(n, 'project')} and {counted(num_tags, 'tag')}",
    )
    first, second = (None, None) if advance is None else _halves(advance)
    evidence = gather_evidence(predictions, projects, tags, language, first)
    changed = _find_changed(predictions, projects)
    return Suspicions(
        predictions,
        evidence,
        _Scorer(predictions, evidence).score(second),
        np.asarray(evidence.known & predictions.held_out),
        changed,
        int((~evidence.known).sum()),
        int(changed.nnz),
    )


def _halves(advance: "Advance") -> "tuple[Advance, Advance]":
    """Return what tells the progress of the evidence, and of the scores."""
    return lambda share: advance(share / 2), lambda share: advance(0.5 + share / 2)


def _find_changed(predictions: Predictions, projects: Mapping[str, Project]) -> "Stored":
    """Return CSR of True where the data has another label than the version saw."""
    from scipy import sparse

    column = {tag: index for index, tag in enumerate(predictions.tags)}
    ends, columns = [0], []
    truth = as_csr(predictions.y_true)
    starts, before = truth.indptr.tolist(), truth.indices.tolist()
    for row, one in enumerate(predictions.ids):
        project = projects.get(one)
        if project is not None:
            now = {column[tag] for tag in project.tags if tag in column}
            columns += sorted(now.symmetric_difference(before[starts[row] : starts[row + 1]]))
        ends.append(len(columns))
    return sparse.csr_array(
        (np.ones(len(columns), bool), np.array(columns, np.int32), np.array(ends)),
        shape=predictions.y_true.shape,
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
    rows = rows[found.open_rows[rows]]
    column = None if tag is None else column_of(predictions, tag)
    values = found.score if rank == "evidence" else predictions.y_prob
    parts = []
    for block in row_blocks(len(rows), len(predictions.tags), _CELLS):
        chosen, which = _pairs_of(found, kind == "wrong", rows[block], column)
        score = values_at(values, chosen, which)
        keys = -score if kind == "missing" else score
        parts.append(_first_of(keys, chosen, which))
        if len(parts) > 1 and sum(len(part[0]) for part in parts) > 2 * MOST_RANKED:
            parts = [_first_of(*_joined(parts))]
    keys, chosen, which = _first_of(*_joined(parts))
    order = np.argsort(keys, kind="stable")
    return np.stack([chosen[order], which[order]], axis=1)


_Ranked = tuple[Array, Integers, Integers]
"""What pairs are ordered by, their rows and their columns."""


def _joined(parts: Sequence[_Ranked]) -> _Ranked:
    nothing = np.zeros(0), np.zeros(0, np.intp), np.zeros(0, np.intp)
    keys, rows, columns = (np.concatenate(part) for part in zip(*(parts or [nothing]), strict=True))
    return keys, rows, columns


def _first_of(keys: Array, rows: Integers, columns: Integers) -> _Ranked:
    """Keep those that a queue may hold, in their order."""
    if len(keys) <= MOST_RANKED:
        return keys, rows, columns
    first = np.sort(np.argpartition(keys, MOST_RANKED)[:MOST_RANKED])
    return keys[first], rows[first], columns[first]


def _pairs_of(
    found: Suspicions, carried: bool, rows: Integers, column: int | None
) -> tuple[Integers, Integers]:
    """Return the open pairs of a queue in these rows, of one tag or of all: rows and columns."""
    truth = found.predictions.y_true
    if is_sparse(found.score):
        part = found.score[rows]
        chosen = rows[np.repeat(np.arange(len(rows)), np.diff(part.indptr))]
        which = np.asarray(part.indices, np.intp)
        wanted = (values_at(truth, chosen, which) == carried) & ~values_at(
            found.changed, chosen, which
        )
        if column is not None:
            wanted &= which == column
        return chosen[wanted], which[wanted]
    columns = np.arange(truth.shape[1]) if column is None else np.array([column])
    labels, closed = (as_dense(part[rows][:, columns]) for part in (truth, found.changed))
    chosen, which = np.nonzero((labels == carried) & ~closed)
    return rows[chosen], columns[which]


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
    issues = []
    for row, column in np.asarray(pairs, dtype=np.intp).reshape(-1, 2).tolist():
        project, tag = projects[predictions.ids[row]], predictions.tags[column]
        near = zip(evidence.neighbours[row].tolist(), evidence.likeness[row].tolist(), strict=True)
        own = predictions.tags_of(row)
        issues.append(
            LabelIssue(
                id=project.id,
                tag=tag,
                kind=KINDS[tag in own],
                split=str(predictions.split[row]),
                probability=float(predictions.y_prob[row, column]),
                held_out=bool(predictions.held_out[row]),
                score=float(found.score[row, column]),
                named=name_found(project.text, tag, tags, language),
                along=tags_along(predictions, projects, row, tag),
                neighbour_share=evidence.at(row, column)[1],
                neighbours=tuple(
                    Neighbour(predictions.ids[other], predictions.tags_of(other), likeness)
                    for other, likeness in near
                    if likeness > 0
                ),
                y_true=own,
                title=project.title,
                description=project.description,
            )
        )
    return tuple(issues)


class _Scorer:
    """Learns how much each kind of evidence weighs, and scores pairs by it, block by block.

    Features of a pair: the log-odds of its probability, `named`, `share` and `along`. Weights are
    learned from four fifths of the projects, and score the other fifth.
    """

    def __init__(self, predictions: Predictions, evidence: "Evidence") -> None:
        from tagifai.label_errors.evidence import FOLDS

        self.predictions = predictions
        self.evidence = evidence
        self.num_folds = FOLDS
        n = len(predictions.ids)
        # The weight of a probability from a model that saw the project says nothing of the others.
        self.usable = predictions.held_out
        self.shuffled = np.random.default_rng(0).permutation(n)
        self.fold = self.shuffled % FOLDS

    def score(self, advance: "Advance | None" = None) -> Matrix:
        """Score every pair; of CSR predictions, those that `Suspicions.score` stores."""
        pairs = self._gather()
        first = self._fit_each(pairs, np.ones(len(pairs.truth), bool))
        suspicion = self._apply(first, pairs)
        odd = np.where(pairs.truth, suspicion < _WRONG_BELOW, suspicion > _MISSING_ABOVE)
        models = self._fit_each(pairs, ~odd)
        shape = self.predictions.y_prob.shape
        if not self.predictions.is_sparse:
            score = np.empty(shape)
            for rows, found in self._blocks(models, advance):
                score[rows] = found
            return score
        return self._most_suspicious(models, advance)

    def _learned(self, part: int) -> Integers:
        """Return the projects that the weights of a fold are learned from."""
        rows = np.flatnonzero((self.fold != part) & self.usable)
        return rows[np.argsort(self.shuffled[rows])][:_LEARN_FROM]

    def _gather(self) -> "_Learned":
        """Gather the pairs that weights are learned from, in the order of the shuffled projects."""
        every = np.unique(np.concatenate([self._learned(part) for part in range(self.num_folds)]))
        every = every[np.argsort(self.shuffled[every])]
        num_tags = len(self.predictions.tags)
        rate = 1.0
        if len(every) * num_tags > _LEARN_PAIRS:
            rate = _LEARN_SAMPLE / (len(every) * num_tags)
        rng = np.random.default_rng(1)
        parts = []
        for block in row_blocks(len(every), num_tags, _CELLS):
            rows = every[block]
            features, truth = self._features(rows)
            taken = truth | (rng.random(truth.shape) < rate) if rate < 1 else truth | True
            place, column = np.nonzero(taken)
            weight = np.where(truth[place, column], 1.0, 1 / rate)
            parts.append((features[place, column], truth[place, column], weight, rows[place]))
        return _Learned(*(np.concatenate(part) for part in zip(*parts, strict=True)))

    def _features(self, rows: Integers) -> tuple[Array, Booleans]:
        """Return the features of all pairs of some projects, (n, n_tags, 4), and their labels."""
        from scipy.special import logit

        prob = as_dense(self.predictions.y_prob[rows]).astype(float)
        return (
            np.stack([logit(np.clip(prob, 1e-3, 1 - 1e-3)), *self.evidence.of(rows)], axis=-1),
            as_dense(self.predictions.y_true[rows]).astype(bool),
        )

    def _fit_each(self, pairs: "_Learned", chosen: Booleans) -> "list[Floats | None]":
        """Learn intercept and weights for each fold; None where there is one kind of label."""
        from sklearn.linear_model import LogisticRegression

        found: list[Floats | None] = []
        for part in range(self.num_folds):
            use = np.isin(pairs.rows, self._learned(part)) & chosen
            if len(np.unique(pairs.truth[use])) < 2:
                found.append(None)
                continue
            # Few features of many pairs: Newton's method takes a tenth of the time.
            model = LogisticRegression(solver="newton-cholesky", max_iter=500).fit(
                pairs.features[use], pairs.truth[use].astype(np.int64), pairs.weight[use]
            )
            found.append(np.concatenate([model.intercept_, model.coef_[0]]))
        return found

    def _apply(self, models: "list[Floats | None]", pairs: "_Learned") -> Floats:
        """Score the learned pairs, each by the weights of its own fold."""
        from scipy.special import expit

        # The first feature is the log-odds of the probability itself.
        found = expit(pairs.features[:, 0])
        for part, model in enumerate(models):
            here = self.fold[pairs.rows] == part
            if model is not None:
                found[here] = expit(model[0] + pairs.features[here] @ model[1:])
        return np.asarray(found)

    def _blocks(
        self, models: "list[Floats | None]", advance: "Advance | None"
    ) -> Iterator[tuple[Integers, Floats]]:
        """Yield blocks of projects with the scores of all their pairs."""
        from scipy.special import expit

        n, num_tags = self.predictions.y_prob.shape
        done = 0
        for part, model in enumerate(models):
            every = np.flatnonzero(self.fold == part)
            for block in row_blocks(len(every), num_tags, _CELLS):
                rows = every[block]
                if model is None:
                    yield rows, as_dense(self.predictions.y_prob[rows]).astype(float)
                else:
                    features, _ = self._features(rows)
                    yield rows, expit(model[0] + features @ model[1:])
                done += len(rows)
                if advance is not None:
                    advance(done / n)

    def _most_suspicious(
        self, models: "list[Floats | None]", advance: "Advance | None"
    ) -> "Stored":
        """Score the labels of each project, and keep its most suspicious other tags."""
        from scipy import sparse

        shape = self.predictions.y_prob.shape
        most = min(_MOST_MISSING, shape[1])
        parts = []
        for rows, score in self._blocks(models, advance):
            truth = as_dense(self.predictions.y_true[rows]).astype(bool)
            others = np.where(truth, -1, score)
            top = np.argpartition(-others, most - 1, axis=1)[:, :most]
            kept = truth.copy()
            np.put_along_axis(kept, top, True, axis=1)
            place, columns = np.nonzero(kept)
            parts.append((score[place, columns], rows[place], columns))
        values, rows, columns = (np.concatenate(part) for part in zip(*parts, strict=True))
        return sparse.coo_array((values, (rows, columns)), shape=shape).tocsr()


@dataclass(frozen=True, slots=True, eq=False)
class _Learned:
    """Pairs that weights are learned from, (n_pairs,) each.

    Attributes
    ----------
    features : array of shape (n_pairs, 4)
        Of each pair.
    truth : bool array
        Whether the project has the tag.
    weight : array
        How many pairs of its kind each stands for.
    rows : int array
        The project of each.
    """

    features: Floats
    truth: Booleans
    weight: Floats
    rows: Integers
