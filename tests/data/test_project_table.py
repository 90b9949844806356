import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from tagifai.data import (
    Project,
    count_tags,
    known_columns,
    labelled_projects,
    load_dataset,
    load_projects,
)
from tagifai.data.project_table import ProjectTable, projects_by_id

ROWS = [
    {"id": "7", "title": "BERT", "description": "Both ways.", "tags": ["nlp", "cv"], "year": 2018},
    {"id": " cafe\u0301", "title": "", "description": "", "tags": [], "year": None},
    {"id": "c", "title": "é", "description": "x\ty", "tags": [" nlp ", "nlp", "a"], "year": 3},
    {"id": "d", "title": "t", "description": "d", "tags": ["cafe\u0301", "nlp"], "year": 4},
]


def table_of(tmp_path, rows=ROWS, **options):
    path = tmp_path / "projects.parquet"
    parquet.write_table(pa.Table.from_pylist(rows), path, **options)
    found = load_projects(path)
    assert isinstance(found, ProjectTable)
    return found


def as_json_has(tmp_path, rows=ROWS):
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(rows))
    return load_projects(path)


def test_a_table_holds_what_the_rows_one_by_one_would_be(tmp_path):
    table, rows = table_of(tmp_path), as_json_has(tmp_path)
    assert list(table) == list(rows)
    assert [table[0], table[-1]] == [rows[0], rows[3]]
    assert list(table[1:3]) == list(rows[1:3])
    assert len(table) == 4
    assert table[3].written == ("cafe\u0301", "nlp")
    assert table[2].tags == ("nlp", "a")
    with pytest.raises(IndexError):
        table[4]


@pytest.mark.parametrize("kind", [pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_texts_may_be_stored_in_any_way(tmp_path, kind):
    columns = pa.Table.from_pylist(ROWS).to_pydict()
    lists = pa.array(columns["tags"], pa.large_list(pa.string()))
    schema = {name: pa.array(columns[name], pa.string()).cast(kind) for name in ("id", "title")}
    texts = pa.array(columns["description"], pa.large_string())
    table = pa.table({**schema, "description": texts, "tags": lists, "year": columns["year"]})
    parquet.write_table(table, tmp_path / "a.parquet")
    assert list(load_projects(tmp_path / "a.parquet")) == list(as_json_has(tmp_path))


def test_numbers_are_ids(tmp_path):
    rows = [{"id": n, "title": "t", "description": "", "tags": ["x"]} for n in (5, 2**40)]
    assert [p.id for p in table_of(tmp_path, rows)] == ["5", str(2**40)]
    floats = [row | {"id": float(row["id"])} for row in rows]
    assert [p.id for p in table_of(tmp_path, floats)] == ["5", str(2**40)]


def test_a_project_is_found_by_its_id(tmp_path):
    table = table_of(tmp_path)
    found = projects_by_id(table)
    assert found["c"] == table[2]
    assert (list(found), len(found)) == (["7", " caf\u00e9", "c", "d"], 4)
    assert "e" not in found
    assert None not in found
    with pytest.raises(KeyError):
        found["e"]


def test_tags_and_columns_are_counted_without_projects(tmp_path):
    table = table_of(tmp_path)
    assert count_tags(table) == {"nlp": 3, "a": 1, "caf\u00e9": 1, "cv": 1}
    dataset = load_dataset(tmp_path)
    assert known_columns(dataset) == ["year"]
    assert dataset.splits == {}


def test_projects_without_a_tag_may_be_left_out(tmp_path):
    table = table_of(tmp_path)
    (tmp_path / "data.toml").write_text('untagged = "unlabelled"\n')
    labelled = labelled_projects(load_dataset(tmp_path))
    assert list(labelled) == [table[0], table[2], table[3]]


def test_some_projects_are_a_table_too(tmp_path):
    table = table_of(tmp_path, ROWS, row_group_size=1)
    some = table.take(np.array([1, 3]))
    assert list(some) == [table[1], table[3]]


def test_the_column_of_splits_is_read(tmp_path):
    rows = [
        row | {"split": name} for row, name in zip(ROWS, ("dev", None, "train", ""), strict=True)
    ]
    table_of(tmp_path, rows)
    assert load_dataset(tmp_path).splits == {"7": "val", "c": "train"}


def test_the_commonest_values_of_a_column(tmp_path):
    kinds = ["b", "a", "a", "x" * 61]
    rows = [row | {"kind": kind, "on": True} for row, kind in zip(ROWS, kinds, strict=True)]
    table = table_of(tmp_path, rows)
    assert table.count_values("kind", 2, 60) == [("a", 2), ("b", 1)]
    assert table.count_values("on", 2, 60) == [(True, 4)]
    assert dict(table.count_values("year", 9, 60)) == {3: 1, 4: 1, 2018: 1, None: 1}


def test_it_equals_projects_from_another_file(tmp_path):
    assert table_of(tmp_path)[0] == Project(
        "7", "BERT", "Both ways.", ("nlp", "cv"), {"year": 2018}
    )
