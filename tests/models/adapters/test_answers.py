import math

import pytest

from tagifai.models.adapters.answers import (
    Token,
    find_list,
    read_booleans,
    read_logprobs,
)

CONTENT = '{"a": true, "b\\"c": false}'
TAGS = ["a", 'b"c']


def tokens(*parts):
    """Place tokens one after the other, each with what might have come instead."""
    placed, start = [], 0
    for text, alternatives in parts:
        shares = {token: math.log(share) for token, share in alternatives.items()}
        placed.append(Token(start, text, shares))
        start += len(text)
    return placed


def test_without_tokens_answers_are_decisions():
    assert read_booleans(CONTENT, TAGS) == [1.0, 0.0]
    assert read_booleans(CONTENT, ["a"]) == [1.0]


@pytest.mark.parametrize(
    ("alternatives", "expected"),
    [
        ({" true": 0.6, " false": 0.2}, 0.75),
        ({" true": 0.6, "true": 0.1, " True": 0.05, " false": 0.25}, 0.75),
        ({" t": 0.6, " f": 0.2, " fal": 0.2}, 0.6),
        ({" true": 0.9}, 0.9),
        ({" false": 0.9}, 0.1),
        ({" maybe": 0.9}, 1.0),  # neither: as decided
        ({" true": 0.9, "": 0.05, " ": 0.05}, 0.9),
    ],
)
def test_the_share_of_true_where_the_value_starts(alternatives, expected):
    made = tokens(('{"a":', {}), (" true", alternatives), (', "b\\"c": false}', {}))
    assert read_booleans(CONTENT, TAGS, made)[0] == pytest.approx(expected)


def test_a_value_within_a_longer_token_is_found():
    made = tokens(
        ('{"a"', {}), (": true,", {": true,": 0.5, ": false,": 0.5}), (' "b\\"c": false}', {})
    )
    assert read_booleans(CONTENT, TAGS, made)[0] == pytest.approx(0.5)


def test_tokens_that_are_not_the_answer_say_nothing():
    row = {"token": "x", "logprob": -1.0, "top_logprobs": []}
    assert read_logprobs({"content": [row]}, "y") == []
    assert len(read_logprobs({"content": [row]}, "x")) == 1
    for broken in (None, 3, {"content": [{}]}, {"tokens": ["x"]}, {"tokens": None}, {"content": 1}):
        assert read_logprobs(broken, "x") == []


@pytest.mark.parametrize(
    "content", ["", "cv", "[]", '{"a": true}', '{"a": 1, "b\\"c": 0}', "{" * 9999]
)
def test_other_answers_are_none(content):
    assert read_booleans(content, TAGS) is None


@pytest.mark.parametrize(
    "content",
    [
        "Here it is:\n" + CONTENT + "\nAnything else?",
        '<think>{"a": false} or so</think>' + CONTENT,
        f"```json\n{CONTENT}\n```",
        f"Sure!\n```\n{CONTENT}\n```\n",
    ],
)
def test_an_answer_with_something_around_it(content):
    assert read_booleans(content, TAGS) == [1.0, 0.0]
    start = content.rfind(CONTENT)
    made = tokens((content[: start + 5], {}), (" true", {" true": 0.6, " false": 0.2}))
    assert read_booleans(content, TAGS, made)[0] == pytest.approx(0.75)


def test_lists():
    assert find_list('{"cv": true, "nlp": false}', ["cv", "nlp"]) == {"cv"}
    assert find_list("<think>nlp?</think>\ncv", ["cv", "nlp"]) == {"cv"}
    assert find_list('They are ["cv"].', ["cv", "nlp"]) == {"cv"}
    assert find_list("", ["cv"]) is None
    assert find_list("The tags are cv", ["cv"]) is None
    assert find_list('```\n["CV"]\n```', ["cv"]) == {"cv"}
    assert find_list("[3]", ["cv"]) is None
