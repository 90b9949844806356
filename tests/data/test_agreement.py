import json
from pathlib import Path

import pytest

from tagifai.data import Project, load_dataset
from tagifai.data.agreement import Agreement, measure_agreement
from tagifai.errors import TagifaiError

PROJECTS = {"1": Project("1", "t", "d", ("a", "b")), "2": Project("2", "t", "d", ("c",))}


def test_agreement_is_pooled_over_pairs(tmp_path: Path) -> None:
    assert measure_agreement(tmp_path, PROJECTS) is None
    rows = [{"id": 1, "tags": ["a"]}, {"id": "2", "tags": ["c", "d"]}]
    (tmp_path / "second_tags.json").write_text(json.dumps(rows))
    # Two shared of three and three.
    assert measure_agreement(tmp_path, PROJECTS) == Agreement(2, 2 / 3)


def test_an_unknown_project_is_named(tmp_path: Path) -> None:
    (tmp_path / "second_tags.json").write_text('[{"id": 9, "tags": []}]')
    with pytest.raises(TagifaiError, match="row 1, id: '9' is not in the data"):
        measure_agreement(tmp_path, PROJECTS)


def test_a_tenth_of_the_embedded_corpus_was_tagged_twice(embedded_data: Path) -> None:
    projects = {project.id: project for project in load_dataset(embedded_data).projects}
    found = measure_agreement(embedded_data, projects)
    assert found is not None
    assert found.num_projects >= len(projects) // 10
    assert found.f1 > 0.8


def test_two_taggings_without_a_tag_have_nothing_to_agree_on(tmp_path: Path) -> None:
    bare = {"1": Project("1", "t", "d", ())}
    (tmp_path / "second_tags.json").write_text('[{"id": 1, "tags": []}]')
    assert measure_agreement(tmp_path, bare) == Agreement(1, None)
