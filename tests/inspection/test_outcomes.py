import pytest

from tagifai.data import Project
from tagifai.errors import TagifaiError
from tagifai.inspection.outcomes import OUTCOMES, Outcome, describe_rows, outcome_rows
from tagifai.predictions import Predictions

CUTS = {"cv": 0.5, "nlp": 0.5}
TEXTS = {
    "p1": Project("p1", "Seeing cats", "A long description of cats", ("cv",)),
    "p2": Project("p2", "Reading", "short", ("nlp",)),
    "p3": Project("p3", "Both CATS and words", "medium length", ("cv", "nlp")),
    "p4": Project("p4", "Neither", "", ()),
}


@pytest.fixture
def predictions() -> Predictions:
    return Predictions.of(
        ["p1", "p2", "p3", "p4", "gone", "p6"],
        ["test", "test", "test", "test", "test", "train"],
        ["cv", "nlp"],
        [[0, 0], [0, 1], [0, 1], [1, 0], [0, 0], [0, 0]],
        [[0.9, 0.6], [0.55, 0.7], [0.7, 0.9], [0.3, 0.1], [0.8, 0.2], [0.99, 0.1]],
    )


def select_outcomes(predictions, thresholds, tag, outcome, **choice):
    rows = outcome_rows(predictions, thresholds, tag, outcome, **choice)
    return describe_rows(predictions, thresholds, tag, rows, choice.get("texts", {}))


def ids(records):
    return [record.id for record in records]


def test_each_outcome_holds_its_projects_of_the_split(predictions):
    found = {o: ids(select_outcomes(predictions, CUTS, "cv", o)) for o in OUTCOMES}
    assert found == {"tp": [], "fp": ["p1", "gone", "p3", "p2"], "fn": ["p4"], "tn": []}
    assert ids(select_outcomes(predictions, CUTS, "cv", "fp", split="train")) == ["p6"]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("confident", ["p1", "gone", "p3", "p2"]),
        ("least confident", ["p2", "p3", "gone", "p1"]),
        ("longest", ["p1", "p3", "p2", "gone"]),
    ],
)
def test_orders(predictions, order, expected):
    found = select_outcomes(predictions, CUTS, "cv", "fp", order=order, texts=TEXTS)
    assert ids(found) == expected


def test_confident_false_negatives_are_the_least_likely():
    p = Predictions.of("ab", ["test"] * 2, ["cv"], [[1], [1]], [[0.4], [0.1]])
    assert ids(select_outcomes(p, {"cv": 0.5}, "cv", "fn")) == ["b", "a"]


def test_random_order_is_settled_by_its_seed(predictions):
    orders = [
        tuple(outcome_rows(predictions, CUTS, "cv", "fp", order="random", seed=s))
        for s in (1, 1, 2, 3, 4)
    ]
    assert orders[0] == orders[1]
    assert len(set(orders)) > 1
    assert {tuple(sorted(order)) for order in orders} == {(0, 1, 2, 4)}


def test_search_looks_at_every_word_whatever_its_case(predictions):
    found = select_outcomes(predictions, CUTS, "cv", "fp", query="cats SEEING", texts=TEXTS)
    assert ids(found) == ["p1"]


def test_a_record_carries_id_tags_probability_and_threshold(predictions):
    record = select_outcomes(predictions, CUTS, "cv", "fp", texts=TEXTS)[0]
    assert record == Outcome(
        id="p1",
        split="test",
        y_true=[],
        y_pred=["cv", "nlp"],
        probability=pytest.approx(0.9),
        threshold=0.5,
        title="Seeing cats",
        description="A long description of cats",
        gone=False,
    )


def test_a_project_that_is_gone_from_the_data_is_marked(predictions):
    records = describe_rows(predictions, CUTS, "cv", [4, 3], TEXTS)
    assert [(r.id, r.gone, r.title) for r in records] == [
        ("gone", True, ""),
        ("p4", False, "Neither"),
    ]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"outcome": "fpp"}, "unknown outcome 'fpp'"),
        ({"order": "shortest"}, "unknown order 'shortest'"),
        ({"tag": "cw"}, "unknown tag 'cw': allowed: cv, nlp"),
        ({"query": "cat"}, "texts are needed to search"),
        ({"order": "longest"}, "texts are needed to search or to sort by length"),
    ],
)
def test_what_cannot_be_answered_is_said(predictions, given, message):
    arguments = {"tag": "cv", "outcome": "fp", **given}
    with pytest.raises(TagifaiError, match=message):
        outcome_rows(predictions, CUTS, arguments.pop("tag"), arguments.pop("outcome"), **arguments)
