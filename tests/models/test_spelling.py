import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone

from tagifai.models.spelling import NameSpelling, distance, find_abbreviations

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


def test_abbreviations_are_read_as_names_even_where_known_or_misspelt():
    pairs = (("gan", "generative network"), ("sklearn", "scikit learn"))
    spelling = NameSpelling((("sklearn",),), abbreviations=pairs).fit(["gan gans", "gan gans"])
    assert spelling.transform(["gan gans sklearn sklaern"]) == [
        "generative network gans scikit learn scikit learn"
    ]


def test_without_phrases_nothing_else_is_corrected():
    spelling = NameSpelling(abbreviations=(("cv", "computer vision"),)).fit([])
    assert spelling.transform(["cv computervision visoin"]) == [
        "computer vision computervision visoin"
    ]


@pytest.mark.parametrize(
    ("own", "found"),
    [
        (
            [("autoencoders", "ae"), ("tensorflow", "tf")],
            {"ae": "autoencoders", "tf": "tensorflow"},
        ),
        (
            [("scikit learn", "sklearn", "scikit")],
            {"sklearn": "scikit learn"},
        ),  # a word of the name
        ([("few shot learning", "shot", "low shot")], {}),  # begins otherwise; two words
        ([("robustness", "distribution"), ("production", "deployment")], {}),  # another word
        ([("language modeling", "lm"), ("linear models", "lm")], {}),  # either of two
        ([("graph networks", "gn"), ("gn",)], {}),  # a tag of its own
        ([("r", "r"), ("reports", "r")], {}),  # one letter
        ([(), ("",)], {}),
    ],
)
def test_what_abbreviates_a_name(own, found):
    assert dict(find_abbreviations(own)) == found


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
