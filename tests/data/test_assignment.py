import json

import pytest

from tagifai.data import Project, load_dataset
from tagifai.data.assignment import list_groups, name_split, pack_splits, read_splits
from tagifai.errors import TagifaiError


def folder(tmp_path, splits, file=None):
    rows = [
        {"id": number, "title": "t", "description": "d", "tags": [], **({"split": s} if s else {})}
        for number, s in enumerate(splits)
    ]
    (tmp_path / "projects.json").write_text(json.dumps(rows))
    if file is not None:
        (tmp_path / "splits.json").write_text(file)
    return tmp_path


def test_the_split_column_is_read_under_any_of_its_usual_names(tmp_path):
    data = load_dataset(folder(tmp_path, ["train", "Validation", "dev", " TEST ", None]))
    assert data.splits == {"0": "train", "1": "val", "2": "val", "3": "test"}


def test_a_file_of_splits_is_read_and_changes_the_digest(tmp_path):
    before = load_dataset(folder(tmp_path, [None] * 3)).digest
    data = load_dataset(folder(tmp_path, [None] * 3, '{"0": "train", "2": "test"}'))
    assert data.splits == {"0": "train", "2": "test"}
    assert data.digest != before


def test_what_is_written_is_read(tmp_path):
    splits = {"0": "train", 'a "b"': "val", "2": "test"}
    (tmp_path / "splits.json").write_bytes(pack_splits(splits))
    projects = [Project(one, "", "", ()) for one in splits]
    assert read_splits(tmp_path, projects, tmp_path / "projects.json") == splits


@pytest.mark.parametrize(
    ("splits", "file", "told"),
    [
        (["train", "fold 3"], None, r"project '1', split: 'fold 3' is not a split; allowed: train"),
        (["train"], '{"0": "test"}', "have a column named split too; remove one"),
        ([None], '{"7": "test"}', "splits.json: '7' is not the id of a project"),
        ([None], '{"0": 3}', "splits.json: project '0': 3 is not a split"),
        ([None], '["0"]', "splits.json: an object is needed, got list"),
        ([None], '{"0": ', "splits.json: not JSON"),
    ],
)
def test_a_mistake_is_told(tmp_path, splits, file, told):
    with pytest.raises(TagifaiError, match=told):
        load_dataset(folder(tmp_path, splits, file))


def test_splits_of_as_many_projects_as_there_are_come_back(tmp_path):
    splits = {f"project number {number}": "train" for number in range(300_000)}
    content = pack_splits(splits)
    assert len(content) > 10_000_000
    (tmp_path / "splits.json").write_bytes(content)
    projects = [Project(one, "", "", ()) for one in splits]
    assert read_splits(tmp_path, projects, tmp_path / "projects.json") == splits


def test_names_of_splits():
    assert [name_split(name, "") for name in ("training", "valid", "eval")] == [
        "train", "val", "test",
    ]  # fmt: skip


def test_projects_without_a_group_are_alone():
    assert list_groups(["1", "2"], [{}, {"group": None}]) is None
    rows = [{"group": 3}, {"group": ""}, {"group": 3}, {}]
    found = list_groups(["a", "b", "c", "d"], rows)
    assert found == ["group 3", "project b", "group 3", "project d"]
