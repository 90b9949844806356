import json

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from tagifai.data import load_dataset, load_projects
from tagifai.data.parquet_projects import list_parts
from tagifai.errors import TagifaiError

ROW = {"id": "1", "title": "t", "description": "d", "tags": ["x"]}


def write(path, rows, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    table = rows if isinstance(rows, pa.Table) else pa.Table.from_pylist(rows)
    parquet.write_table(table, path, **options)
    return path


def numbered(start, stop, **others):
    return [ROW | {"id": str(n)} | others for n in range(start, stop)]


def test_parts_are_one_table_in_the_order_of_their_numbers(tmp_path):
    for number in (10, 9, 2, *range(3, 9), 0, 1):
        write(tmp_path / "projects" / f"part.{number}.parquet", numbered(number, number + 1))
    dataset = load_dataset(tmp_path)
    assert [p.id for p in dataset.projects] == [str(n) for n in range(11)]
    assert len(dataset.files) == 11


def test_the_folder_may_be_called_as_the_file_is(tmp_path):
    write(tmp_path / "projects.parquet" / "kind=a" / "0.parquet", numbered(0, 2))
    write(tmp_path / "projects.parquet" / "kind=b" / "0.parquet", numbered(2, 3))
    write(tmp_path / "projects.parquet" / "_tmp" / "0.parquet", numbered(3, 4))
    assert [p.id for p in load_dataset(tmp_path).projects] == ["0", "1", "2"]


def test_what_is_in_a_part_changes_the_digest(tmp_path):
    write(tmp_path / "projects" / "a.parquet", numbered(0, 2))
    before = load_dataset(tmp_path).digest
    write(tmp_path / "projects" / "a.parquet", numbered(0, 2, title="u"))
    assert load_dataset(tmp_path).digest != before


@pytest.mark.parametrize(
    ("names", "missing"),
    [
        (["part-00000-of-00003.parquet", "part-00002-of-00003.parquet"], "1 part of 3 .* number 1"),
        (["train-1-of-3.parquet", "train-3-of-3.parquet"], "1 part of 3 missing.* number 2"),
        (["part-00000-of-00002.parquet"], "1 part of 2 missing, the first of them number 1"),
        (["0.parquet", "1.parquet", "4.parquet"], "2 parts of 5 missing.* 0.parquet to 4.parquet"),
        (["part.1.parquet", "part.3.parquet"], "1 part of 3 missing, the first of them number 2"),
    ],
)
def test_a_part_that_is_missing_is_named(tmp_path, names, missing):
    for number, name in enumerate(names):
        write(tmp_path / "projects" / name, numbered(number, number + 1))
    with pytest.raises(TagifaiError, match=missing):
        load_dataset(tmp_path)


@pytest.mark.parametrize(
    "names",
    [
        ["2021.parquet", "2024.parquet"],
        ["a.parquet", "c.parquet"],
        ["part-00000-of-00002.parquet", "part-00001-of-00002.parquet"],
        ["part-00000-c0ffee.parquet", "part-00002-decade.parquet", "_SUCCESS"],
    ],
)
def test_other_names_count_no_parts(tmp_path, names):
    for name in names:
        if name == "_SUCCESS":
            (tmp_path / name).touch()
        else:
            write(tmp_path / name, [ROW])
    assert len(list_parts(tmp_path)) == sum(name.endswith(".parquet") for name in names)


def test_a_folder_without_parts_is_named(tmp_path):
    (tmp_path / "projects").mkdir()
    with pytest.raises(TagifaiError, match="projects: no Parquet file in this folder"):
        load_dataset(tmp_path)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda t: t.append_column("year", [[1]]), "column 'year' is int64 here and missing in a"),
        (lambda t: t.drop_columns("kind"), "column 'kind' is missing here and string in a.parquet"),
        (lambda t: t.drop_columns("tags"), "b.parquet: row 1, tags: Field required"),
        (
            lambda t: t.set_column(4, "kind", [[3]]),
            "column 'kind' is int64 here and string in a.parquet; all parts of one table need the",
        ),
        (
            lambda t: t.set_column(3, "tags", [["x"]]),
            r"column 'tags' is string here and list<",
        ),
    ],
)
def test_a_part_with_other_columns_is_named(tmp_path, change, told):
    first = pa.Table.from_pylist([ROW | {"kind": "tool"}])
    write(tmp_path / "projects" / "a.parquet", first)
    write(tmp_path / "projects" / "b.parquet", change(first))
    with pytest.raises(TagifaiError, match=told) as caught:
        load_dataset(tmp_path)
    assert "b.parquet" in str(caught.value)


def test_parts_may_store_one_type_in_several_ways(tmp_path):
    first = pa.Table.from_pylist(numbered(0, 2, kind="tool", year=1))
    other = pa.Table.from_pylist(numbered(2, 4, kind=None, year=2))
    encoded = other.set_column(1, "title", other["title"].dictionary_encode())
    small = encoded.set_column(5, "year", encoded["year"].cast(pa.int16()))
    write(tmp_path / "projects" / "a.parquet", first)
    write(tmp_path / "projects" / "b.parquet", small)
    found = load_dataset(tmp_path).projects
    assert [(p.id, p.extra["kind"], p.extra["year"]) for p in found] == [
        ("0", "tool", 1), ("1", "tool", 1), ("2", None, 2), ("3", None, 2),
    ]  # fmt: skip


