import json
from xml.etree import ElementTree

import pytest

from tagifai.data import Project
from tagifai.errors import TagifaiError
from tagifai.predictions import Predictions
from tagifai.reviews.files import FORMATS, export_reviews, read_reviews
from tagifai.reviews.tasks import build_tasks, label_studio_config
from tagifai.store.review_events import Review

PROJECTS = {
    "7": Project("7", "Cats", "seen", ("cv",)),
    "8": Project("8", "Words", "read", ("nlp",)),
}


def review(number, project, tag, decision, note="", reviewer="ann", **rest):
    at = f"2026-01-01T00:00:{number:02}.000000Z"
    return Review(f"u{number}", at, reviewer, project, tag, decision, note, "v1", "digest", **rest)


REVIEWS = (
    review(1, "7", "nlp", "add", '=HYPERLINK("x")'),
    review(2, "7", "cv", "right", "two\r\nlines, \"quoted\" 'and' \uff1d 😀"),
    review(3, "gone", "cv", "remove", "'=kept", reviewer="-bob"),
    review(4, "8", "nlp", "skip", "\t\u2028 "),
    review(5, "7", "nlp", "undo", undoes="u1"),
    review(6, "8", "cv", "add", source="label-studio/1/a"),
    review(7, "8", "", "annotation", source="label-studio/1/a", unchanged='["nlp", "a,b\\n"]'),
)


def tasks(reviews=REVIEWS, **given):
    return build_tasks(
        reviews, PROJECTS, ("cv", "nlp"), version="v1", data_digest="digest", **given
    )


@pytest.mark.parametrize("kind", FORMATS)
def test_the_round_trip_is_lossless(kind):
    content = export_reviews(REVIEWS, kind, tasks()).encode()
    found = read_reviews(content, kind)
    assert sorted(found.reviews, key=lambda r: r.uid) == list(REVIEWS)
    assert (found.annotations, found.unused) == ((), {})


@pytest.mark.parametrize("kind", FORMATS)
def test_no_review_is_a_file_too(kind):
    assert read_reviews(export_reviews((), kind).encode(), kind).reviews == ()


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


def test_the_label_studio_interface_escapes_tags():
    assert '<Choice value="a&lt;b&amp;c"/>' in label_studio_config(["a<b&c"])


def test_what_an_earlier_release_wrote_is_read():
    old = [review for review in REVIEWS if not review.source]
    text = export_reviews(old, "csv")
    rows = [line.removesuffix(",,") for line in text.split("\r\n")]
    rows[0] = rows[0].removesuffix(",source,unchanged")
    text = "\r\n".join([*rows, "", ""])
    assert rows[0].endswith(",undoes")
    assert read_reviews(text.encode(), "csv").reviews == tuple(old)
    assert read_reviews(f"{text}\r\n  \r\n\r\n".encode(), "csv").reviews == tuple(old)
    # And its JSON lines are read there, where nothing came from another tool.
    assert "source" not in export_reviews(old, "jsonl")


def test_the_label_studio_interface_holds_any_name():
    names = ["a<b&c\"'>", "a,b", "two\nlines", "$text", "costs $9", "日本語", " tab\t"]
    tree = ElementTree.fromstring(label_studio_config(names))
    choices = list(tree.iter("Choice"))
    assert [choice.get("alias", choice.get("value")) for choice in choices] == names
    # "$text" would become the task's text there.
    assert not any("$" in choice.get("value") for choice in choices)
    with pytest.raises(
        TagifaiError, match=r"tag 'a\\x0b': the character '\\x0b' cannot be written"
    ):
        label_studio_config(["fine", "a\x0b"])


@pytest.mark.parametrize(
    ("content", "kind", "message"),
    [
        (b'{"uid": "u"}', "jsonl", "f: row 1: review, at: missing"),
        (b"\n[1]", "jsonl", r"f: row 2: an object is needed, got \[1\]"),
        (b"nonsense", "jsonl", "f: row 1: not JSON"),
        (b"a,b\r\n", "csv", "f: the header uid,at,reviewer"),
        (b"{}", "argilla", "f: a list of objects is needed"),
        (b'[{"id": 1}]', "argilla", "f: row 1: a record that tagifai did not write"),
        (b'[{"data": {"text": ""}}]', "label-studio", "f: row 1: a task that tagifai did not"),
        (b'[{"text": ""}]', "label-studio", "f: row 1: a task that tagifai did not write: data is"),
        (b"[7]", "label-studio", "f: row 1: task: an object is needed, got 7"),
        (b"\xff", "csv", "f: not UTF-8 text"),
        (b"", "xml", "unknown format of reviews 'xml'"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_row_by_row(content, kind, message):
    with pytest.raises(TagifaiError, match=message):
        read_reviews(content, kind, "f")
