import csv
import json

import pytest

from tagifai.data import load_dataset
from tagifai.data.corrections import apply_changes
from tagifai.errors import TagifaiError

ROWS = [
    {"id": 1, "title": "Cats", "description": "seen", "tags": ["cv", "old"], "stars": 3},
    {"id": 2, "title": "Words, “read”", "description": "", "tags": ["nlp"], "stars": None},
    {"id": 3, "title": "Both", "description": "two\nlines", "tags": [], "stars": 0.5},
]
CHANGES = {
    "1": {"add": ["graphs", "cv"], "remove": ["old"]},
    "2": {"add": [], "remove": ["nlp"]},
    "404": {"add": ["cv"]},
}


def write(folder, kind):
    folder.mkdir()
    (folder / "tags.json").write_text(json.dumps([{"tag": "cv"}]))
    (folder / "notes.txt").write_text("kept")
    path = folder / f"projects.{kind}"
    if kind == "json":
        path.write_text(json.dumps(ROWS, indent=2, ensure_ascii=False) + "\n", "utf-8")
    elif kind == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    elif kind == "csv":
        with path.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(ROWS[0])
            writer.writerows(
                [json.dumps(v) if isinstance(v, list) else v for v in row.values()] for row in ROWS
            )
    else:
        import pyarrow
        import pyarrow.parquet as parquet

        parquet.write_table(pyarrow.Table.from_pylist(ROWS), path)
    return path


@pytest.mark.parametrize("kind", ["json", "jsonl", "csv", "parquet"])
def test_only_tags_change_in_a_new_folder(tmp_path, kind):
    path = write(tmp_path / "data", kind)
    original = path.read_bytes()
    before = load_dataset(tmp_path / "data")
    applied = apply_changes(tmp_path / "data", CHANGES, tmp_path / "new")
    after = load_dataset(tmp_path / "new")
    assert [p.tags for p in after.projects] == [("cv", "graphs"), (), ()]
    assert [(p.id, p.title, p.description, p.extra) for p in after.projects] == [
        (p.id, p.title, p.description, p.extra) for p in before.projects
    ]
    assert path.read_bytes() == original
    assert (applied.num_projects, applied.num_added, applied.num_removed) == (2, 1, 2)
    assert (applied.num_same, applied.unknown) == (1, ("404",))
    assert (applied.digest_before, applied.digest_after) == (before.digest, after.digest)
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == [
        "notes.txt",
        f"projects.{kind}",
        "tags.json",
    ]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["data", "new"]


@pytest.mark.parametrize("kind", ["json", "jsonl", "csv"])
def test_without_changes_the_file_is_the_same_to_the_byte(tmp_path, kind):
    path = write(tmp_path / "data", kind)
    apply_changes(tmp_path / "data", {}, tmp_path / "new")
    assert (tmp_path / "new" / path.name).read_bytes() == path.read_bytes()


def test_parquet_keeps_its_types(tmp_path):
    import pyarrow.parquet as parquet

    path = write(tmp_path / "data", "parquet")
    apply_changes(tmp_path / "data", CHANGES, tmp_path / "new")
    assert parquet.read_schema(tmp_path / "new" / path.name) == parquet.read_schema(path)


def test_an_empty_folder_may_be_the_target(tmp_path):
    write(tmp_path / "data", "json")
    (tmp_path / "new").mkdir()
    assert apply_changes(tmp_path / "data", CHANGES, tmp_path / "new").num_projects == 2


def test_removing_the_last_tag_leaves_an_empty_list(tmp_path):
    write(tmp_path / "data", "json")
    apply_changes(tmp_path / "data", {"2": {"remove": ["nlp"]}}, tmp_path / "new")
    rows = json.loads((tmp_path / "new" / "projects.json").read_text("utf-8"))
    assert rows[1]["tags"] == []


def test_nothing_is_overwritten(tmp_path):
    write(tmp_path / "data", "json")
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "mine").write_text("precious")
    with pytest.raises(TagifaiError, match="exists and is not empty"):
        apply_changes(tmp_path / "data", CHANGES, tmp_path / "new")
    with pytest.raises(TagifaiError, match="exists and is not empty"):
        apply_changes(tmp_path / "data", CHANGES, tmp_path / "data")
    with pytest.raises(TagifaiError, match="lies within the data folder"):
        apply_changes(tmp_path / "data", CHANGES, tmp_path / "data" / "new")
