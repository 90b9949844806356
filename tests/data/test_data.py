import json
from pathlib import Path

import pandas as pd
import pytest

from tagifai.data import (
    Dataset,
    Project,
    Tag,
    candidate_tags,
    known_columns,
    known_tags,
    labelled_projects,
    load_dataset,
    load_projects,
    load_tags,
    prepare,
)
from tagifai.data.config import DataConfig
from tagifai.data.frequency import build_frequency_table, select_by_frequency
from tagifai.errors import TagifaiError
from tagifai.training.train import label_matrix

ROWS = [
    {"id": 7, "title": "BERT", "description": "Reads both ways.", "tags": ["nlp"], "year": 2018},
    {"id": "b", "title": "ResNet", "description": "Skips.", "tags": ["cv", "cnn"], "year": None},
]


def write(folder: Path, name: str, content: object) -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def test_json_rows_keep_their_other_columns(tmp_path: Path) -> None:
    projects = load_projects(write(tmp_path, "projects.json", ROWS))
    assert projects == (
        Project("7", "BERT", "Reads both ways.", ("nlp",), {"year": 2018}),
        Project("b", "ResNet", "Skips.", ("cv", "cnn"), {"year": None}),
    )
    assert projects[0].text == "BERT Reads both ways."


def test_every_format_reads_the_same(tmp_path: Path) -> None:
    expected = [(p.id, p.title, p.description, p.tags) for p in (
        load_projects(write(tmp_path, "a.json", ROWS))
    )]  # fmt: skip
    write(tmp_path, "b.jsonl", "\n".join(json.dumps(row) for row in ROWS) + "\n\n")
    frame = pd.DataFrame(ROWS).astype({"id": str})
    frame.to_parquet(tmp_path / "c.parquet")
    frame.assign(tags=frame.tags.map(json.dumps)).to_csv(tmp_path / "d.csv", index=False)
    for name in ("b.jsonl", "c.parquet", "d.csv"):
        read = load_projects(tmp_path / name)
        assert [(p.id, p.title, p.description, p.tags) for p in read] == expected, name


def test_a_byte_order_mark_and_a_lone_surrogate_are_survived(tmp_path: Path) -> None:
    path = tmp_path / "projects.json"
    text = '[{"id": 1, "title": "a\\ud800b", "description": "é", "tags": ["x"]}]'
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    (project,) = load_projects(path)
    assert (project.title, project.description) == ("a?b", "é")


def broken(**change: object) -> list[dict[str, object]]:
    row = {"id": 1, "title": "t", "description": "d", "tags": ["x"]} | change
    return [{"id": 0, "title": "t", "description": "d", "tags": ["x"]}, row]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("p.json", broken(tags="nlp, cv"), r"row 2, tags: tags given as one string 'nlp, cv'"),
        ("p.json", broken(tags=["a", 3]), r"row 2, tags.1: .*string.*got 3"),
        ("p.json", broken(tags=["a", " "]), r"row 2, tags: a blank tag"),
        ("p.json", broken(tags=None), r"row 2, tags: .*list.*got None"),
        ("p.json", broken(title=None), r"row 2, title: .*string.*got None"),
        ("p.json", broken(id=True), r"row 2, id: an integer or a string is needed, got True"),
        ("p.json", broken(id=1.5), r"row 2, id: an integer or a string is needed, got 1.5"),
        ("p.json", broken(id=float(2**53 + 2)), r"row 2, id: an integer or a string is needed"),
        ("p.json", broken(id=""), r"row 2, id: a visible character is needed, got ''"),
        ("p.json", broken(id=" "), r"row 2, id: a visible character is needed, got ' '"),
        ("p.json", broken(id="\u200b\u00a0"), r"row 2, id: a visible character is needed"),
        ("p.json", broken(id="a\0"), r"row 2, id: no NUL character is allowed, got 'a\\x00'"),
        ("p.json", broken(id=0.0), r"row 2, id: '0' is already the id of row 1"),
        ("p.csv", "id,title,description,tags\n ,t,d,[]\n", r"row 1, id: a visible character"),
        ("p.json", broken(id="0"), r"row 2, id: '0' is already the id of row 1"),
        ("p.json", [{"id": 1, "title": "t", "tags": []}], r"row 1, description: Field required"),
        ("p.json", [[1, 2]], r"row 1: an object is needed, got \[1, 2\]"),
        ("p.json", {"id": 1}, r"a list of objects is needed, got dict"),
        ("p.json", [], r"no project in it"),
        ("p.json", '[{"id": 1,]', r"not JSON: .*line 1, column 11"),
        ("p.json", '[{"id": NaN}]', r"not JSON: NaN"),
        ("p.json", "[" * 200_000, r"nested too deeply"),
        ("p.jsonl", '{"id": 1, "title"', r"not JSON: .*line 1"),
        ("p.csv", "id,title,description,tags\n1,t,d\n", r"row 1: 3 cells under 4 columns"),
        ("p.csv", "id,title,description,tags\n1,t,d,nlp\n", r"row 1, tags: a JSON list is needed"),
        ("p.csv", "id,id\n1,2\n", r"a column's name comes twice"),
        ("p.csv", "", r"empty; a header"),
        ("p.parquet", "PAR1 not really", r"not Parquet"),
        ("p.txt", "x", r"unknown kind of file; allowed: .json"),
    ],
)
def test_malformed_files_are_named_with_row_and_field(
    tmp_path: Path, name: str, content: object, message: str
) -> None:
    path = write(tmp_path, name, content)
    with pytest.raises(TagifaiError, match=message) as caught:
        load_projects(path)
    assert str(path) in str(caught.value)


