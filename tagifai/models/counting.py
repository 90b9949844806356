"""Count n-grams of many texts at once: each different word is looked at once, not each place."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from tagifai.arrays import Array


@dataclass(frozen=True, slots=True, eq=False)
class TextWords:
    """Texts as the numbers of their words.

    Attributes
    ----------
    words : list of str
        Each different word once, sorted.
    numbers : int32 array of shape (n_places,)
        The number of the word at each place, text after text.
    starts : int64 array of shape (n_texts + 1,)
        Where each text begins; the last one is where all end.
    """

    words: list[str]
    numbers: Array
    starts: Array

    @property
    def rows(self) -> Array:
        """Return the number of the text at each place, (n_places,)."""
        return np.repeat(np.arange(len(self.starts) - 1, dtype=np.int32), np.diff(self.starts))

    def count(self) -> sparse.csr_matrix:
        """Return how often each text has each word, float32 (n_texts, n_words)."""
        return _counted(self.rows, self.numbers, (len(self.starts) - 1, len(self.words)))


@dataclass(frozen=True, slots=True, eq=False)
class NgramCounts:
    """How often texts have n-grams.

    Attributes
    ----------
    terms : sequence of str
        The n-grams, sorted.
    counts : csr_matrix, float32 (n_texts, n_terms)
        Indices are sorted.
    """

    terms: Sequence[str]
    counts: sparse.csr_matrix


def read_words(texts: Iterable[str]) -> TextWords:
    """Read the words of texts, which are separated by whitespace.

    >>> read_words(["b a", "", "b b"]).numbers.tolist()
    [1, 0, 1, 1]
    """
    index: defaultdict[str, int] = defaultdict()
    index.default_factory = index.__len__
    parts, lengths = [], [0]
    for text in texts:
        found = text.split()
        parts.append(np.fromiter(map(index.__getitem__, found), np.int32, len(found)))
        lengths.append(len(found))
    numbers = np.concatenate(parts) if parts else np.empty(0, np.int32)
    words = sorted(index)
    place = np.empty(len(words), np.int32)
    place[[index[word] for word in words]] = np.arange(len(words), dtype=np.int32)
    return TextWords(words, place[numbers], np.cumsum(lengths, dtype=np.int64))


def count_word_ngrams(texts: TextWords, longest: int, min_df: int = 1) -> NgramCounts:
    """Count the runs of up to `longest` words that `min_df` or more of the texts have.

    >>> found = count_word_ngrams(read_words(["a b a", "a b"]), 2, min_df=2)
    >>> found.terms, found.counts.toarray().tolist()
    (['a', 'a b', 'b'], [[2.0, 1.0, 1.0], [1.0, 1.0, 1.0]])
    """
    num_texts, num_words = len(texts.starts) - 1, len(texts.words)
    rows = texts.rows
    places = np.arange(len(texts.numbers))
    # The number of the run that begins at a place.
    runs = texts.numbers.astype(np.int64)
    blocks: list[sparse.csr_matrix] = []
    spelt: list[Array] = []
    for length in range(1, longest + 1):
        if length > 1:
            # A run is as rare as any that it begins with, and ends within its text.
            inside = places + length - 1 < texts.starts[rows[places] + 1]
            places, runs = places[inside], runs[inside]
            codes = runs * num_words + texts.numbers[places + length - 1]
            _, first, runs = np.unique(codes, return_index=True, return_inverse=True)
        else:
            first, num = np.full(num_words, -1), np.arange(len(runs))
            first[runs[::-1]] = num[::-1]
        counts = _counted(rows[places], runs, (num_texts, len(first)))
        kept = np.flatnonzero(counts.getnnz(axis=0) >= max(1, min_df))
        blocks.append(select_columns(counts, kept))
        spelt.append(texts.numbers[places[first[kept]][:, None] + np.arange(length)])
        new = np.full(len(first), -1)
        new[kept] = np.arange(len(kept))
        runs = new[runs]
        places, runs = places[runs >= 0], runs[runs >= 0]
    return _sorted(blocks, spelt, texts.words, longest)


def count_characters(
    texts: TextWords, analyze: Callable[[str], list[str]], min_df: int = 1
) -> NgramCounts:
    """Count the runs of characters within words that `min_df` or more of the texts have.

    Parameters
    ----------
    texts : TextWords
        The texts.
    analyze : callable
        From a word to its runs of characters; a text has those of its words.
    min_df : int
        The fewest texts.
    """
    index: defaultdict[str, int] = defaultdict()
    index.default_factory = index.__len__
    parts = []
    for word in texts.words:
        found = analyze(word)
        parts.append(np.fromiter(map(index.__getitem__, found), np.int32, len(found)))
    terms = sorted(index)
    place = np.empty(len(terms), np.int32)
    place[[index[term] for term in terms]] = np.arange(len(terms), dtype=np.int32)
    rows = np.repeat(np.arange(len(parts), dtype=np.int32), [len(part) for part in parts])
    columns = place[np.concatenate(parts)] if parts else np.empty(0, np.int32)
    of_words = _counted(rows, columns, (len(texts.words), len(terms)))
    in_texts = texts.count()
    if min_df > 1:
        # At most as many texts as those of all words that have the run.
        most = of_words.astype(bool).astype(np.int64).T @ in_texts.getnnz(axis=0)
        terms, of_words = _kept(terms, of_words, most >= min_df)
    counts = sparse.csr_matrix(in_texts @ of_words)
    counts.sort_indices()
    if min_df > 1:
        terms, counts = _kept(terms, counts, counts.getnnz(axis=0) >= min_df)
    return NgramCounts(terms, counts)


def select_columns(matrix: sparse.csr_matrix, columns: Array) -> sparse.csr_matrix:
    """Return some columns, given in rising order, of a matrix whose indices are sorted.

    >>> select_columns(sparse.csr_matrix([[1, 2, 3], [4, 0, 0]]), np.array([0, 2])).toarray()
    array([[1, 3],
           [4, 0]])
    """
    if len(columns) == matrix.shape[1]:
        return matrix
    place = np.full(matrix.shape[1], -1, np.int32)
    place[columns] = np.arange(len(columns), dtype=np.int32)
    indices = place[matrix.indices]
    inside = indices >= 0
    ends = np.concatenate([[0], np.cumsum(inside, dtype=matrix.indptr.dtype)])[matrix.indptr]
    return sparse.csr_matrix(
        (matrix.data[inside], indices[inside], ends), shape=(matrix.shape[0], len(columns))
    )


def _kept(
    terms: Sequence[str], counts: sparse.csr_matrix, mask: Array
) -> tuple[list[str], sparse.csr_matrix]:
    columns = np.flatnonzero(mask)
    return [terms[column] for column in columns.tolist()], select_columns(counts, columns)


def _counted(rows: Array, columns: Array, shape: tuple[int, int]) -> sparse.csr_matrix:
    """Count pairs of row and column; rows rise."""
    starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=shape[0]))])
    ones = np.ones(len(columns), np.float32)
    counts = sparse.csr_matrix((ones, columns.astype(np.int32), starts), shape=shape)
    counts.sum_duplicates()
    return counts


def _sorted(
    blocks: Sequence[sparse.csr_matrix],
    spelt: Sequence[Array],
    words: Sequence[str],
    longest: int,
) -> NgramCounts:
    """Put the runs of each length together, sorted by their words, shorter ones first."""
    numbers = np.full((sum(map(len, spelt)), longest), -1, np.int32)
    start = 0
    for part in spelt:
        numbers[start : start + len(part), : part.shape[1]] = part
        start += len(part)
    order = np.lexsort(numbers.T[::-1])
    place = np.empty(len(order), np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    counts = sparse.csr_matrix(sparse.hstack(blocks, format="csr"))
    counts.indices = place[counts.indices]
    counts.has_sorted_indices = False
    counts.sort_indices()
    terms = [
        " ".join([words[number] for number in run if number >= 0])
        for run in numbers[order].tolist()
    ]
    return NgramCounts(terms, counts)
