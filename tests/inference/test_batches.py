import csv
import io
import json

import pytest
from small_corpus import SMALL_PARAMS, small_dataset

from tagifai.data import load_projects
from tagifai.errors import TagifaiError
from tagifai.inference import predict_tags
from tagifai.inference.batches import (
    BatchAnswer,
    BatchRow,
    kind_of,
    predict_rows,
    read_texts,
    to_csv,
    to_jsonl,
)
from tagifai.training.train import train

BRACE = "Expecting property name enclosed in double quotes"


def read(text, kind):
    content = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    return [(row.number, row.text, row.error) for row in read_texts(content, kind)]


def test_one_text_a_line():
    assert read("a b\r\n\n c\u2028d\n", "lines") == [(1, "a b", ""), (3, " c\u2028d", "")]


def test_columns_of_a_csv():
    rows = read_texts(b'\xef\xbb\xbfid,Title,description\r\n7,"A, b","c\nd"\r\n8,e,\r\n', "csv")
    assert rows == [BatchRow(1, "A, b c\nd", "7"), BatchRow(2, "e", "8")]
    assert read("text\nx\n\ny", "csv") == [(1, "x", ""), (2, "y", "")]
    assert read("text,id\nx,1\n \t\n\ny,2\n  ", "csv") == [(1, "x", ""), (2, "y", "")]
    assert read("text,id\nx,1\n,\n", "csv") == [(1, "x", ""), (2, "", "")]


def test_bad_rows_of_a_csv_are_numbered_and_the_rest_goes_on():
    text = 'text,id\ngood,1\n"x"y,2\nnext,3\na,b,c\n"open,4\nlast,5\n'
    rows = read(text, "csv")
    assert [(number, text) for number, text, error in rows if not error] == [
        (1, "good"),
        (3, "next"),
        (6, "last"),
    ]
    assert [(number, error) for number, _, error in rows if error] == [
        (2, "not CSV: ',' expected after '\"'"),
        (4, "3 cells under 2 columns"),
        (5, "not CSV: unexpected end of data"),
    ]


def test_a_long_csv_is_read_whole():
    body = "".join(f'{i},"line {i}\nand more"\n' for i in range(5000))
    rows = read_texts(f"id,text\n{body}".encode(), "csv")
    assert [row.id for row in rows] == [str(i) for i in range(5000)]
    assert {row.text for row in rows} == {f"line {i}\nand more" for i in range(5000)}


def test_bad_rows_of_json_lines():
    lines = [
        '{"text": "a", "id": 4}',
        '"b"',
        "{",
        "[1]",
        '{"text": 5}',
        "",
        '{"title": "c", "description": "d"}',
        '{"title": null}',
        '"\\ud800"',
    ]
    assert read("\n".join(lines), "jsonl") == [
        (1, "a", ""),
        (2, "b", ""),
        (3, "", f"not JSON: {BRACE}: line 1 column 2 (char 1)"),
        (4, "", "a string, or an object with text or title, is needed"),
        (5, "", "the text is not a string: 5"),
        (7, "c d", ""),
        (8, "", "the text is not a string: None"),
        (9, "?", ""),
    ]  # fmt: skip


def test_what_is_no_utf8_is_one_bad_row():
    content = b"fine\ncaf\xe9\nfine too"
    assert [error for _, _, error in read(content, "lines")] == ["", "not UTF-8 text", ""]
    assert [error for _, _, error in read(b"text\n" + content, "csv")] == [
        "",
        "not UTF-8 text",
        "",
    ]
    assert [error for _, _, error in read(b'"a"\n"\xe9"', "jsonl")] == ["", "not UTF-8 text"]