def test_ids_are_whole_numbers_or_strings_in_one_unicode_form(tmp_path: Path) -> None:
    rows = [broken(id=one)[1] for one in (7, 8.0, "09", "cafe\u0301", -1)]
    projects = load_projects(write(tmp_path, "projects.json", rows))
    assert [project.id for project in projects] == ["7", "8", "09", "caf\u00e9", "-1"]


def test_a_tag_that_comes_twice_in_one_project_counts_once(tmp_path: Path) -> None:
    rows = [
        {"id": 1, "title": "t", "description": "d", "tags": ["cv", "nlp", "cv", " cv "]},
        {"id": 2, "title": "t", "description": "d", "tags": ["nlp"]},
    ]
    write(tmp_path, "projects.json", rows)
    dataset = load_dataset(tmp_path)
    assert [project.tags for project in dataset.projects] == [("cv", "nlp"), ("nlp",)]
    kept = select_by_frequency(build_frequency_table(dataset), 1).kept
    assert dict(kept) == {"nlp": 2, "cv": 1}
    assert label_matrix(prepare(dataset, 1)).sum(axis=0).tolist() == [1, 2]


def test_blank_lines_of_csv_are_no_rows(tmp_path: Path) -> None:
    text = 'id,title,description,tags\n\n1,t,d,"[""x""]"\n \n2,t,d,[]\n\n'
    projects = load_projects(write(tmp_path, "projects.csv", text))
    assert [(project.id, project.tags) for project in projects] == [("1", ("x",)), ("2", ())]


def test_latin_1_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "projects.json"
    path.write_bytes('[{"title": "é"}]'.encode("latin-1"))
    with pytest.raises(TagifaiError, match="not UTF-8 text"):
        load_projects(path)


def test_missing_folder_missing_file_and_two_files(tmp_path: Path) -> None:
    with pytest.raises(TagifaiError, match="no such data folder"):
        load_dataset(tmp_path / "nowhere")
    with pytest.raises(TagifaiError, match=r"no projects file; one of projects\.json"):
        load_dataset(tmp_path)
    write(tmp_path, "projects.json", ROWS)
    write(tmp_path, "projects.jsonl", "")
    with pytest.raises(TagifaiError, match=r"more than one projects file .*keep one"):
        load_dataset(tmp_path)


def test_tags_with_and_without_aliases(tmp_path: Path) -> None:
    rows = [{"tag": "nlp", "aliases": ["text"], "parents": ["ml"]}, {"tag": "ml"}]
    assert load_tags(write(tmp_path, "tags.json", rows)) == {
        "nlp": Tag("nlp", ("text",), ("ml",)),
        "ml": Tag("ml"),
    }
    with pytest.raises(TagifaiError, match="row 2, tag: 'a' comes twice"):
        load_tags(write(tmp_path, "tags.json", [{"tag": "a"}, {"tag": "a"}]))
    with pytest.raises(TagifaiError, match=r"row 1, aliases: .*one string"):
        load_tags(write(tmp_path, "tags.json", [{"tag": "a", "aliases": "b"}]))


