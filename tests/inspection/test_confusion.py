import pytest

from tagifai.errors import TagifaiError
from tagifai.inspection.confusion import (
    KINDS,
    Confusion,
    confused_ids,
    confused_with,
    confusion_matrix,
)
from tagifai.predictions import Predictions

CUTS = {"a": 0.5, "b": 0.5, "c": 0.5}


@pytest.fixture
def predictions() -> Predictions:
    return Predictions.of(
        ["p", "q", "r", "s", "u"],
        ["test", "test", "test", "test", "train"],
        ["a", "b", "c"],
        [[1, 0, 0], [1, 0, 1], [0, 1, 0], [1, 1, 0], [1, 0, 0]],
        [
            [0.1, 0.9, 0.2],  # a missed, b instead
            [0.9, 0.8, 0.9],  # a right, b along
            [0.7, 0.2, 0.1],  # a in place of b
            [0.2, 0.3, 0.9],  # a and b missed, c instead of both
            [0.1, 0.9, 0.9],
        ],
    )


def test_errors_that_fall_on_the_same_project_are_counted_by_kind(predictions):
    assert confused_with(predictions, CUTS, "a") == [
        Confusion("b", {"instead": 1, "along": 1, "in place of": 1, "missed with": 1}),
        Confusion("c", {"instead": 1, "along": 0, "in place of": 0, "missed with": 0}),
    ]


def test_each_cell_leads_to_its_projects(predictions):
    cells = {kind: confused_ids(predictions, CUTS, "a", "b", kind) for kind in KINDS}
    assert cells == {"instead": ["p"], "along": ["q"], "in place of": ["r"], "missed with": ["s"]}
    assert confused_ids(predictions, CUTS, "a", "b", "instead", "train") == ["u"]


def test_the_matrix_holds_all_pairs(predictions):
    assert confusion_matrix(predictions, CUTS).tolist() == [[0, 1, 1], [1, 0, 1], [0, 0, 0]]


@pytest.mark.parametrize("kind", list(KINDS))
def test_matrix_table_and_projects_agree(predictions, kind):
    matrix = confusion_matrix(predictions, CUTS, kind=kind)
    for row, tag in enumerate(predictions.tags):
        table = {r.tag: r.counts[kind] for r in confused_with(predictions, CUTS, tag)}
        for column, other in enumerate(predictions.tags):
            if tag != other:
                ids = confused_ids(predictions, CUTS, tag, other, kind)
                assert matrix[row, column] == len(ids) == table.get(other, 0)


def test_what_cannot_be_answered_is_said(predictions):
    with pytest.raises(TagifaiError, match="choose two different tags, got 'a' twice"):
        confused_ids(predictions, CUTS, "a", "a", "instead")
    with pytest.raises(TagifaiError, match="unknown kind of confusion 'insted': did you mean"):
        confusion_matrix(predictions, CUTS, kind="insted")
    with pytest.raises(TagifaiError, match="unknown tag 'd'"):
        confused_with(predictions, CUTS, "d")


def test_a_tag_is_not_confused_with_itself(predictions):
    matrix = confusion_matrix(predictions, CUTS, kind="missed with")
    assert matrix.diagonal().tolist() == [0, 0, 0]
    assert matrix.tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 0]]
