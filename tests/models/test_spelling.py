import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone

from tagifai.models.spelling import NameSpelling, distance

PHRASES = (
    ("transformers", "attention"),
    ("computer vision", "segmentation", "graph", "recognition"),
)
KNOWN = ["attraction of graphs", "attraction and graphs"]
SPELLING = NameSpelling(PHRASES).fit(KNOWN)


@pytest.mark.parametrize(
    ("word", "corrected"),
    [
        ("transformers", "transformers"),
        ("transfromers", "transformers"),  # two letters swapped
        ("atention", "attention"),  # one dropped
        ("attenttion", "attention"),  # one doubled
        ("segmemtatoin", "segmentation"),  # two slips in a long word
        ("atentoin", "atentoin"),  # two in a shorter one
        ("computervision", "computer vision"),  # joined
        ("cognition", "cognition"),  # begins otherwise
        ("graphs", "graphs"),  # a known word
        ("grap", "grap"),  # too short to tell
        ("", ""),
    ],
)
def test_a_word_is_corrected_only_when_it_nearly_spells_a_name(word, corrected):
    assert SPELLING.correct(word) == corrected


def test_a_word_as_near_to_two_names_is_left_alone():
    spelling = NameSpelling((("learners", "learnerz"),)).fit([])
    assert spelling.correct("learner") == "learner"


def test_a_clone_learns_the_same():
    texts = ["transfromers on computervision", "grahp"]
    again = clone(SPELLING).fit(KNOWN)
    assert again.transform(texts) == SPELLING.transform(texts)


WORD = st.text("abc", max_size=6)


@given(WORD, WORD)
def test_distance_is_symmetric_and_zero_only_for_equals(a, b):
    assert distance(a, b) == distance(b, a)
    assert (distance(a, b) == 0) == (a == b)
    assert distance(a, b) >= abs(len(a) - len(b))


@pytest.mark.parametrize(
    ("a", "b", "slips"), [("", "abc", 3), ("ab", "ba", 1), ("abc", "adc", 1), ("abcd", "badc", 2)]
)
def test_distance(a, b, slips):
    assert distance(a, b) == slips


def test_a_word_as_long_as_a_text_is_no_misspelling():
    spelling = NameSpelling((("transformers",),)).fit(["a text"])
    word = "transformers" * 5_000
    started = time.perf_counter()
    assert spelling.correct(word) == word
    assert time.perf_counter() - started < 1
    assert spelling.corrections_ == {}
