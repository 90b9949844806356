"""The features of each fold of a training, counted once for all folds.

Each fold has what a pipeline fitted to its own texts would have: the same vocabulary, weights and
corrected words, to the last bit. But texts are read once, not once a fold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, clone
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.pipeline import Pipeline

from tagifai.arrays import Array
from tagifai.models.counting import TextWords, read_words, select_columns
from tagifai.models.features import NgramVectorizer
from tagifai.models.spelling import NameSpelling


@dataclass(frozen=True, slots=True, eq=False)
class _Learned:
    """What is learned from a fold's texts: the columns of a part, and how counts are weighed."""

    columns: Array
    weigher: TfidfTransformer


class TrainingFeatures:
    """The features of the texts of a training, for every fold.

    Parameters
    ----------
    pipeline : Pipeline
        The unfitted features.
    texts : sequence of str
        All texts that are learned from.
    held_out : sequence of arrays
        The rows that each fold holds out.

    Raises
    ------
    TagifaiError
        No text has a word left.
    """

    def __init__(self, pipeline: Pipeline, texts: Sequence[str], held_out: Sequence[Array]) -> None:
        self._pipeline = clone(pipeline)
        self._held_out = held_out
        self._num_texts = len(texts)
        # Where the texts of each fold stand: a text that a fold reads otherwise than the others,
        # because fewer words are known to it, is there twice.
        self._place = [np.arange(len(texts)) for _ in held_out]
        steps = self._pipeline.named_steps
        read: list[str] = steps["preprocess"].fit(texts).transform(texts)
        if "spelling" in steps:
            read = self._spell(steps["spelling"], read)
        self._texts = read
        words = read_words(read)
        self._terms: dict[str, Sequence[str]] = {}
        self._counts: dict[str, sparse.csr_matrix] = {}
        self._parts: Mapping[str, BaseEstimator] = dict(steps["features"].transformer_list)
        for name, part in self._parts.items():
            if isinstance(part, NgramVectorizer):
                found = part.count(words)
                self._terms[name], self._counts[name] = found.terms, found.counts
            else:
                self._counts[name] = part.fit(read).transform(read)

    @property
    def num_texts(self) -> int:
        """The number of texts."""
        return self._num_texts

    @property
    def num_values(self) -> int:
        """The number of values of all texts that are not zero."""
        return sum(int(counts.nnz) for counts in self._counts.values())

    @property
    def num_features(self) -> int:
        """The number of features of all texts; a fold has fewer."""
        return sum(counts.shape[1] for counts in self._counts.values())

    def fitted(self) -> Pipeline:
        """Return the features fitted to all texts.

        Raises
        ------
        TagifaiError
            No n-gram is frequent enough.
        """
        for name, learned in self._learn(np.arange(self._num_texts)).items():
            terms, part = self._terms[name], self._parts[name]
            assert isinstance(part, NgramVectorizer)
            part.adopt([terms[column] for column in learned.columns.tolist()], learned.weigher)
        return self._pipeline

    def all_texts(self) -> sparse.csr_matrix:
        """Return the features of all texts, float32 (n_texts, n_features)."""
        rows = np.arange(self._num_texts)
        return self._features(self._learn(rows), rows)

    def fold(self, number: int) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
        """Return the features of a fold, float32: of the texts that it uses and those held out.

        Raises
        ------
        TagifaiError
            No n-gram is frequent enough.
        """
        held_out, place = self._held_out[number], self._place[number]
        used = np.setdiff1d(np.arange(self._num_texts), held_out)
        learned = self._learn(place[used])
        return self._features(learned, place[used]), self._features(learned, place[held_out])

    def _learn(self, rows: Array) -> dict[str, _Learned]:
        """Learn the vocabulary and the weights of some texts."""
        texts = [self._texts[row] for row in rows.tolist()]
        found = {}
        for name, part in self._parts.items():
            if isinstance(part, NgramVectorizer):
                counts = self._counts[name][rows]
                columns = part.learnable(counts, texts)
                weigher = part.weigher().fit(select_columns(counts, columns))
                found[name] = _Learned(columns, weigher)
        return found

    def _features(self, learned: Mapping[str, _Learned], rows: Array) -> sparse.csr_matrix:
        blocks = []
        for name, counts in self._counts.items():
            block = counts[rows]
            if name in learned:
                block = select_columns(block, learned[name].columns)
                block = learned[name].weigher.transform(block, copy=False)
            blocks.append(block)
        return sparse.csr_matrix(sparse.hstack(blocks, format="csr"))

    def _spell(self, spelling: NameSpelling, cleaned: Sequence[str]) -> list[str]:
        """Correct all texts, and once more those which a fold reads otherwise."""
        spelling.fit(cleaned)
        words = read_words(cleaned)
        in_texts = words.count().astype(bool)
        corrected = {word: spelling.correct(word) for word in words.words}
        read = [" ".join(map(corrected.__getitem__, text.split())) for text in cleaned]
        df = np.asarray(in_texts.getnnz(axis=0))
        for number, rows in enumerate(self._held_out):
            left = df - np.asarray(in_texts[rows].getnnz(axis=0))
            otherwise = self._read_otherwise(spelling, words, df, left, corrected)
            if not otherwise:
                continue
            columns = np.fromiter((place for place, _ in otherwise.values()), np.intp)
            new = {word: reading for word, (_, reading) in otherwise.items()}
            changed = np.flatnonzero(in_texts[:, columns].getnnz(axis=1))
            self._place[number][changed] = len(read) + np.arange(len(changed))
            read += [
                " ".join(new.get(word, corrected[word]) for word in cleaned[row].split())
                for row in changed.tolist()
            ]
        return read

    def _read_otherwise(
        self,
        spelling: NameSpelling,
        words: TextWords,
        df: Array,
        left: Array,
        corrected: Mapping[str, str],
    ) -> dict[str, tuple[int, str]]:
        """Return the words that are no longer known, and read otherwise, with place and reading.

        `df` counts all texts of each word, `left` those that a fold uses.
        """
        least = spelling.min_df
        unknown = np.flatnonzero((df >= least) & (left < least)).tolist()
        known = spelling.known_ - {words.words[place] for place in unknown}
        spelling = spelling.with_known(known)
        found = {}
        for place in unknown:
            word = words.words[place]
            reading = spelling.correct(word)
            if reading != corrected[word]:
                found[word] = place, reading
        return found