def test_a_text_too_long_is_one_bad_row():
    told = "200,001 characters; at most 200,000 are read (--max-text)"
    for text, kind in (("a\n{}", "lines"), ("text\na\n{}\n", "csv"), ('"a"\n"{}"', "jsonl")):
        for length, expected in ((200_000, ("x" * 200_000, "")), (200_001, ("", told))):
            content = text.format("x" * length).encode()
            rows = read_texts(content, kind, max_text=200_000)
            assert (rows[-1].text, rows[-1].error) == expected
            assert rows[0].text == "a"


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("", "lines", "no text in it"),
        ("\n\n", "jsonl", "no text in it"),
        ("", "csv", "names a column text.*got nothing"),
        ("a,b\n1,2", "csv", "names a column text.*got a, b"),
        ("text\n", "csv", "no text in it"),
        ("{\n" * 1_500, "jsonl", "more than 1,000 bad rows, the last of them row 1001"),
        ("x\n" * 50_001, "lines", "more than 50,000 rows"),
        ("x", "xml", "unknown kind of texts 'xml'"),
    ],
)
def test_what_is_refused_as_a_whole(text, kind, message):
    with pytest.raises(TagifaiError, match=message):
        read_texts(text.encode(), kind)


def test_kinds_by_name():
    assert [kind_of(name) for name in ("a.csv", "a.JSONL", "a.ndjson", "a.txt", "a")] == [
        "csv", "jsonl", "jsonl", "lines", "lines",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def answers():
    trained = train(small_dataset(), SMALL_PARAMS, tests=())

    def predict(texts):
        return predict_tags(trained.model, trained.tags, trained.thresholds, texts)

    rows = [
        BatchRow(1, "=camera photos", "@7"),
        BatchRow(2, error="not UTF-8 text"),
        BatchRow(3, "the of"),
        *(BatchRow(number, "transformers attention") for number in range(4, 1104)),
    ]
    parts = list(predict_rows(rows, predict))
    assert [len(part) for part in parts] == [500, 500, 103]
    return [answer for part in parts for answer in part]


def test_each_row_gets_its_own_answer(answers):
    assert [answer.row.number for answer in answers] == list(range(1, 1104))
    assert answers[0].tags[0][0] == "computer-vision"
    assert answers[1].tags == ()
    assert answers[2].reason == "empty"
    assert all(answer.tags[0][0] == "transformers" for answer in answers[3:])


def test_the_csv_is_no_program(answers):
    rows = list(csv.DictReader(io.StringIO(to_csv(answers[:3]))))
    assert [row["row"] for row in rows] == ["1", "2", "3"]
    assert rows[0]["text"] == "'=camera photos"
    assert rows[0]["id"] == "'@7"
    assert json.loads(rows[0]["tags"]) == [tag for tag, _ in answers[0].tags]
    assert json.loads(rows[0]["probabilities"])[0] > 0.5
    assert rows[1]["tags"] == rows[1]["probabilities"] == rows[1]["near_misses"] == ""
    assert rows[2]["tags"] == rows[2]["probabilities"] == "[]"
    assert [row["note"] for row in rows] == ["", "not UTF-8 text", "empty"]


def test_tags_in_the_csv_stay_apart_and_are_read_as_those_of_projects(tmp_path):
    names = ("time series", "image", "a, b", 'said "so"', "two\nlines", "=1+1", "日本語")
    answers = [
        BatchAnswer(BatchRow(1, "a\nb, c", "7"), tuple((n, 0.5) for n in names), (("x y", 0.25),)),
        BatchAnswer(BatchRow(2, "d", "8")),
    ]
    written = to_csv(answers)
    first, second = csv.DictReader(io.StringIO(written, newline=""))
    assert first["tags"].startswith('["time series", "image", ')
    assert json.loads(first["near_misses"]) == ["x y"]
    assert json.loads(first["probabilities"]) == [0.5] * len(names)
    assert second["tags"] == "[]"
    # Under a title and a description it is a projects file.
    path = tmp_path / "projects.csv"
    named = written.replace("text,", "title,", 1).replace("note", "description", 1)
    path.write_bytes(named.encode())
    projects = load_projects(path)
    assert [(p.id, p.title, p.tags) for p in projects] == [
        ("7", "a\nb, c", names), ("8", "d", ()),
    ]  # fmt: skip
    assert [row.text for row in read_texts(written.encode(), "csv")] == ["a\nb, c", "d"]


def test_json_lines_keep_texts_as_they_were(answers):
    records = [json.loads(line) for line in to_jsonl(answers[:3]).splitlines()]
    assert records[0]["text"] == "=camera photos"
    assert records[0]["tags"] == pytest.approx(dict(answers[0].tags))
    assert records[1]["note"] == "not UTF-8 text"
