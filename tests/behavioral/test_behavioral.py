import json
from collections import Counter

import pytest

from tagifai.behavioral import (
    BehavioralTest,
    Case,
    load_behavioral_tests,
    run_behavioral,
    saved_tests,
)
from tagifai.behavioral.results import Score
from tagifai.data import Tag, known_tags, load_dataset
from tagifai.errors import TagifaiError

MFT = BehavioralTest("MFT", "mft-name", (Case("About graphs.", ("graphs",), ("keras",)),))
INV = BehavioralTest("INV", "inv-verb", (Case("Graphs help."), Case("Graphs aid.")))
DIR = BehavioralTest(
    "DIR", "dir-swap", (Case("About graphs.", ("graphs",)), Case("About keras.", ("keras",)))
)


def naming(texts):
    """Predict each tag whose name stands in the text."""
    return [{tag for tag in ("graphs", "keras") if tag in text.lower()} for text in texts]


@pytest.mark.parametrize(
    ("test", "predicted", "expected"),
    [
        (MFT, [{"graphs"}], True),
        (MFT, [["graphs", "other"]], True),
        (MFT, [{"graphs", "keras"}], False),
        (MFT, [set()], False),
        (INV, [{"graphs"}, {"graphs"}], True),
        (INV, [set(), set()], True),
        (INV, [{"graphs"}, {"graphs", "keras"}], False),
        (DIR, [{"graphs"}, {"keras"}], True),
        (DIR, [{"graphs", "keras"}, {"keras"}], True),
        (DIR, [{"graphs", "keras"}, {"graphs", "keras"}], False),
        (DIR, [{"graphs"}, set()], False),
    ],
)
def test_verdicts(test, predicted, expected):
    assert test.passes(predicted) is expected


def test_invariance_with_tags_asks_for_those_alone():
    test = BehavioralTest("INV", "g", (Case("a", ("graphs",)), Case("b", ("graphs",))))
    assert test.passes([{"graphs"}, {"graphs", "keras"}])
    assert not test.passes([{"graphs"}, {"keras"}])


def test_run():
    wrong = BehavioralTest("MFT", "mft-alias", (Case("About nets.", ("graphs",)),))
    unknown = BehavioralTest("MFT", "mft-name", (Case("About flask.", ("flask",)),))
    result = run_behavioral([MFT, INV, DIR, wrong, unknown], naming, ["graphs", "keras"]).to_dict()
    assert {key: result[key] for key in ("score", "num_samples", "skipped")} == {
        "score": 0.75,
        "num_samples": 4,
        "skipped": 1,
    }
    assert result["by_type"] == {
        "DIR": {"score": 1.0, "num_samples": 1, "name_matcher": 1.0},
        "INV": {"score": 1.0, "num_samples": 1, "name_matcher": 1.0},
        "MFT": {"score": 0.5, "num_samples": 2, "name_matcher": 0.5},
    }
    assert result["by_group"]["mft-alias"] == {"score": 0.0, "num_samples": 1, "name_matcher": 0.0}
    assert result["by_group"]["mft-name"] == {"score": 1.0, "num_samples": 1, "name_matcher": 1.0}
    assert result["by_part"] == {"saved": {"score": 0.75, "num_samples": 4, "name_matcher": 0.75}}
    assert [entry["type"] for entry in result["results"]["passed"]] == ["MFT", "INV", "DIR"]
    assert result["results"]["failed"] == [
        {
            "part": "saved",
            "type": "MFT",
            "group": "mft-alias",
            "texts": ["About nets."],
            "expected": [["graphs"]],
            "forbidden": [[]],
            "predicted": [[]],
        }
    ]
    assert json.loads(json.dumps(result)) == result


def test_the_name_matcher_stands_beside_a_model_that_knows_nothing():
    aliased = BehavioralTest("MFT", "mft-alias", (Case("About nets.", ("graphs",)),))
    result = run_behavioral(
        [MFT, INV, DIR, aliased],
        lambda texts: [()] * len(texts),
        ["graphs", "keras"],
        {"graphs": Tag("graphs", ("nets",))},
    )
    assert (result.overall.score, result.overall.name_matcher) == (0.25, 1.0)
    assert result.by_group["mft-alias"] == Score(0.0, 1, 1.0)


