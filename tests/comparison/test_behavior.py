import numpy as np
import pytest

from tagifai.comparison.behavior import (
    compare_behavior,
    flip_tests,
    measure_scores,
    read_outcomes,
)
from tagifai.comparison.proportions import clustered, wilson


def one_test(text, tag=None, group="mft-name", kind="MFT"):
    expected = [[tag]] if tag else [[]]
    return {
        "type": kind, "group": group, "texts": [text], "expected": expected, "forbidden": [[]],
        "predicted": [[]],
    }  # fmt: skip


def behavioral(outcomes, tag_of=lambda text: text.partition("-")[0], **kinds):
    """Make what performance.json keeps of {text: passed}; texts start with their tag."""
    results = {"passed": [], "failed": []}
    for text, passed in outcomes.items():
        results["passed" if passed else "failed"].append(one_test(text, tag_of(text), **kinds))
    return {"score": np.mean(list(outcomes.values())), "results": results}


def texts(tags, each):
    return [f"tag{tag}-{number}" for tag in range(tags) for number in range(each)]


def changed(before, after):
    """Judge versions that pass what `before` and `after` say of each text."""
    return compare_behavior(behavioral(before), behavioral(after))


def test_one_test_a_tag_is_mcnemar_s_exact_test():
    names = texts(40, 1)
    before = {name: place >= 9 for place, name in enumerate(names)}
    after = {name: place != 20 for place, name in enumerate(names)}
    row = changed(before, after)["all"]

    assert (row.a, row.b, row.support) == (31 / 40, 39 / 40, 40)
    assert row.diff == pytest.approx(0.2)
    # 9 fixed, 1 broken: 2 · (1 + 10) / 2¹⁰.
    assert row.p_value == pytest.approx(22 / 1024, abs=1e-3)
    assert row.low < 0.2 < row.high
    assert row.verdict == "better"


def test_tests_of_one_tag_count_as_one():
    names = texts(20, 5)
    before = dict.fromkeys(names, True)
    after = {name: not name.startswith(("tag0-", "tag1-", "tag2-")) for name in names}
    row = changed(before, after)["all"]

    # Fifteen tests are broken, all of three tags.
    assert row.diff == pytest.approx(-0.15)
    assert row.p_value == pytest.approx(0.25, abs=0.02)
    assert row.verdict == "can't tell"


def test_only_tests_that_both_ran_are_paired():
    before = dict.fromkeys(texts(12, 1), False)
    after = dict.fromkeys([*texts(12, 1)[:11], "tag99-0"], True)
    row = changed(before, after)["all"]

    assert (row.support, row.a, row.b) == (11, 0.0, 1.0)
    assert changed({"tag1-0": True}, {"tag2-0": True}) == {}


def test_a_test_is_the_same_only_with_the_same_tags():
    a = {"results": {"passed": [one_test("x", "cv")]}}
    b = {"results": {"failed": [one_test("x", "nlp")]}}

    assert compare_behavior(a, b) == {}
    assert flip_tests(a, b).broke == ()


def test_few_and_identical_results_say_so():
    some = dict.fromkeys(texts(9, 1), True)
    flipped = {name: place > 3 for place, name in enumerate(some)}

    assert changed(some, flipped)["all"].verdict == "too few"
    assert changed(some, some)["all"].verdict == "unchanged"


def test_types_and_groups_are_judged_too_with_false_discoveries_held():
    def both(passed):
        names = texts(30, 1)
        name = behavioral(dict.fromkeys(names, passed), group="mft-name")
        swap = behavioral(dict.fromkeys(names, True), group="dir-swap", kind="DIR")
        swap["results"]["passed"] = [
            {**one, "texts": [*one["texts"], "other"]} for one in swap["results"]["passed"]
        ]
        return {
            "score": 1.0,
            "results": {k: name["results"][k] + swap["results"][k] for k in ("passed", "failed")},
        }

    found = compare_behavior(both(False), both(True))
    assert {name: row.verdict for name, row in found.items()} == {
        "all": "better", "MFT": "better", "mft-name": "better", "DIR": "unchanged",
        "dir-swap": "unchanged",
    }  # fmt: skip
    assert [row.support for row in found.values()] == [60, 30, 30, 30, 30]


def test_flipped_tests_are_named():
    flips = flip_tests(
        behavioral({"a-1": True, "a-2": True, "b-1": False, "c-1": False}),
        behavioral({"a-1": False, "a-2": True, "b-1": True, "c-1": False}),
    )

    assert (flips.broke, flips.fixed) == (("a-1",), ("b-1",))


@pytest.mark.parametrize(
    "test",
    [
        "only a text",
        {"texts": []},
        {"texts": [1]},
        {"input": {"text": None}},
        None,
    ],
)
def test_what_is_no_test_is_passed_over(test):
    assert read_outcomes({"results": {"passed": [test]}}) == {}


def test_older_forms_of_results_are_read():
    found = read_outcomes(
        {"results": {"passed": [{"input": {"text": "x"}}], "failed": [{"text": "y"}]}}
    )

    assert sorted((one.name, one.passed) for one in found.values()) == [("x", True), ("y", False)]
    assert read_outcomes({"results": []}) == {}
    assert read_outcomes({}) == {}


def test_a_score_has_an_interval_clustered_by_tag():
    outcomes = {name: name.startswith("tag0-") for name in texts(20, 5)}
    score, low, high = measure_scores(behavioral(outcomes))["all"]

    passes = np.array([[5.0]] + [[0.0]] * 19)
    ends = clustered(passes, np.full((20, 1), 5.0)).interval()
    assert (score, low, high) == pytest.approx((0.05, ends[0][0], ends[1][0]))
    # Wider than that of a hundred tests that each stand alone.
    alone = wilson(0.05, 100)
    assert high - low > 1.5 * (alone[1] - alone[0])


def test_under_ten_tests_a_score_has_no_interval():
    assert measure_scores(behavioral(dict.fromkeys(texts(9, 1), True))) == {}
    assert set(measure_scores(behavioral(dict.fromkeys(texts(10, 1), True)))) == {
        "all", "MFT", "mft-name",
    }  # fmt: skip


def test_a_test_that_names_no_tag_stands_by_itself():
    outcomes = {f"text {number}": number < 8 for number in range(16)}
    results = behavioral(outcomes, tag_of=lambda text: None)
    _, low, high = measure_scores(results)["all"]

    assert 0.2 < low < 0.5 < high < 0.8
