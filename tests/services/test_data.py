import json
import os

import pytest

from tagifai.data.config import DataConfig
from tagifai.errors import TagifaiError
from tagifai.services.data import DataDesk

PROJECTS = [
    {"id": 7, "title": "Masks", "description": "of regions", "tags": ["cv"], "url": "u"},
    {"id": 9, "title": "Words", "description": "in masks", "tags": ["cv", "nlp", "python"]},
]
TAGS = [{"tag": "cv", "aliases": ["vision"]}, {"tag": "nlp", "parents": ["cv"]}]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "projects.json").write_text(json.dumps(PROJECTS))
    (tmp_path / "tags.json").write_text(json.dumps(TAGS))
    (tmp_path / "data.toml").write_text('excluded = ["python"]\n')
    return tmp_path


def test_the_data_is_read_once_while_its_files_stay_the_same(folder):
    desk = DataDesk(folder)
    assert desk.get() is desk.get()


def test_a_changed_file_is_seen(folder):
    desk = DataDesk(folder)
    before = desk.get()
    (folder / "projects.json").write_text(json.dumps(PROJECTS[:1]))

    assert [p.id for p in before.dataset.projects] == ["7", "9"]
    assert [p.id for p in desk.get().dataset.projects] == ["7"]
    (folder / "tags.json").unlink()
    assert dict(desk.get().dataset.tags) == {}
    (folder / "data.toml").write_text('language = "german"')
    assert desk.get().dataset.config == DataConfig(language="german")


def test_a_file_put_in_its_place_is_seen_though_its_time_and_size_are_the_same(folder):
    desk = DataDesk(folder)
    desk.get()
    projects, other = folder / "projects.json", folder / "other"
    other.write_text(projects.read_text().replace("Masks", "Marks"))
    was = projects.stat()
    os.utime(other, ns=(was.st_atime_ns, was.st_mtime_ns))
    other.replace(projects)

    assert desk.get().dataset.projects[0].title == "Marks"


def test_changes_of_files_read_in_place_are_seen(tmp_path):
    (tmp_path / "data.toml").write_text('[columns]\nfile = "a.csv"\ntext = "t"\ntags = "tag"\n')
    (tmp_path / "a.csv").write_text("t,tag\nOne,a\n")
    desk = DataDesk(tmp_path)
    before = desk.get()
    assert desk.get() is before
    (tmp_path / "a.csv").write_text("t,tag\nOne,a\nTwo,b\n")
    assert [p.description for p in desk.get().dataset.projects] == ["One", "Two"]
    (tmp_path / "b.csv").write_text("t,tag\nThree,c\n")
    (tmp_path / "data.toml").write_text('[columns]\nfile = "b.csv"\ntext = "t"\ntags = "tag"\n')
    assert [p.description for p in desk.get().dataset.projects] == ["Three"]
    (tmp_path / "b.csv").unlink()
    with pytest.raises(TagifaiError, match=r"b\.csv: no such file or folder"):
        desk.get()


def test_a_damaged_file_is_an_error_until_it_is_mended(folder):
    desk = DataDesk(folder)
    whole = (folder / "projects.json").read_text()
    desk.get()
    (folder / "projects.json").write_text("[{")
    for _ in range(2):
        with pytest.raises(TagifaiError, match=r"projects\.json: not JSON"):
            desk.get()
    (folder / "projects.json").write_text(whole)
    assert len(desk.get().dataset.projects) == 2


def test_a_folder_that_comes_later_is_read(tmp_path):
    desk = DataDesk(tmp_path / "data")
    with pytest.raises(TagifaiError, match="no such data folder"):
        desk.get()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "projects.json").write_text(json.dumps(PROJECTS))
    assert len(desk.get().dataset.projects) == 2


def test_the_data_is_described(folder):
    facts = DataDesk(folder).get().description
    assert facts.pop("digest")
    assert facts == {
        "sample": {**PROJECTS[0], "id": "7"},
        "tags": ["cv", "nlp", "python"],
        "most_common": 2,
        "counts": [1, 2],
        "excluded": {"python": 1},
        "unlisted": {},
        "unlabelled": 0,
        "text": "Masks of regions",
        "language": "english",
    }


def test_a_tag_is_described(folder):
    data = DataDesk(folder).get()
    assert data.describe_tag("cv") == {
        "tag": "cv",
        "aliases": ["vision"],
        "parents": [],
        "children": ["nlp"],
        "num_projects": 2,
    }
    with pytest.raises(TagifaiError, match="unknown tag 'nlq': did you mean 'nlp'"):
        data.describe_tag("nlq")


def test_a_tags_words_are_counted(folder):
    assert DataDesk(folder).get().count_words("cv") == (("masks", 2), ("regions", 1), ("words", 1))
