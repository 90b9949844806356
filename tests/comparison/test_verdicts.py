import numpy as np
import pytest

from tagifai.comparison.verdicts import (
    Differences,
    benjamini_hochberg,
    count_verdicts,
    holm,
    known,
    make_rows,
)


@pytest.mark.parametrize(
    ("p", "found"),
    [
        ([], []),
        ([0.05], [True]),
        ([0.051], [False]),
        ([0.01, 0.02, 0.03, 0.04], [True, True, True, True]),
        ([0.02, 0.03, 0.5, 0.6], [False, False, False, False]),
        ([0.02, 0.025, 0.5, 0.6], [True, True, False, False]),
    ],
)
def test_false_discoveries_are_held(p, found):
    assert benjamini_hochberg(np.array(p), 0.05).tolist() == found


@pytest.mark.parametrize(
    ("p", "found"),
    [
        ([], []),
        ([0.05], [True]),
        ([0.025, 0.05], [True, True]),
        ([0.026, 0.03], [False, False]),
        ([0.04, 0.01, 0.02], [True, True, True]),
        ([0.01, 0.03, 0.2], [True, False, False]),
    ],
)
def test_any_false_verdict_is_held(p, found):
    assert holm(np.array(p), 0.05).tolist() == found


def rows(**given):
    values = {
        "a": [0.5] * 5, "b": [0.7] * 5, "low": [0.1] * 5, "high": [0.3] * 5, "p": [0.001] * 5,
        "unchanged": [False] * 5, "few": [False] * 5, **given,
    }  # fmt: skip
    found = Differences(**{name: np.array(value) for name, value in values.items()})
    return make_rows(list("abcde"), ["f1"] * 5, np.arange(10, 15), found)


def verdicts(**given):
    return [row.verdict for row in rows(**given)]


def test_each_difference_has_one_of_five_verdicts():
    found = rows(
        b=[0.7, 0.3, 0.7, 0.7, 0.5],
        low=[0.1, -0.3, -0.1, 0.1, 0.0],
        high=[0.3, -0.1, 0.3, 0.3, 0.0],
        p=[0.001, 0.001, 0.4, 0.001, 1.0],
        few=[False, False, False, True, False],
        unchanged=[False, False, False, False, True],
    )

    assert [row.verdict for row in found] == [
        "better", "worse", "can't tell", "too few", "unchanged",
    ]  # fmt: skip
    assert [(row.low, row.p_value) for row in found[3:]] == [(None, None), (None, None)]
    assert [row.diff for row in found] == [0.2, -0.2, 0.2, 0.2, 0.0]
    assert [row.support for row in found] == [10, 11, 12, 13, 14]


def test_a_verdict_never_stands_beside_an_interval_that_holds_zero():
    assert verdicts(low=[-0.01] * 5) == ["can't tell"] * 5


def test_the_same_decisions_are_unchanged_however_few():
    assert verdicts(few=[True] * 5, unchanged=[True] * 5) == ["unchanged"] * 5


def test_an_undefined_figure_has_no_difference():
    row = rows(a=[np.nan] * 5)[0]

    assert (row.a, row.b, row.diff, row.low, row.verdict) == (None, 0.7, None, None, "can't tell")


def test_what_could_not_be_decided_does_not_count_among_what_was_asked():
    # Alone 0.03 counts; among five it would not.
    p = [0.03, 0.9, 0.9, 0.9, 0.9]
    others = [False, True, True, True, True]

    assert verdicts(p=p)[0] == "can't tell"
    assert verdicts(p=p, few=others)[0] == "better"
    assert verdicts(p=p, unchanged=others)[0] == "better"
    assert verdicts(p=p, a=[0.5, *[np.nan] * 4])[0] == "better"
    assert verdicts(p=p, askable=[True, False, False, False, False])[0] == "better"
    assert verdicts(p=[0.03, *[np.nan] * 4])[0] == "better"


def test_verdicts_are_counted():
    assert count_verdicts(["worse", "too few", "worse", "added", None]) == {
        "better": 0, "worse": 2, "can't tell": 0, "too few": 1, "unchanged": 0,
    }  # fmt: skip
    assert known(np.nan) is None
