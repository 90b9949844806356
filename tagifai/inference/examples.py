"""Texts to begin with, chosen from the test part: where a version does well, and where not."""

from collections.abc import Mapping

import numpy as np

from tagifai.predictions import Predictions, decide, threshold_array

MAX_LENGTH = 600


def choose_examples(
    predictions: Predictions, thresholds: Mapping[str, float], texts: Mapping[str, str]
) -> list[dict[str, str]]:
    """Choose up to five test projects as {why, text}, each project once.

    A sure and right one, the surest tag too many, the likeliest tag missed, the shortest, the
    one with the most tags. `texts` are by project; those over 600 characters are left out.
    """
    usable = [
        row
        for row in np.flatnonzero(predictions.split == "test")
        if 0 < len(texts.get(predictions.ids[row], "")) <= MAX_LENGTH
    ]
    rows = np.array(usable, dtype=np.intp)
    if not len(rows):
        return []
    tags = predictions.tags
    y_true, y_prob = predictions.y_true[rows].astype(bool), predictions.y_prob[rows]
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
    return [{"why": why, "text": texts[predictions.ids[rows[k]]]} for k, why in chosen.items()]
