"""Which decisions a newer version fixed, which it broke, and which stayed wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tagifai.errors import one_of
from tagifai.predictions import Predictions

KINDS = ("broke", "fixed", "both wrong")


@dataclass(frozen=True, eq=False)
class Shared:
    """Two versions' decisions on the test projects and tags that both have.

    All arrays are (n, t): `y_true`, `pred_a`, `pred_b` of 0 and 1, `prob_a`, `prob_b`.
    `relabelled` counts the pairs whose truth differs; `y_true` is then that of B.
    """

    ids: tuple[str, ...]
    tags: tuple[str, ...]
    y_true: NDArray[np.uint8]
    prob_a: NDArray[np.float32]
    prob_b: NDArray[np.float32]
    pred_a: NDArray[np.uint8]
    pred_b: NDArray[np.uint8]
    relabelled: int

    def kinds(self) -> dict[str, NDArray[np.bool_]]:
        """Tell by kind which pairs are of it."""
        right_a, right_b = self.pred_a == self.y_true, self.pred_b == self.y_true
        return {
            "broke": right_a & ~right_b,
            "fixed": ~right_a & right_b,
            "both wrong": ~right_a & ~right_b,
        }


def share(
    predictions_a: Predictions,
    thresholds_a: Mapping[str, float],
    predictions_b: Predictions,
    thresholds_b: Mapping[str, float],
) -> Shared:
    """Line up what both versions have in their test splits, in B's order."""
    test_a, test_b = predictions_a.select("test"), predictions_b.select("test")
    ids = tuple(one for one in test_b.ids if one in test_a.row_of)
    known = set(test_a.tags)
    tags = tuple(tag for tag in test_b.tags if tag in known)
    truth_a, prob_a, pred_a = _lined_up(test_a, thresholds_a, ids, tags)
    truth_b, prob_b, pred_b = _lined_up(test_b, thresholds_b, ids, tags)
    relabelled = int((truth_a != truth_b).sum())
    return Shared(ids, tags, truth_b, prob_a, prob_b, pred_a, pred_b, relabelled)


def select_flips(
    predictions_a: Predictions,
    thresholds_a: Mapping[str, float],
    predictions_b: Predictions,
    thresholds_b: Mapping[str, float],
    tag: str | None = None,
) -> list[dict[str, Any]]:
    """List the (project, tag) pairs of shared test projects that either version gets wrong.

    Records {id, tag, kind, y_true, prob_a, prob_b}; kind is "broke" (only B is wrong), "fixed"
    (only A is) or "both wrong"; in that order, the largest change of probability first.

    Raises:
        TagifaiError: not both versions know `tag`.
    """
    shared = share(predictions_a, thresholds_a, predictions_b, thresholds_b)
    if tag is not None and tag not in shared.tags:
        raise one_of("tag", tag, shared.tags)
    chosen = np.array([tag is None or tag == name for name in shared.tags], dtype=bool)
    records = []
    for kind, pairs in shared.kinds().items():
        rows, columns = np.nonzero(pairs & chosen)
        change = np.abs(shared.prob_b[rows, columns] - shared.prob_a[rows, columns])
        for place in np.argsort(-change, kind="stable"):
            row, column = rows[place], columns[place]
            records.append(
                {
                    "id": shared.ids[row],
                    "tag": shared.tags[column],
                    "kind": kind,
                    "y_true": int(shared.y_true[row, column]),
                    "prob_a": float(shared.prob_a[row, column]),
                    "prob_b": float(shared.prob_b[row, column]),
                }
            )
    return records


def count_flips(shared: Shared) -> dict[str, Any]:
    """Count pairs by kind, overall and by tag, with the negative-flip rate.

    The negative-flip rate is the share of all pairs that A had right and B has wrong (Yan et
    al. 2021, Positive-Congruent Training, arXiv 2011.09161). Since most pairs are easy
    negatives, "broke" itself is beside it. Tags with the most broken pairs come first.
    """
    kinds = shared.kinds()
    by_tag = [
        {
            "tag": tag,
            **_rates({kind: pairs[:, column] for kind, pairs in kinds.items()}),
            "support": int(shared.y_true[:, column].sum()),
        }
        for column, tag in enumerate(shared.tags)
    ]
    by_tag.sort(key=lambda row: (-row["broke"], -row["fixed"], row["tag"]))
    return {**_rates(kinds), "by_tag": by_tag}


def _rates(kinds: Mapping[str, NDArray[np.bool_]]) -> dict[str, Any]:
    counts = {kind.replace(" ", "_"): int(pairs.sum()) for kind, pairs in kinds.items()}
    pairs = kinds["broke"].size
    rate = counts["broke"] / pairs if pairs else None
    return {**counts, "pairs": pairs, "negative_flip_rate": rate}


def _lined_up(
    test: Predictions,
    thresholds: Mapping[str, float],
    ids: tuple[str, ...],
    tags: tuple[str, ...],
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.uint8]]:
    column_of = {tag: column for column, tag in enumerate(test.tags)}
    columns = [column_of[tag] for tag in tags]
    cells = np.ix_([test.row_of[one] for one in ids], columns)
    return test.y_true[cells], test.y_prob[cells], test.decide(thresholds)[cells]
