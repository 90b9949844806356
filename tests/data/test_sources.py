import json
from pathlib import Path

import pytest

from tagifai.data.csv_files import Dialect
from tagifai.data.sources import list_files, open_sources, read_source, rows_of, split_of
from tagifai.errors import TagifaiError

HERE = Path("a.json")
OPEN = Dialect("", "", "")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([{"a": 1}], {"": [{"a": 1}]}),
        ({"rows": [{"a": 1}], "n": 3, "notes": ["x"]}, {"": [{"a": 1}]}),
        ({"a": [1, 2], "b": ["x", "y"]}, {"": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]}),
        ({"a": {"0": 1, "1": 2}, "b": {"1": 3}}, {"": [{"a": 1, "b": None}, {"a": 2, "b": 3}]}),
        ({"k": {"a": 1}, "l": {"id": 7}}, {"": [{"id": "k", "a": 1}, {"id": 7}]}),
        ({"columns": ["a"], "index": [0], "data": [[1]]}, {"": [{"a": 1}]}),
        ({"train": [{"a": 1}], "dev": [{"a": 2}]}, {"train": [{"a": 1}], "dev": [{"a": 2}]}),
    ],
)
def test_rows_wherever_they_are(found, expected):
    assert rows_of(found, HERE) == expected


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (3, "a list of objects is needed, got int"),
        ({}, "a list of objects is needed, got dict"),
        ({"a": 1}, "a list of objects is needed, got dict"),
        ({"a": [1], "b": [1, 2]}, "a list of objects is needed, got dict"),
        ({"a": [{"x": 1}], "b": [{"x": 1}]}, r"several lists of rows \(a, b\)"),
        ({"train": [{"x": 1}], "training": [{"x": 1}]}, "several lists of rows"),
        ({"columns": ["a", "b"], "data": [[1]]}, "data: a list of 2 cells is needed for each row"),
    ],
)
def test_no_rows(found, message):
    with pytest.raises(TagifaiError, match=rf"^a\.json: {message}"):
        rows_of(found, HERE)


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train", "train"), ("my_train_v2", "train"), ("validation-00000-of-00001", "val"),
        ("Dev", "val"), ("test.en", "test"), ("x_TEST", "test"), ("contest", ""), ("latest", ""),
        ("train-test", ""), ("", ""),
    ],
)  # fmt: skip
def test_names_that_speak_of_a_split(name, split):
    assert split_of(name) == split


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.json", '[{"a": 1}]', "json"),
        ("a.json", '\n {"a": 1}\n{"a": 2}\n', "jsonl"),
        ("a.json", '{"rows": [{"a": 1}]}', "json"),
        ("a.json", '{\n"rows": [{"a": 1}]}', "json"),
        ("a.jsonl", '[{"a": 1}]', "json"),
        ("a.jsonl", '{"a": 1}', "jsonl"),
    ],
)
def test_json_is_known_by_what_it_is(tmp_path, name, content, kind):
    (tmp_path / name).write_text(content)
    for detect in (True, False):
        (source,) = open_sources([tmp_path / name], OPEN, detect=detect)
        assert source.kind == kind
        assert next(read_source(source)) == (1, {"a": 1})


def test_rows_go_on_over_the_files_of_a_table(tmp_path):
    import pyarrow
    import pyarrow.parquet as parquet

    for number in (0, 1):
        table = pyarrow.table({"a": [number, number]})
        parquet.write_table(table, tmp_path / f"part-{number}.parquet")
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "old.parquet").write_bytes(b"")
    (source,) = open_sources([tmp_path], OPEN, detect=True)
    assert list(read_source(source)) == [(1, {"a": 0}), (2, {"a": 0}), (3, {"a": 1}), (4, {"a": 1})]
    assert list_files(tmp_path) == [tmp_path / "part-0.parquet", tmp_path / "part-1.parquet"]
    assert list_files(tmp_path / "x") == [tmp_path / "x"]


def test_what_is_no_row_is_named(tmp_path):
    (tmp_path / "a.json").write_text('[{"a": 1}, 2]')
    (source,) = open_sources([tmp_path / "a.json"], OPEN, detect=False)
    with pytest.raises(TagifaiError, match=r"a\.json: row 2: an object is needed, got 2"):
        list(read_source(source))
    with pytest.raises(TagifaiError, match="no file to read"):
        open_sources([], OPEN, detect=True)


def test_a_list_is_let_go_as_it_is_read(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps([{"a": k} for k in range(3)]))
    (source,) = open_sources([tmp_path / "a.json"], OPEN, detect=True)
    assert [record["a"] for _, record in read_source(source)] == [0, 1, 2]
    assert [record["a"] for _, record in read_source(source)] == [0, 1, 2]
