import numpy as np
import pytest

from tagifai.data import Project
from tagifai.inference.similar import SimilarProjects
from tagifai.label_errors.evidence import nearest_neighbours
from tagifai.models.features import TextCleaner
from tagifai.text.preprocessing import FILTERS

PROJECTS = [
    Project("1", "Graph networks", "on molecules", ("gnn", "chemistry")),
    Project("2", "A graph network", "for proteins and molecules", ("gnn",)),
    Project("3", "Cooking pasta", "", ("food",)),
    Project("4", "The", "of", ()),
]


def test_the_nearest_come_first_with_their_tags():
    found = SimilarProjects(PROJECTS).find("Graph networks on molecules!")
    assert [(one.project.id, one.project.tags) for one in found] == [
        ("1", ("gnn", "chemistry")),
        ("2", ("gnn",)),
    ]
    assert found[0].likeness == pytest.approx(1.0)
    assert 0 < found[1].likeness < 1


@pytest.mark.parametrize("text", ["", "of the", "zzzz", "<b>\x00\ud800</b>"])
def test_a_text_that_shares_no_word_is_like_none(text):
    assert SimilarProjects(PROJECTS).find(text) == []


def test_projects_without_words_are_like_nothing():
    assert SimilarProjects([PROJECTS[3]]).find("graph") == []


def test_the_same_neighbours_as_in_the_evidence_on_label_errors():
    rng = np.random.default_rng(3)
    words = [f"word{i}" for i in range(30)]
    projects = [Project(str(i), " ".join(rng.choice(words, 8)), "", ()) for i in range(40)]
    texts = TextCleaner(filters=FILTERS).transform([project.text for project in projects])
    rows, likeness = nearest_neighbours(texts, k=3)
    index = SimilarProjects(projects)
    for row, project in enumerate(projects):
        found = [one for one in index.find(project.text, 4) if one.project.id != project.id]
        assert [one.likeness for one in found[:3]] == pytest.approx(likeness[row], abs=1e-5)
        assert {one.project.id for one in found[:1]} == {str(rows[row][0])}
