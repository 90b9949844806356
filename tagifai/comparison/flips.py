"""Which decisions a newer version fixed, which it broke, and which stayed wrong."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tagifai.arrays import Integers, Sparse
from tagifai.comparison.results import Flip, Flips, TagFlips
from tagifai.errors import one_of
from tagifai.matrices import values_at
from tagifai.predictions import DEFAULT_THRESHOLD, Predictions, decide, threshold_array

KINDS = ("broke", "fixed", "both wrong")
# Decisions are made in blocks of tags: those of all at once would take as much as the data.
_BLOCK_CELLS = 4_000_000


@dataclass(frozen=True, eq=False)
class Shared:
    """Two versions' decisions on the test projects and tags that both have.

    Attributes
    ----------
    ids, tags : tuple of str
        The n projects and t tags, in B's order.
    y_true, pred_a, pred_b : scipy.sparse.csc_matrix of shape (n, t)
        Truth (B's) and decisions, of 0 and 1.
    relabelled : int
        Pairs whose truth differs.
    """

    ids: tuple[str, ...]
    tags: tuple[str, ...]
    y_true: Sparse
    pred_a: Sparse
    pred_b: Sparse
    relabelled: int

    @cached_property
    def kinds(self) -> dict[str, Sparse]:
        """Mark by kind which pairs are of it."""
        wrong_a, wrong_b = _differ(self.pred_a, self.y_true), _differ(self.pred_b, self.y_true)
        both = wrong_a.multiply(wrong_b).tocsc()
        return {"broke": wrong_b - both, "fixed": wrong_a - both, "both wrong": both}

    @cached_property
    def support(self) -> NDArray[np.int64]:
        """Count each tag's positives."""
        return np.asarray(self.y_true.sum(axis=0)).ravel().astype(np.int64)


def share(
    predictions_a: Predictions,
    thresholds_a: Mapping[str, float],
    predictions_b: Predictions,
    thresholds_b: Mapping[str, float],
) -> Shared:
    """Line up what both versions have in their test splits, in B's order."""
    in_a = {predictions_a.ids[row]: row for row in predictions_a.rows_by_split["test"]}
    rows_b = [row for row in predictions_b.rows_by_split["test"] if predictions_b.ids[row] in in_a]
    ids = tuple(predictions_b.ids[row] for row in rows_b)
    known = set(predictions_a.tags)
    tags = tuple(tag for tag in predictions_b.tags if tag in known)
    truth_a, pred_a = decide_sparse(predictions_a, thresholds_a, [in_a[one] for one in ids], tags)
    truth_b, pred_b = decide_sparse(predictions_b, thresholds_b, rows_b, tags)
    return Shared(ids, tags, truth_b, pred_a, pred_b, int(_differ(truth_a, truth_b).sum()))


def select_flips(
    predictions_a: Predictions,
    thresholds_a: Mapping[str, float],
    predictions_b: Predictions,
    thresholds_b: Mapping[str, float],
    tag: str | None = None,
) -> list[Flip]:
    """List the (project, tag) pairs of shared test projects that either version gets wrong.

    By kind, "broke" (only B is wrong), "fixed" (only A is), "both wrong", and in each the
    largest change of probability first.

    Raises
    ------
    TagifaiError
        Not both versions know `tag`.
    """
    shared = share(predictions_a, thresholds_a, predictions_b, thresholds_b)
    if tag is not None and tag not in shared.tags:
        raise one_of("tag", tag, shared.tags)
    chosen = range(len(shared.tags)) if tag is None else [shared.tags.index(tag)]
    flips: list[Flip] = []
    for kind, pairs in shared.kinds.items():
        rows, places = (part.astype(np.intp) for part in pairs[:, chosen].nonzero())
        columns = np.array(chosen, dtype=np.intp)[places]
        before = _probabilities(predictions_a, shared, rows, columns)
        after = _probabilities(predictions_b, shared, rows, columns)
        truth = np.asarray(shared.y_true[rows, columns]).ravel()
        for place in np.lexsort((columns, rows, -np.abs(after - before))):
            row, column = rows[place], columns[place]
            flips.append(
                Flip(
                    shared.ids[row],
                    shared.tags[column],
                    kind,
                    int(truth[place]),
                    float(before[place]),
                    float(after[place]),
                )
            )
    return flips


def count_flips(shared: Shared) -> Flips:
    """Count pairs by kind, overall and by tag, with the negative-flip rate.

    The negative-flip rate is the share of all pairs that A had right and B has wrong (Yan et
    al. 2021, Positive-Congruent Training, arXiv 2011.09161). Since most pairs are easy
    negatives, "broke" itself is beside it. Tags with the most broken pairs come first.
    """
    n = len(shared.ids)
    broke, fixed, both = (
        np.asarray(shared.kinds[kind].sum(axis=0)).ravel().astype(int).tolist() for kind in KINDS
    )
    by_tag = [
        TagFlips(tag, new, old, same, n, new / n if n else None, int(support))
        for tag, new, old, same, support in zip(
            shared.tags, broke, fixed, both, shared.support, strict=True
        )
    ]
    by_tag.sort(key=lambda row: (-row.broke, -row.fixed, row.tag))
    pairs = n * len(shared.tags)
    return Flips(
        sum(broke),
        sum(fixed),
        sum(both),
        pairs,
        sum(broke) / pairs if pairs else None,
        tuple(by_tag),
    )


def decide_sparse(
    predictions: Predictions,
    thresholds: Mapping[str, float],
    rows: Sequence[int] | Integers,
    tags: Sequence[str],
) -> tuple[Sparse, Sparse]:
    """Return truth and decisions of these rows and tags, as sparse matrices of 0 and 1."""
    from scipy import sparse

    column_of = {tag: column for column, tag in enumerate(predictions.tags)}
    columns = np.array([column_of[tag] for tag in tags], dtype=np.intp)
    given = {tag: thresholds.get(tag, DEFAULT_THRESHOLD) for tag in tags}
    least = threshold_array(tags, given)
    chosen = np.asarray(rows, dtype=np.intp)
    if predictions.is_sparse:
        true, prob = (part[chosen][:, columns] for part in (predictions.y_true, predictions.y_prob))
        reached = decide(prob, least)
        return (
            sparse.csc_matrix(true, dtype=np.int8),
            sparse.csc_matrix(reached, dtype=np.int8),
        )
    truth, decided = [], []
    for block in _blocks(len(tags), len(chosen)):
        cells = np.ix_(chosen, columns[block])
        truth.append(sparse.csc_matrix(predictions.y_true[cells], dtype=np.int8))
        reached = decide(predictions.y_prob[cells], least[block])
        decided.append(sparse.csc_matrix(reached, dtype=np.int8))
    if not truth:
        nothing = sparse.csc_matrix((len(chosen), 0), dtype=np.int8)
        return nothing, nothing
    return sparse.hstack(truth, format="csc"), sparse.hstack(decided, format="csc")


def _blocks(number: int, rows: int) -> Iterator[slice]:
    width = max(1, _BLOCK_CELLS // max(rows, 1))
    for start in range(0, number, width):
        yield slice(start, min(start + width, number))


def _differ(first: Sparse, second: Sparse) -> Sparse:
    return (first != second).tocsc().astype(np.int8)


def _probabilities(
    predictions: Predictions,
    shared: Shared,
    rows: Integers,
    columns: Integers,
) -> NDArray[np.float32]:
    own_rows = np.array([predictions.row_of[one] for one in shared.ids], dtype=np.intp)
    column_of = {tag: column for column, tag in enumerate(predictions.tags)}
    own_columns = np.array([column_of[tag] for tag in shared.tags], dtype=np.intp)
    return values_at(predictions.y_prob, own_rows[rows], own_columns[columns])
