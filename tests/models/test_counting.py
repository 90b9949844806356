import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer

from tagifai.models.counting import (
    count_characters,
    count_word_ngrams,
    read_words,
    select_columns,
)

TEXTS = [
    "a graph of a graph",
    "",
    "graph networks, a graph",
    "ab abcdefg  学习 a",
    "of a",
    " ".join(f"w{n % 7}" for n in range(40)),
]


@pytest.mark.parametrize("longest", [1, 2, 3])
@pytest.mark.parametrize("min_df", [1, 2])
def test_runs_of_words_are_counted_as_scikit_learn_counts_them(longest, min_df):
    found = count_word_ngrams(read_words(TEXTS), longest, min_df)
    plain = CountVectorizer(
        token_pattern=r"\S+", ngram_range=(1, longest), min_df=min_df, lowercase=False
    )
    expected = plain.fit_transform(TEXTS).toarray()
    assert list(found.terms) == plain.get_feature_names_out().tolist()
    np.testing.assert_array_equal(found.counts.toarray(), expected)
    assert found.counts.dtype == np.float32
    assert found.counts.has_sorted_indices


@pytest.mark.parametrize("min_df", [1, 2])
def test_runs_of_characters_are_counted_as_scikit_learn_counts_them(min_df):
    plain = CountVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=min_df, lowercase=False)
    expected = plain.fit_transform(TEXTS).toarray()
    found = count_characters(read_words(TEXTS), plain.build_analyzer(), min_df)
    assert list(found.terms) == plain.get_feature_names_out().tolist()
    np.testing.assert_array_equal(found.counts.toarray(), expected)


def test_no_run_reaches_over_the_end_of_a_text():
    assert list(count_word_ngrams(read_words(["a b", "c"]), 2).terms) == ["a", "a b", "b", "c"]


def test_texts_without_words():
    words = read_words(["", " "])
    for found in (count_word_ngrams(words, 2), count_characters(words, list)):
        assert found.counts.shape == (2, 0)
        assert list(found.terms) == []


def test_all_columns_are_the_matrix_itself():
    counts = count_word_ngrams(read_words(TEXTS), 1).counts
    assert select_columns(counts, np.arange(counts.shape[1])) is counts
