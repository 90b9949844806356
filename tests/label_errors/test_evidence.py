import numpy as np
import pytest

from tagifai.data import Project, Tag
from tagifai.label_errors.evidence import (
    CoTag,
    gather_evidence,
    name_found,
    nearest_neighbours,
    tags_along,
)
from tagifai.predictions import Predictions

TAGS = {"graphs": Tag("graphs"), "gnn": Tag("gnn", ("graph network",), ("graphs",))}
PROJECTS = {
    "1": Project("1", "Graph networks on molecules", "", ("gnn", "chemistry")),
    "2": Project("2", "A graph network for molecules", "", ("gnn", "graphs", "chemistry")),
    "3": Project("3", "Cooking pasta", "", ("graphs",)),
}


@pytest.fixture
def predictions() -> Predictions:
    return Predictions.of(
        ["1", "2", "3", "gone"],
        ["train"] * 4,
        ["gnn", "graphs"],
        [[1, 0], [1, 1], [0, 1], [0, 0]],
        [[0.5, 0.5]] * 4,
    )


def test_neighbours_are_the_nearest_texts_but_never_the_text_itself():
    rows, cosines = nearest_neighbours(["red cat", "red cat fish", "blue", "blue sky"], k=2)
    assert rows[:, 0].tolist() == [1, 0, 3, 2]
    assert all(row not in near for row, near in enumerate(rows.tolist()))
    assert cosines[0, 1] == 0


@pytest.mark.parametrize("texts", [[], ["alone"], ["", ""]])
def test_without_words_or_others_there_is_no_neighbour(texts):
    rows, cosines = nearest_neighbours(texts)
    assert rows.shape == cosines.shape == (len(texts), 0)


def test_many_texts_are_compared_across_chunks():
    texts = [f"word{i // 2} common" for i in range(1100)]
    rows, _ = nearest_neighbours(texts, k=1)
    assert rows.ravel().tolist() == [i ^ 1 for i in range(1100)]


def test_a_name_of_a_tag_below_speaks_for_the_tag(predictions):
    evidence = gather_evidence(predictions, PROJECTS, TAGS)
    assert evidence.named.tolist() == [[0, 0], [1, 1], [0, 0], [0, 0]]
    assert name_found("A graph network", "graphs", TAGS) == "graph network"
    assert name_found("A telegraph network", "graphs", TAGS) is None


def test_the_share_is_that_of_the_neighbours(predictions):
    evidence = gather_evidence(predictions, PROJECTS, TAGS)
    assert evidence.neighbours[0, 0] == 1
    assert evidence.share[0].tolist() == [1.0, 1.0]
    assert evidence.share[2].tolist() == [0.0, 0.0]


def test_a_project_that_is_gone_has_no_evidence(predictions):
    evidence = gather_evidence(predictions, PROJECTS, TAGS)
    assert evidence.known.tolist() == [True, True, True, False]
    assert not evidence.along[3].any()


def test_tags_that_come_along_are_counted_without_the_project_itself(predictions):
    # One other project has "chemistry", with "graphs"; one other has "gnn", with "graphs".
    assert tags_along(predictions, PROJECTS, 0, "graphs") == (
        CoTag("chemistry", count=1, share=1.0),
        CoTag("gnn", count=1, share=1.0),
    )


def test_a_tag_that_comes_along_raises_the_ratio():
    n = 60
    p = Predictions.of(range(n), ["train"] * n, ["t"], [[i % 2] for i in range(n)], [[0.5]] * n)
    projects = {
        str(i): Project(str(i), "x", "", ("along",) if i % 2 else ("apart",)) for i in range(n)
    }
    along = gather_evidence(p, projects, {}).along[:, 0]
    assert along[1::2].min() > 0.3
    assert along[::2].max() < -0.3
    assert np.isfinite(along).all()


def test_what_comes_along_is_learnt_from_other_projects():
    """A project's own label of a tag is no evidence for it."""
    rng = np.random.default_rng(0)
    ids = [str(i) for i in range(60)]
    truth = (rng.random((60, 3)) < 0.5).astype(int)

    def along(y_true):
        p = Predictions.of(ids, ["train"] * 60, ["a", "b", "c"], y_true, np.full((60, 3), 0.5))
        projects = {
            one: Project(one, f"w{one}", "", tuple(np.array(list("abc"))[y_true[i] == 1]))
            for i, one in enumerate(ids)
        }
        return gather_evidence(p, projects, {}).along

    changed = truth.copy()
    changed[7, 1] = 1 - changed[7, 1]
    assert along(changed)[7, 1] == pytest.approx(along(truth)[7, 1])
    assert along(changed)[8:].tolist() != along(truth)[8:].tolist()