def test_an_id_in_two_parts_names_both_rows(tmp_path):
    write(tmp_path / "projects" / "a.parquet", numbered(0, 5))
    write(tmp_path / "projects" / "b.parquet", numbered(4, 9))
    with pytest.raises(TagifaiError) as caught:
        load_dataset(tmp_path)
    parts = tmp_path / "projects"
    assert str(caught.value) == (
        f"{parts / 'b.parquet'}: row 1, id: '4' is already the id of row 5 of "
        f"{parts / 'a.parquet'}; ids are unique"
    )


@pytest.mark.parametrize("damage", [lambda b: b[:-40], lambda b: b"", lambda b: b[:9] + b[19:]])
def test_a_damaged_part_is_named(tmp_path, damage):
    write(tmp_path / "projects" / "a.parquet", numbered(0, 500))
    bad = write(tmp_path / "projects" / "b.parquet", numbered(500, 1_000))
    bad.write_bytes(damage(bad.read_bytes()))
    with pytest.raises(TagifaiError, match=r"not Parquet|cannot be read") as caught:
        load_dataset(tmp_path)
    assert str(caught.value).startswith(f"{bad}: ")


@pytest.mark.parametrize(
    "change",
    [
        {"tags": None}, {"tags": ["a", None]}, {"tags": ["a", " "]}, {"tags": ["y" * 201]},
        {"title": None}, {"description": None}, {"id": None}, {"id": ""}, {"id": " "},
        {"id": "\u200b\u00a0"}, {"id": "a\0"}, {"id": "y" * 201}, {"title": "y" * 1_000_001},
        {"title": "\u00e9" * 1_000_001},
    ],
)  # fmt: skip
def test_a_bad_row_is_told_as_that_of_another_kind_of_file_is(tmp_path, change):
    rows = [*numbered(0, 3), ROW | {"id": "3"} | change, ROW | {"id": "4"}]
    write(tmp_path / "a.parquet", rows)
    (tmp_path / "a.json").write_text(json.dumps(rows))
    told = []
    for name in ("a.parquet", "a.json"):
        with pytest.raises(TagifaiError) as caught:
            load_projects(tmp_path / name)
        told.append(str(caught.value).replace(name, ""))
    assert told[0] == told[1]
    assert "row 4, " in told[0]


@pytest.mark.parametrize("title", ["y" * 1_000_000, "\u00e9" * 1_000_000])
def test_a_title_of_the_greatest_length_is_read(tmp_path, title):
    (found,) = load_projects(write(tmp_path / "a.parquet", [ROW | {"title": title}]))
    assert found.title == title


@pytest.mark.parametrize(
    ("column", "kind", "told"),
    [
        ("tags", pa.string(), "row 1, tags: tags given as one string 'x'"),
        ("title", pa.int64(), "row 1, title: .*string.*got 7"),
        ("id", pa.bool_(), "row 1, id: an integer or a string is needed, got True"),
        ("id", pa.float64(), "row 1, id: an integer or a string is needed, got 1.5"),
    ],
)
def test_a_column_of_another_type_is_told_at_its_first_row(tmp_path, column, kind, told):
    values = {pa.string(): "x", pa.int64(): 7, pa.bool_(): True, pa.float64(): 1.5}
    table = pa.Table.from_pylist([ROW])
    place = table.schema.names.index(column)
    write(tmp_path / "a.parquet", table.set_column(place, column, pa.array([values[kind]], kind)))
    with pytest.raises(TagifaiError, match=told):
        load_projects(tmp_path / "a.parquet")


def test_text_that_is_no_utf8_is_told(tmp_path):
    bad = pa.array([b"fine", b"\xff\xfe"], pa.binary()).view(pa.string())
    table = pa.Table.from_pylist(numbered(0, 2))
    write(tmp_path / "a.parquet", table.set_column(1, "title", bad))
    with pytest.raises(TagifaiError, match=r"a\.parquet: row 2, title: not UTF-8 text"):
        load_projects(tmp_path / "a.parquet")


def bomb(path, **options):
    text = pa.DictionaryArray.from_arrays(pa.array([0] * 20_000, pa.int32()), ["y" * 900_000])
    columns = {"id": list(range(20_000)), "title": ["t"] * 20_000, "tags": [["x"]] * 20_000}
    return write(path, pa.table({**columns, "description": text}), **options)


def test_a_text_repeated_into_gigabytes_is_refused(tmp_path):
    path = bomb(tmp_path / "projects.parquet")
    assert path.stat().st_size < 200_000
    with pytest.raises(TagifaiError, match="unpacks to more than 268,435,456 bytes"):
        load_dataset(tmp_path)


def test_no_text_is_refused_that_compresses_well(tmp_path):
    text = "the same words again and again. " * 30
    path = write(tmp_path / "a.parquet", numbered(0, 20_000, description=text))
    assert path.stat().st_size < 300_000
    assert load_projects(path)[19_999].description == text


def test_nothing_in_a_file_is_named(tmp_path):
    write(tmp_path / "a.parquet", pa.Table.from_pylist([ROW]).slice(0, 0))
    with pytest.raises(TagifaiError, match=r"a\.parquet: no project in it"):
        load_projects(tmp_path / "a.parquet")


def test_progress_is_reported(tmp_path):
    seen: list[int] = []
    load_projects(
        write(tmp_path / "a.parquet", numbered(0, 70_000), row_group_size=30_000), seen.append
    )
    assert seen == [30_000, 60_000, 70_000]
