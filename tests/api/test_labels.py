import numpy as np
import pandas as pd
import pytest

import tagifai
from tagifai.errors import TagifaiError

TEXTS = [
    f"{word} number {row}"
    for row in range(30)
    for word in ("cats sleep at home", "dogs bark outside")
]
Y_TRUE = np.array([[1, 0], [0, 1]] * 30)
Y_PROB = Y_TRUE * 0.8 + 0.1
TAGS = ["cats", "dogs"]


def forget_one():
    wrong = Y_TRUE.copy()
    wrong[8, 0] = 0
    return wrong


def test_a_forgotten_label_is_the_first_suspicion():
    frame = tagifai.label_issues(TEXTS, forget_one(), Y_PROB, tags=TAGS)
    first = frame.iloc[0]
    assert (first["row"], first["tag"], first["kind"]) == (8, "cats", "missing")
    assert first["named"] == "cats"
    assert first["y_true"] == []
    assert first["text"] == TEXTS[8]
    assert set(frame["kind"]) == {"missing", "wrong"}
    assert "id" not in frame.columns


def test_a_wrong_label_is_found_with_its_id():
    wrong = Y_TRUE.copy()
    wrong[9, 0] = 1
    table = pd.DataFrame({"text": TEXTS, "key": [f"p{row}" for row in range(60)]})
    frame = tagifai.label_issues(
        "text", wrong, Y_PROB, tags=TAGS, ids="key", data=table, kind="wrong", most=3
    )
    assert len(frame) == 3
    assert frame.loc[0, ["id", "tag", "row"]].tolist() == ["p9", "cats", 9]


def test_the_probability_alone_can_rank():
    prob = Y_PROB.copy()
    prob[3, 0] = 0.97
    frame = tagifai.label_issues(TEXTS, Y_TRUE, prob, tags=TAGS, kind="missing", rank="probability")
    assert frame.loc[0, "row"] == 3
    assert frame["probability"].is_monotonic_decreasing


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "both"}, "unknown kind of label error 'both'"),
        ({"rank": "score"}, "unknown rank 'score'"),
        ({"most": 0}, "most: a whole number of 1 or more"),
        ({"language": "klingon"}, "unknown language"),
        ({"y_prob": Y_PROB[:5]}, r"y_prob: shape \(60, 2\) is needed"),
    ],
)
def test_what_does_not_fit(arguments, message):
    given = {"y_prob": Y_PROB, **arguments}
    with pytest.raises(TagifaiError, match=f"^{message}"):
        tagifai.label_issues(TEXTS, Y_TRUE, tags=TAGS, **given)
