import json

import pytest

from tagifai.data import Project
from tagifai.errors import TagifaiError
from tagifai.predictions import Predictions
from tagifai.reviews import ReviewStore
from tagifai.reviews.events import Review
from tagifai.reviews.files import FORMATS, export_reviews, import_reviews, parse_reviews
from tagifai.reviews.tasks import build_tasks, label_studio_config

NOW = "2026-02-02T00:00:00.000000Z"
PROJECTS = {
    "7": Project("7", "Cats", "seen", ("cv",)),
    "8": Project("8", "Words", "read", ("nlp",)),
}


def review(number, project, tag, decision, note="", undoes="", reviewer="ann"):
    at = f"2026-01-01T00:00:{number:02}.000000Z"
    return Review(
        f"u{number}", at, reviewer, project, tag, decision, note, "v1", "digest", undoes=undoes
    )


REVIEWS = (
    review(1, "7", "nlp", "add", '=HYPERLINK("x")'),
    review(2, "7", "cv", "right", "two\r\nlines, \"quoted\" 'and' \uff1d 😀"),
    review(3, "gone", "cv", "remove", "'=kept", reviewer="-bob"),
    review(4, "8", "nlp", "skip", "\t\u2028 "),
    review(5, "7", "nlp", "undo", undoes="u1"),
)


def tasks(reviews=REVIEWS, **given):
    return build_tasks(
        reviews, PROJECTS, ("cv", "nlp"), version="v1", data_digest="digest", **given
    )


@pytest.mark.parametrize("kind", FORMATS)
def test_the_round_trip_is_lossless(kind):
    content = export_reviews(REVIEWS, kind, tasks()).encode()
    parsed = parse_reviews(content, kind, now=NOW)
    assert sorted(parsed, key=lambda r: r.uid) == list(REVIEWS)


@pytest.mark.parametrize("kind", FORMATS)
def test_no_review_is_a_file_too(kind):
    assert parse_reviews(export_reviews((), kind).encode(), kind) == ()


def test_no_cell_of_the_csv_is_a_formula():
    text = export_reviews(REVIEWS, "csv")
    assert "'=HYPERLINK" in text
    assert ",'-bob," in text


def test_label_studio_tasks_carry_text_and_predictions():
    predictions = Predictions.of(["7"], ["test"], ["cv", "nlp"], [[1, 0]], [[0.875, 0.25]])
    (task,) = json.loads(
        export_reviews(
            (),
            "label-studio",
            tasks(
                (),
                asked=[("7", "nlp")],
                predictions=predictions,
                thresholds={"cv": 0.5, "nlp": 0.5},
            ),
        )
    )
    assert task["data"]["text"] == "Cats seen"
    (prediction,) = task["predictions"]
    assert (prediction["score"], prediction["model_version"]) == (0.875, "v1")
    assert prediction["result"][0]["value"] == {"choices": ["cv"]}


def annotated(chosen, **given):
    exported = json.loads(export_reviews((), "label-studio", tasks((), asked=[("7", "nlp")])))
    exported[0]["annotations"] = [
        {
            "id": 5,
            "unique_id": "abc",
            "completed_by": {"id": 1, "email": "eve@example.org"},
            "updated_at": "2026-01-05T12:00:00+02:00",
            "was_cancelled": False,
            "result": [{"from_name": "tags", "to_name": "text", "value": {"choices": chosen}}],
            **given,
        }
    ]
    return json.dumps(exported).encode()


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (["cv", "nlp"], [("nlp", "add")]),
        (["cv"], [("nlp", "right")]),
        (["nlp"], [("cv", "remove"), ("nlp", "add")]),
        ([], [("cv", "remove"), ("nlp", "right")]),
    ],
)
def test_what_annotators_chose_in_label_studio_comes_back(chosen, expected):
    found = parse_reviews(annotated(chosen), "label-studio", now=NOW)
    assert [(r.tag, r.decision) for r in found] == expected
    assert {(r.reviewer, r.at, r.data_digest) for r in found} == {
        ("eve@example.org", "2026-01-05T10:00:00.000000Z", "digest")
    }


def test_a_task_skipped_in_label_studio_is_a_skip():
    content = annotated([], was_cancelled=True, completed_by=3)
    (found,) = parse_reviews(content, "label-studio", now=NOW)
    assert (found.tag, found.decision, found.reviewer) == ("nlp", "skip", "label-studio:3")


def test_argilla_responses_come_back():
    records = json.loads(export_reviews((), "argilla", tasks((), asked=[("7", "nlp")])))
    records[0]["responses"] = {"tags": [{"value": ["cv", "nlp"], "user_id": "eve"}]}
    (found,) = parse_reviews(json.dumps(records).encode(), "argilla", now=NOW)
    assert (found.tag, found.decision, found.reviewer, found.at) == (
        "nlp",
        "add",
        "argilla:eve",
        NOW,
    )


def test_importing_twice_adds_nothing(tmp_path):
    store = ReviewStore(tmp_path / "r.sqlite")
    parsed = [parse_reviews(annotated(["cv", "nlp"]), "label-studio") for _ in range(2)]
    first, second = (import_reviews(store, reviews, PROJECTS, "digest") for reviews in parsed)
    assert (first.num_new, first.num_known) == (1, 0)
    assert (second.num_new, second.num_known) == (0, 1)


def test_reviews_of_other_data_are_counted(tmp_path):
    store = ReviewStore(tmp_path / "r.sqlite")
    found = import_reviews(store, REVIEWS, PROJECTS, "another digest")
    assert (found.num_new, found.num_other_data, found.num_unknown) == (5, 5, 1)


def test_reviews_of_another_data_set_altogether_are_refused(tmp_path):
    store = ReviewStore(tmp_path / "r.sqlite")
    with pytest.raises(TagifaiError, match="of another data set: none of their projects"):
        import_reviews(store, REVIEWS, {"x": Project("x", "", "", ())})
    assert store.events() == ()


def test_the_label_studio_interface_escapes_tags():
    assert '<Choice value="a&lt;b&amp;c"/>' in label_studio_config(["a<b&c"])


@pytest.mark.parametrize(
    ("content", "kind", "message"),
    [
        (b'{"uid": "u"}', "jsonl", "f: row 1: review, at: missing"),
        (b"\n[1]", "jsonl", "f: row 2: not as jsonl writes it"),
        (b"nonsense", "jsonl", "f: row 1: not JSON"),
        (b"a,b\r\n", "csv", "f: the header uid,at,reviewer"),
        (b"{}", "argilla", "f: a list of objects is needed"),
        (b'[{"id": 1}]', "argilla", "f: row 1: a record that tagifai did not write"),
        (b'[{"data": {"text": ""}}]', "label-studio", "f: row 1: a task that tagifai did not"),
        (b'[{"text": ""}]', "label-studio", "f: row 1: not as label-studio writes it"),
        (b"\xff", "csv", "f: not UTF-8 text"),
        (b"", "xml", "unknown format of reviews 'xml'"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_row_by_row(content, kind, message):
    with pytest.raises(TagifaiError, match=message):
        parse_reviews(content, kind, "f")