def test_the_digest_follows_the_content(tmp_path: Path) -> None:
    write(tmp_path, "projects.json", ROWS)
    before = load_dataset(tmp_path).digest
    assert load_dataset(tmp_path).digest == before
    write(tmp_path, "tags.json", [{"tag": "nlp"}])
    assert load_dataset(tmp_path).digest != before


def test_prepare_keeps_known_frequent_tags_and_every_project() -> None:
    config = DataConfig(excluded=("python",))
    lists = [("a", "b"), ("a", "unknown"), ("python",), ("b", "unknown"), ("c",)]
    projects = tuple(Project(str(i), "t", "d", tags) for i, tags in enumerate(lists))
    data = Dataset(projects, {tag: Tag(tag) for tag in ("a", "b", "c", "python")}, "", config)
    assert candidate_tags(data) == {"a": 2, "b": 2, "c": 1}
    prepared = prepare(data, 2)
    assert prepared.tags == ("a", "b")
    assert [(p.id, p.tags) for p in prepared.projects] == [
        ("0", ("a", "b")), ("1", ("a",)), ("2", ()), ("3", ("b",)), ("4", ()),
    ]  # fmt: skip
    assert prepare(data, 9).tags == ()
    with pytest.raises(TagifaiError, match="1 or more, got 0"):
        prepare(data, 0)


@pytest.mark.parametrize(
    ("untagged", "kept"), [("negative", "0 1 2 3 4"), ("unlabelled", "0 1 2 3")]
)
def test_unlabelled_projects_are_those_without_any_tag(untagged: str, kept: str) -> None:
    config = DataConfig(excluded=("python",), untagged=untagged)
    lists = [("a",), ("a", "rare"), ("rare",), ("python",), ()]
    projects = tuple(Project(str(i), "t", "d", tags) for i, tags in enumerate(lists))
    prepared = prepare(Dataset(projects, {}, "", config), 2)
    assert prepared.tags == ("a", "rare")
    assert " ".join(project.id for project in prepared.projects) == kept
    assert " ".join(p.id for p in labelled_projects(Dataset(projects, {}, "", config))) == kept


def test_names_of_tags_are_stripped_and_composed(tmp_path: Path) -> None:
    rows = [
        {"id": 1, "title": "t", "description": "d", "tags": [" cafe\u0301", "caf\u00e9", "b "]},
        {"id": 2, "title": "t", "description": "d", "tags": ["b"]},
    ]
    first, second = load_projects(write(tmp_path, "projects.json", rows))
    assert first.tags == ("caf\u00e9", "b")
    assert first.written == ("cafe\u0301", "caf\u00e9", "b")
    assert (second.tags, second.written) == (("b",), ())
    tags = [
        {"tag": " b ", "aliases": ["be ", "be"], "parents": ["cafe\u0301"]},
        {"tag": "caf\u00e9"},
    ]
    assert load_tags(write(tmp_path, "tags.json", tags)) == {
        "b": Tag("b", ("be",), ("caf\u00e9",)),
        "caf\u00e9": Tag("caf\u00e9"),
    }
    with pytest.raises(TagifaiError, match="row 2, tag: 'b' comes twice"):
        load_tags(write(tmp_path, "tags.json", [{"tag": "b"}, {"tag": "b "}]))
    with pytest.raises(TagifaiError, match="row 1, parents: a blank name"):
        load_tags(write(tmp_path, "tags.json", [{"tag": "b", "parents": [" "]}]))


def test_the_names_that_the_data_has_are_listed() -> None:
    projects = (
        Project("1", "", "", ("c", "a"), {"year": 1}),
        Project("2", "", "", (), {"kind": 2}),
    )
    data = Dataset(projects, {"b": Tag("b"), "a": Tag("a")}, "")
    assert known_tags(data) == ["a", "b", "c"]
    assert known_columns(data) == ["year", "kind"]


@pytest.mark.realdata
def test_the_real_data_prepares_to_its_known_figures(real_data: Path) -> None:
    data = load_dataset(real_data)
    prepared = prepare(data, 30)
    assert (len(data.projects), len(data.tags)) == (2032, 400)
    assert (len(prepared.tags), len(prepared.projects)) == (34, 2032)
    assert sum(bool(project.tags) for project in prepared.projects) == 1439
    assert sum(len(project.tags) for project in prepared.projects) == 3099
