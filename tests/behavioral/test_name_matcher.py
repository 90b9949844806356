import pytest

from tagifai.behavioral import NAME_RECOGNITION, run_behavioral
from tagifai.behavioral.generation import generate_tests
from tagifai.behavioral.name_matcher import find_names, index_names, match_names
from tagifai.data import Tag, load_dataset

TAGS = {
    "graph-neural-networks": Tag("graph-neural-networks", ("gnn", "graph nets")),
    "graphs": Tag("graphs"),
    "c++": Tag("c++"),
    "r": Tag("r"),
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Graph Neural Networks.", ["graph-neural-networks"]),
        ("graph-neural_networks", ["graph-neural-networks"]),
        ("A GNN for graphs", ["graph-neural-networks", "graphs"]),
        ("graph nets", ["graph-neural-networks"]),
        ("grpah neural networks", ["graph-neural-networks"]),
        ("rgahps and gnns", []),
        ("R", ["r"]),
        ("neural networks of a graph", []),
        ("", []),
    ],
)
def test_whole_names_are_matched_with_at_most_one_slip(text, expected):
    assert match_names([text], TAGS) == [expected]


def test_a_slip_that_makes_another_name_stands_for_that_alone():
    tags = {"texts": Tag("texts"), "tests": Tag("tests"), "teets": Tag("teets")}
    assert match_names(["texts", "tests", "teets"], tags) == [["texts"], ["tests"], ["teets"]]


def test_places_of_names():
    text = "İ: Graph nets, GNN"
    found = [(text[start:stop], sorted(tags)) for start, stop, tags in
             find_names(text, index_names(TAGS))]  # fmt: skip
    assert found == [
        ("Graph nets", ["graph-neural-networks"]),
        ("GNN", ["graph-neural-networks"]),
    ]
    assert match_names(["graph"], {}) == [[]]


def test_it_passes_nearly_all_name_recognition(embedded_data):
    tags = load_dataset(embedded_data).tags
    tests = generate_tests(tags)
    result = run_behavioral(tests, lambda texts: [()] * len(texts), tags, tags)
    assert list(result.by_part) == [NAME_RECOGNITION]
    assert result.by_part[NAME_RECOGNITION].name_matcher > 0.95
    assert result.by_type["MFT"].name_matcher > 0.95
    assert result.by_type["MFT"].score == 0
