from tagifai.behavioral import BehavioralTest, Case
from tagifai.behavioral.budget import draw_tests, list_texts

TESTS = [
    BehavioralTest(
        "MFT", f"group {i // 10}", (Case(f"text {i}", ("cv",)), Case(f"also {i}", ("cv",)))
    )
    for i in range(40)
]


def test_each_text_is_listed_once():
    assert list_texts([TESTS[0], TESTS[1], TESTS[0]]) == ["text 0", "also 0", "text 1", "also 1"]


def test_as_many_tests_are_drawn_as_their_texts_allow_and_more_are_added_to_them():
    few = draw_tests(TESTS, 20)
    assert len(few) == len({test.cases for test in few}) == 10
    assert draw_tests(TESTS, 21) == few
    assert draw_tests(TESTS, 40)[:10] == few
    everything = draw_tests(TESTS, None)
    assert sorted(everything, key=TESTS.index) == TESTS
    # At random: not the first of the list alone.
    assert len({test.group for test in few}) == 4


def test_what_is_known_costs_nothing():
    few = draw_tests(TESTS, 20)
    assert len(draw_tests(TESTS, 20, list_texts(few))) == 20
    assert len(draw_tests(TESTS, 0, list_texts(TESTS))) == 40
