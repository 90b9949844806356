from tagifai.behavioral import BehavioralTest, Case, run_behavioral
from tagifai.behavioral.results import BehavioralResults, Score, TestResult, read_results

TESTS = (
    BehavioralTest("MFT", "mft-name", (Case("About graphs.", ("graphs",)),)),
    BehavioralTest("INV", "inv-verb", (Case("Graphs help.", (), ("keras",)), Case("Graphs aid."))),
)


def test_results_come_back_from_json_as_they_were():
    results = run_behavioral(TESTS, lambda texts: [["graphs"]] * len(texts), ["graphs", "keras"])
    assert results.overall == Score(1.0, 2, 1.0)
    assert read_results(results.to_dict()) == results


def test_no_test_has_no_score():
    assert read_results({}) == BehavioralResults(Score(None, 0, None))
    assert read_results({"results": "none", "by_part": 3, "skipped": True}).to_dict() == {
        "score": None,
        "num_samples": 0,
        "name_matcher": None,
        "skipped": 0,
        "by_part": {},
        "by_type": {},
        "by_group": {},
        "results": {"passed": [], "failed": []},
    }


def test_an_older_system_s_tests_are_read_and_counted():
    old = {
        "type": "INV",
        "input": {"text": "Transformers are new.", "tags": ["transformers"]},
        "prediction": {"predicted_tags": ["nlp"]},
    }
    results = read_results({"score": 0.5, "results": {"passed": [old], "failed": ["?"]}})
    assert results.overall == Score(0.5, 2)
    assert results.passed == (
        TestResult(
            "INV",
            "",
            "",
            ("Transformers are new.",),
            expected=(("transformers",),),
            predicted=(("nlp",),),
        ),
    )
    assert results.failed == (TestResult("", "", "", ("?",)),)


def test_scores_that_are_no_records_are_left_out():
    found = read_results({"by_type": {"MFT": {"score": 0.5, "num_samples": 4.0}, "INV": 0.7}})
    assert found.by_type == {"MFT": Score(0.5, 4)}
