"""Which tags are predicted instead of, or along with, another: errors that come together.

With many labels per project there is no single "predicted class"; what can be counted is which
outcomes of two tags fall on the same project.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tagifai import matrices
from tagifai.errors import TagifaiError, one_of
from tagifai.matrices import Matrix, as_dense, is_sparse
from tagifai.predictions import Predictions, decide, threshold_array
from tagifai.selection import Array, column_in, column_of, rows_of

# What the chosen tag and the other one are on a project.
KINDS = {
    "instead": ("fn", "fp"),
    "along": ("tp", "fp"),
    "in place of": ("fp", "fn"),
    "missed with": ("fn", "fn"),
}
KIND_MEANS = {
    "instead": "the chosen tag is missed, the other is wrongly predicted",
    "along": "the chosen tag is right, the other is wrongly predicted with it",
    "in place of": "the chosen tag is wrongly predicted, the other is missed",
    "missed with": "both are there and both are missed",
}


@dataclass(frozen=True, slots=True)
class Confusion:
    """How the errors of another tag fall together with those of the chosen one.

    Attributes
    ----------
    tag : str
        The other tag.
    counts : mapping
        Number of projects by kind of `KINDS`.
    """

    tag: str
    counts: Mapping[str, int]

    @property
    def total(self) -> int:
        """Return the number of projects of all kinds."""
        return sum(self.counts.values())


def confusion_matrix(
    predictions: Predictions,
    thresholds: Mapping[str, float],
    split: str = "test",
    kind: str = "instead",
) -> Array:
    """Count the projects of each pair of tags, int64 (n_tags, n_tags), the diagonal 0.

    Cell [t, u] counts the projects where tag t has the first outcome of `KINDS[kind]` and
    tag u the second: for "instead", t is missed and u wrongly predicted.

    Raises
    ------
    TagifaiError
        An unknown split or kind, or a tag without a threshold.
    """
    if kind not in KINDS:
        raise one_of("kind of confusion", kind, KINDS)
    rows = rows_of(predictions, split)
    true = predictions.y_true[rows].astype(bool)
    cuts = threshold_array(predictions.tags, thresholds)
    predicted = decide(predictions.y_prob[rows], cuts)
    first, second = (_outcome(true, predicted, name) for name in KINDS[kind])
    # Counts stay whole in float32 up to 16 million projects, and the product is quick.
    counts = as_dense(first.T.astype(np.float32) @ second.astype(np.float32)).astype(np.int64)
    np.fill_diagonal(counts, 0)
    return counts


def confused_with(
    predictions: Predictions,
    thresholds: Mapping[str, float],
    tag: str,
    split: str = "test",
) -> list[Confusion]:
    """Count, for each other tag, how its errors fall together with those of `tag`.

    Tags without such an error are left out; most first, equals by name.
    """
    column_of(predictions, tag)
    rows = rows_of(predictions, split)
    cuts = threshold_array(predictions.tags, thresholds)
    chosen = predictions.tags.index(tag)
    true = predictions.y_true[rows].astype(bool)
    predicted = decide(predictions.y_prob[rows], cuts)
    labels, decisions = (matrices.column_of(part, chosen) for part in (true, predicted))
    counts = {}
    for kind, (first, second) in KINDS.items():
        mine = np.flatnonzero(_outcome(labels, decisions, first))
        counts[kind] = _outcome(true[mine], predicted[mine], second).sum(axis=0)
    found = [
        Confusion(other, {kind: int(values[column]) for kind, values in counts.items()})
        for column, other in enumerate(predictions.tags)
        if column != chosen
    ]
    return sorted((one for one in found if one.total), key=lambda one: (-one.total, one.tag))


def confused_ids(
    predictions: Predictions,
    thresholds: Mapping[str, float],
    tag: str,
    other: str,
    kind: str,
    split: str = "test",
) -> list[str]:
    """List the ids of the projects behind one cell, in the order of the predictions.

    Raises
    ------
    TagifaiError
        An unknown tag, kind or split, or the same tag twice.
    """
    if kind not in KINDS:
        raise one_of("kind of confusion", kind, KINDS)
    if tag == other:
        raise TagifaiError(f"choose two different tags, got {tag!r} twice")
    rows = rows_of(predictions, split)
    found = np.ones(len(rows), dtype=bool)
    for name, outcome in zip((tag, other), KINDS[kind], strict=True):
        true, prob = column_in(predictions, name, split)
        predicted = decide(prob, threshold_array([name], thresholds))
        found &= _outcome(true.astype(bool), predicted, outcome)
    return [predictions.ids[row] for row in rows[found]]


def _outcome(true: Matrix, predicted: Matrix, name: str) -> Matrix:
    """Return which pairs have an outcome: "tp", "fp" or "fn"."""
    if is_sparse(true) and is_sparse(predicted):
        labels, decisions = true.astype(np.int8), predicted.astype(np.int8)
        hits = labels.multiply(decisions).tocsr()
        found = {"tp": hits, "fp": decisions - hits, "fn": labels - hits}[name].astype(bool)
        found.eliminate_zeros()
        return found
    return (true if name in ("tp", "fn") else ~true) & (
        predicted if name in ("tp", "fp") else ~predicted
    )
