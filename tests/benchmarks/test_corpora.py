import pytest

from benchmarks.corpora import enlarge
from benchmarks.counted import PlainCount
from benchmarks.straightforward import preprocess
from tagifai.data import Dataset, Project, Tag
from tagifai.data.config import DataConfig
from tagifai.data.frequency import build_frequency_table, select_by_frequency
from tagifai.text.preprocessing import preprocess_text

PROJECTS = [
    {"id": 1, "title": "one two", "description": "three four five", "tags": ["a", "b"]},
    {"id": 2, "title": "six", "description": "", "tags": ["a", "left-out"]},
    {"id": 3, "title": "seven", "description": "eight", "tags": ["c", "unknown"]},
]


def test_copies_have_other_ids_the_same_words_and_the_same_tags():
    many = list(enlarge(PROJECTS, 3))
    assert many[:3] == PROJECTS
    assert [p["id"] for p in many[3:]] == ["1-1", "2-1", "3-1", "1-2", "2-2", "3-2"]
    for number, project in enumerate(many):
        real = PROJECTS[number % 3]
        assert sorted(project["description"].split()) == sorted(real["description"].split())
        assert project["tags"] == real["tags"]
    assert list(enlarge(PROJECTS, 3)) == many


def test_the_plain_count_agrees_with_the_apps_at_every_frequency():
    tags = {name: Tag(name) for name in ("a", "b", "c", "left-out")}
    projects = [Project(str(p["id"]), "", "", tuple(p["tags"])) for p in PROJECTS]
    config = DataConfig(excluded=("left-out",))
    table = build_frequency_table(Dataset(tuple(projects), tags, "", config))
    plain = PlainCount(PROJECTS, [{"tag": name} for name in tags], ["left-out"])
    for frequency in (1, 2, 3):
        shown, selection = plain.at(frequency), select_by_frequency(table, frequency)
        assert tuple(shown.kept) == selection.kept
        assert tuple(shown.just_made) == selection.just_made
        assert tuple(shown.just_missed) == selection.just_missed
        assert tuple(shown.tags_per_project) == selection.tags_per_project
    assert plain.boundary(9) == 2


@pytest.mark.parametrize("stem", [False, True])
@pytest.mark.parametrize("lower", [False, True])
def test_the_straightforward_form_gives_the_same_text(lower, stem):
    text = "Don't miss https://a.example/b?c: the state-of-the-art, You’ll READ www.x.org “twice”!"
    assert preprocess(text, lower=lower, stem=stem) == preprocess_text(text, lower=lower, stem=stem)
