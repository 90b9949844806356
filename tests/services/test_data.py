import json
import os

import pytest

from tagifai.data.config import DataConfig
from tagifai.data.left_out import LeftOut
from tagifai.errors import TagifaiError
from tagifai.services.data import DataService, DataSummary, TagDetails, WordCounts

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
    data = DataService(folder)
    assert data.get() is data.get()


def test_a_changed_file_is_seen(folder):
    data = DataService(folder)
    before = data.get()
    (folder / "projects.json").write_text(json.dumps(PROJECTS[:1]))

    assert [p.id for p in before.dataset.projects] == ["7", "9"]
    assert [p.id for p in data.get().dataset.projects] == ["7"]
    (folder / "tags.json").unlink()
    assert dict(data.get().dataset.tags) == {}
    (folder / "data.toml").write_text('language = "german"')
    assert data.get().dataset.config == DataConfig(language="german")


def test_a_file_put_in_its_place_is_seen_though_its_time_and_size_are_the_same(folder):
    data = DataService(folder)
    data.get()
    projects, other = folder / "projects.json", folder / "other"
    other.write_text(projects.read_text().replace("Masks", "Marks"))
    was = projects.stat()
    os.utime(other, ns=(was.st_atime_ns, was.st_mtime_ns))
    other.replace(projects)

    assert data.get().dataset.projects[0].title == "Marks"


def test_changes_of_files_read_in_place_are_seen(tmp_path):
    (tmp_path / "data.toml").write_text('[columns]\nfile = "a.csv"\ntext = "t"\ntags = "tag"\n')
    (tmp_path / "a.csv").write_text("t,tag\nOne,a\n")
    data = DataService(tmp_path)
    before = data.get()
    assert data.get() is before
    (tmp_path / "a.csv").write_text("t,tag\nOne,a\nTwo,b\n")
    assert [p.description for p in data.get().dataset.projects] == ["One", "Two"]
    (tmp_path / "b.csv").write_text("t,tag\nThree,c\n")
    (tmp_path / "data.toml").write_text('[columns]\nfile = "b.csv"\ntext = "t"\ntags = "tag"\n')
    assert [p.description for p in data.get().dataset.projects] == ["Three"]
    (tmp_path / "b.csv").unlink()
    with pytest.raises(TagifaiError, match=r"b\.csv: no such file or folder"):
        data.get()


def test_a_damaged_file_is_an_error_until_it_is_mended(folder):
    data = DataService(folder)
    whole = (folder / "projects.json").read_text()
    data.get()
    (folder / "projects.json").write_text("[{")
    for _ in range(2):
        with pytest.raises(TagifaiError, match=r"projects\.json: not JSON"):
            data.get()
    (folder / "projects.json").write_text(whole)
    assert len(data.get().dataset.projects) == 2


def test_a_folder_that_comes_later_is_read(tmp_path):
    data = DataService(tmp_path / "data")
    with pytest.raises(TagifaiError, match="no such data folder"):
        data.get()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "projects.json").write_text(json.dumps(PROJECTS))
    assert len(data.get().dataset.projects) == 2


def test_the_data_is_summarised(folder):
    service = DataService(folder)
    project = service.get().dataset.projects[0]
    assert project.id == "7"
    assert service.summary() == DataSummary(
        sample=project,
        tags=["cv", "nlp", "python"],
        most_common=2,
        counts=[1, 2],
        left_out=LeftOut(excluded={"python": 1}),
        text="Masks of regions",
        language="english",
        digest=service.get().dataset.digest,
    )


def test_a_tag_is_described(folder):
    data = DataService(folder)
    assert data.describe_tag("cv") == TagDetails("cv", ["vision"], [], ["nlp"], 2)
    assert data.describe_tag("python") == TagDetails("python", [], [], [], 1)
    with pytest.raises(TagifaiError, match="unknown tag 'nlq': did you mean 'nlp'"):
        data.describe_tag("nlq")


def test_a_tags_words_are_counted(folder):
    words = (("masks", 2), ("regions", 1), ("words", 1))
    assert DataService(folder).get().count_words("cv") == WordCounts(words, 2, 2)


def test_the_words_of_a_tag_of_many_projects_are_those_of_a_sample(folder):
    rows = [
        {"id": n, "title": "even" if n < 3_000 else "late", "description": "", "tags": ["big"]}
        for n in range(4_000)
    ]
    (folder / "projects.json").write_text(json.dumps(rows))
    counted = DataService(folder).get().count_words("big")
    assert counted == WordCounts((("even", 750), ("late", 250)), 1_000, 4_000)
