import json

import pytest

from tagifai.errors import TagifaiError
from tagifai.store.parsing import (
    MAX_PARAMS,
    parse_info,
    parse_object,
    parse_params,
    parse_performance,
    parse_thresholds,
)


def packed(content):
    return json.dumps(content).encode()


def test_files_are_read_as_they_are():
    assert parse_object(b"\xef\xbb\xbf{}", "params.json") == {}
    assert parse_thresholds(packed({"cv": 1, "nlp": 0.25})) == {"cv": 1.0, "nlp": 0.25}
    info = {"out_of_fold": "no", "notes": "First.", "mine": [1]}
    assert parse_info(packed(info)) == info
    assert parse_info(b"{}") == {}


def test_a_performance_of_an_older_shape_is_brought_to_the_present_one():
    rows = {"f1": 0.5, "num_samples": 3}, {"f1": 1.0, "num_samples": 1}
    found = parse_performance(
        packed({
            "overall": {"f1": 0.5},
            "class": {"cv": {"precision": 0, "recall": 0, "f1": 0, "num_samples": 0}},
            "slices": {"short": rows[0], "long": rows[1]},
            "behavioral_report": {"score": 1},
        })
    )  # fmt: skip
    assert found["slices"] == {
        "class": {"short": rows[0], "long": rows[1]},
        "overall": {"f1": 0.625},
    }
    assert found["behavioral"] == {"score": 1, "results": {"passed": [], "failed": []}}
    assert found["class"]["cv"] == {
        "precision": None, "recall": None, "f1": None, "num_samples": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("parse", "content", "message"),
    [
        (parse_object, b"[1]", "an object is needed, got [1]"),
        (parse_object, b"{", "not JSON: "),
        (parse_info, b'{"out_of_fold": "maybe"}', "out_of_fold: one of "),
        (parse_info, b'{"out_of_fold": [1]}', "out_of_fold: one of "),
        (parse_thresholds, b'{"cv": 2}', "'cv': a number between 0 and 1 is needed, got 2"),
        (parse_thresholds, b'{"cv": true}', "'cv': a number between 0 and 1 is needed, got True"),
        (parse_thresholds, f'{{"cv": 1{"0" * 400}}}'.encode(), "not JSON: number is infinity"),
        (parse_performance, b"{}", "none of overall, class, slices, behavioral in it"),
        (parse_performance, b'{"class": {"cv": 1}}', "class.'cv': an object is needed, got 1"),
        (parse_performance, b'{"overall": {"f1": 2}}', "overall.f1: a number between 0 and 1"),
        (parse_performance, b'{"slices": {"class": []}}', "slices.class: an object is needed"),
        (parse_performance, b'{"behavioral": {"score": 2}}', "behavioral.score: a number between"),
        (
            parse_performance,
            b'{"behavioral": {"results": {"failed": 1}}}',
            "behavioral.results.failed: a list is needed, got 1",
        ),
    ],
)
def test_what_is_wrong_is_named_with_file_and_field(parse, content, message):
    with pytest.raises(TagifaiError) as caught:
        parse(content, "v1/file.json")
    assert str(caught.value).startswith(f"v1/file.json: {message}")


def test_parameters_have_a_limit():
    assert parse_params(b'{"lr": 0.1}') == {"lr": 0.1}
    with pytest.raises(TagifaiError, match=r"v1/params\.json: 1,000,001 bytes; at most 1,000,000"):
        parse_params(b" " * (MAX_PARAMS + 1), "v1/params.json")