def test_one_call_for_all_texts_each_once():
    calls = []

    def predict(texts):
        calls.append(texts)
        return naming(texts)

    run_behavioral(iter([MFT, INV, DIR]), predict, iter(["graphs", "keras"]))
    assert calls == [["About graphs.", "Graphs help.", "Graphs aid.", "About keras."]]


def test_no_test_that_the_model_knows():
    def predict(texts):
        raise AssertionError("nothing to predict")

    result = run_behavioral([MFT], predict, ["other"]).to_dict()
    assert result == {
        "score": None,
        "num_samples": 0,
        "name_matcher": None,
        "skipped": 1,
        "by_part": {},
        "by_type": {},
        "by_group": {},
        "results": {"passed": [], "failed": []},
    }


def test_the_demonstration_brings_its_own(embedded_data):
    tests = saved_tests(embedded_data, known_tags(load_dataset(embedded_data)))
    assert Counter(test.type for test in tests) == {"INV": 10, "DIR": 10, "MFT": 10}
    assert Counter(test.group for test in tests if test.group.startswith("basic-")) == {
        "basic-inv": 3,
        "basic-dir": 3,
        "basic-mft": 3,
    }
    assert len({test.cases for test in tests}) == 30
    assert all(test.tags for test in tests)


def test_tests_are_those_of_the_data_folder_alone(tmp_path):
    assert saved_tests(tmp_path) == ()
    row = {"type": "MFT", "group": "ours", "cases": [{"text": "a", "expected": [" graphs"]}]}
    (tmp_path / "behavioral.json").write_text(json.dumps([row]))
    ours = (BehavioralTest("MFT", "ours", (Case("a", ("graphs",)),)),)
    assert saved_tests(tmp_path) == saved_tests(tmp_path, ["graphs"]) == ours


def test_tags_that_the_data_does_not_have_are_refused(tmp_path):
    rows = [
        {"type": "MFT", "group": "g", "cases": [{"text": "a", "expected": ["graphs"]}]},
        {
            "type": "MFT",
            "group": "g",
            "cases": [{"text": "a", "expected": ["Graphs"], "forbidden": ["kera", "graphs"]}],
        },
    ]
    (tmp_path / "behavioral.json").write_text(json.dumps(rows))
    with pytest.raises(TagifaiError) as caught:
        saved_tests(tmp_path, ["graphs", "keras"])
    assert str(caught.value) == (
        f"{tmp_path}/behavioral.json: row 2, cases: 2 unknown tags: "
        "'Graphs' (did you mean 'graphs'?), 'kera' (did you mean 'keras'?)"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"type": "ABC"}, "row 1, type: .*'INV', 'DIR' or 'MFT', got 'ABC'"),
        ({"group": ""}, "row 1, group: .*at least 1"),
        ({"cases": []}, "row 1, cases: .*at least 1 item"),
        ({"cases": [{"text": "a"}]}, "row 1: an MFT needs a tag expected or forbidden"),
        ({"cases": [{"text": "a", "expected": "b"}]}, "row 1, cases.0.expected: .*valid list"),
        ({"cases": [{"expected": ["b"]}]}, "row 1, cases.0.text: Field required"),
        (
            {"cases": [{"text": "a", "expected": ["b"], "forbidden": ["b"]}]},
            "row 1, cases.0: 'b' is both expected and forbidden",
        ),
        ({"type": "INV"}, "row 1: INV compares: it needs two cases with different texts"),
        ({"type": "DIR"}, "row 1: DIR compares: it needs two cases with different texts"),
        ({"why": "x"}, "row 1, why: Extra inputs are not permitted"),
    ],
)
def test_malformed(tmp_path, change, message):
    row = {"type": "MFT", "group": "g", "cases": [{"text": "a", "expected": ["b"]}]} | change
    (tmp_path / "t.json").write_text(json.dumps([row]))
    with pytest.raises(TagifaiError, match=rf"t\.json: {message}"):
        load_behavioral_tests(tmp_path / "t.json")


def test_missing_file(tmp_path):
    with pytest.raises(TagifaiError, match="cannot be read"):
        load_behavioral_tests(tmp_path / "none.json")
