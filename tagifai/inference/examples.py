"""Choose texts to begin with from the test split: some that a version predicts well, some not."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tagifai.matrices import as_dense
from tagifai.predictions import Predictions, decide, threshold_array

MAX_LENGTH = 600
_CELLS = 10_000_000


@dataclass(frozen=True, slots=True)
class Example:
    """A text to begin with, and why it was chosen."""

    why: str
    text: str


def choose_examples(
    predictions: Predictions, thresholds: Mapping[str, float], texts: Mapping[str, str]
) -> list[Example]:
    """Choose the texts of up to five test projects, each project once.

    The surest right one, the surest extra tag, the likeliest missed tag, the shortest text, and
    the one with the most tags.

    Parameters
    ----------
    predictions, thresholds
        What a version predicts, and its threshold in [0, 1] for each tag.
    texts
        The text of each project, by id; those of more than 600 characters are left out.
    """
    usable = [
        row
        for row in np.flatnonzero(predictions.split == "test")
        if 0 < len(texts.get(predictions.ids[row], "")) <= MAX_LENGTH
    ]
    # A few thousand are enough to choose from.
    rows = np.array(usable[: max(100, _CELLS // max(1, len(predictions.tags)))], dtype=np.intp)
    if not len(rows):
        return []
    tags = predictions.tags
    y_true = as_dense(predictions.y_true[rows]).astype(bool)
    y_prob = as_dense(predictions.y_prob[rows])
    y_pred = decide(y_prob, threshold_array(tags, thresholds))
    right = (y_true == y_pred).all(axis=1) & y_pred.any(axis=1)
    least_sure = np.where(y_pred, y_prob, 1).min(axis=1, initial=1)
    extra, missed = np.where(y_pred & ~y_true, y_prob, -1), np.where(y_true & ~y_pred, y_prob, -1)
    lengths = np.array([len(texts[predictions.ids[row]]) for row in rows])
    wanted = [
        ("all right", np.where(right, least_sure, -1), None),
        ("a tag too many", extra.max(axis=1, initial=-1), extra),
        ("a tag missed", missed.max(axis=1, initial=-1), missed),
        ("few words", 1 / lengths, None),
        ("many tags", y_true.sum(axis=1), None),
    ]
    chosen: dict[int, str] = {}
    for why, score, by_tag in wanted:
        for k in np.argsort(-score, kind="stable"):
            if int(k) not in chosen:
                if score[k] >= 0:
                    named = f": {tags[int(by_tag[k].argmax())]}" if by_tag is not None else ""
                    chosen[int(k)] = why + named
                break
    return [Example(why, texts[predictions.ids[rows[k]]]) for k, why in chosen.items()]
