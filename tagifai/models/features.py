"""Features of a text: word and character n-grams, and flags from tags' names."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Self

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.feature_extraction.text import TfidfTransformer, TfidfVectorizer
from sklearn.pipeline import FeatureUnion, Pipeline

from tagifai.arrays import Integers
from tagifai.data import Tag
from tagifai.errors import TagifaiError
from tagifai.models.counting import NgramCounts, TextWords, count_characters, count_word_ngrams
from tagifai.models.params import Params
from tagifai.models.spelling import NameSpelling, TextTransformer, find_abbreviations
from tagifai.text.languages import DEFAULT_LANGUAGE
from tagifai.text.preprocessing import preprocess_text

NO_WORD = "no text has a word left after preprocessing; look at language, filters and stopwords"


class TextCleaner(TextTransformer):
    """Prepare texts for the features, each independently of the others.

    Parameters
    ----------
    lower, stem, filters, language, normalize
        As for `preprocess_text`.
    stopwords
        Whether to leave out the stopwords of the language.
    """

    def __init__(
        self,
        lower: bool = True,
        stem: bool = False,
        filters: str = "",
        stopwords: bool = True,
        language: str = DEFAULT_LANGUAGE,
        normalize: bool = True,
    ) -> None:
        self.lower = lower
        self.stem = stem
        self.filters = filters
        self.stopwords = stopwords
        self.language = language
        self.normalize = normalize

    def fit(self, texts: Sequence[str], y: object = None) -> Self:
        """Learn nothing, and refuse texts from which nothing can be learned.

        Raises
        ------
        TagifaiError
            No text has a word left.
        """
        if not any(map(self.clean, texts)):
            raise TagifaiError(NO_WORD)
        return self

    def transform(self, texts: Sequence[str]) -> list[str]:
        """Preprocess each text."""
        return [self.clean(text) for text in texts]

    def clean(self, text: str) -> str:
        """Preprocess one text."""
        return preprocess_text(
            text,
            lower=self.lower,
            stem=self.stem,
            filters=self.filters,
            stopwords=None if self.stopwords else (),
            language=self.language,
            normalize=self.normalize,
        )

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __setstate__(self, state: dict[str, object]) -> None:
        # Models made before there were languages read English, with its characters as typed.
        old = {"language": DEFAULT_LANGUAGE, "normalize": False} if "language" not in state else {}
        super().__setstate__({**old, **state})


class NgramVectorizer(TfidfVectorizer):
    """TF-IDF of n-grams; the vocabulary is stored as one text: small files that load quickly."""

    def fit(self, texts: Sequence[str], y: object = None) -> Self:
        """Learn the vocabulary and its weights.

        Raises
        ------
        TagifaiError
            No n-gram is left.
        """
        self.fit_transform(texts, y)
        return self

    def fit_transform(self, texts: Sequence[str], y: object = None) -> sparse.csr_matrix:
        """Learn the vocabulary and its weights, and return the features of the same texts.

        Raises
        ------
        TagifaiError
            No n-gram is left.
        """
        try:
            return super().fit_transform(texts, y)
        except ValueError:
            raise self._nothing_left(texts) from None

    def count(self, texts: TextWords) -> NgramCounts:
        """Count the n-grams of texts that are given as words, those of `min_df` texts or more."""
        if self.analyzer == "word":
            return count_word_ngrams(texts, self.ngram_range[1], self.min_df)
        return count_characters(texts, self.build_analyzer(), self.min_df)

    def learnable(self, counts: sparse.csr_matrix, texts: Sequence[str]) -> Integers:
        """Return the columns of n-grams that are in `min_df` or more of the texts counted.

        Raises
        ------
        TagifaiError
            No n-gram is left.
        """
        columns = np.flatnonzero(counts.getnnz(axis=0) >= max(1, self.min_df))
        if not len(columns):
            raise self._nothing_left(texts)
        return columns

    def weigher(self) -> TfidfTransformer:
        """Return what turns counts into features, unfitted."""
        return TfidfTransformer(
            norm=self.norm,
            use_idf=self.use_idf,
            smooth_idf=self.smooth_idf,
            sublinear_tf=self.sublinear_tf,
        )

    def adopt(self, terms: Sequence[str], weigher: TfidfTransformer) -> None:
        """Become what `fit` would have made of texts with these n-grams, sorted, and weights."""
        self.vocabulary_ = {term: i for i, term in enumerate(terms)}
        self.idf_ = weigher.idf_

    def _nothing_left(self, texts: Sequence[str]) -> TagifaiError:
        if not any(texts):
            return TagifaiError(NO_WORD)
        what = "word" if self.analyzer == "word" else "run of characters"
        return TagifaiError(
            f"no {what} stands in min_df {self.min_df} of the {len(texts):,} texts; lower it"
        )

    @property
    def width(self) -> int:
        """The number of columns."""
        return len(self.vocabulary_)

    def __getstate__(self) -> dict[str, object]:
        state: dict[str, object] = dict(super().__getstate__())
        vocabulary = state.pop("vocabulary_", None)
        if isinstance(vocabulary, dict):
            # Neither words nor runs of characters within words contain a line break.
            state["terms"] = "\n".join(sorted(vocabulary, key=vocabulary.__getitem__))
        return state

    def __setstate__(self, state: dict[str, object]) -> None:
        terms = state.pop("terms", None)
        super().__setstate__(state)
        if isinstance(terms, str):
            self.vocabulary_ = {term: i for i, term in enumerate(terms.split("\n"))}


class AliasFlags(TextTransformer):
    """Flag the tags whose phrases occur in a text.

    Parameters
    ----------
    phrases
        For each column, the phrases of preprocessed words that raise its flag.
    weight
        The value of a raised flag.

    Examples
    --------
    >>> flags = AliasFlags((("graph", "graph network"), ("computer vision",)), weight=1.0)
    >>> flags.fit([]).transform(["a graph", "computer vision graph"]).toarray()
    array([[1., 0.],
           [1., 1.]], dtype=float32)
    """

    def __init__(self, phrases: Sequence[Sequence[str]] = (), weight: float = 0.3) -> None:
        self.phrases = phrases
        self.weight = weight

    def fit(self, texts: Sequence[str], y: object = None) -> Self:
        """Index the phrases by their words; the texts are not used."""
        self.columns_: dict[str, list[int]] = {}
        for column, phrases in enumerate(self.phrases):
            for phrase in dict.fromkeys(phrases):
                if phrase:
                    self.columns_.setdefault(phrase, []).append(column)
        self.longest_ = max((len(phrase.split()) for phrase in self.columns_), default=0)
        return self

    def transform(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """Return sparse (n_texts, n_columns): `weight` where a phrase occurs as whole words."""
        indptr, indices = [0], []
        for text in texts:
            raised: set[int] = set()
            words = text.split()
            for start in range(len(words)):
                for stop in range(start + 1, min(start + self.longest_, len(words)) + 1):
                    raised.update(self.columns_.get(" ".join(words[start:stop]), ()))
            indices.extend(sorted(raised))
            indptr.append(len(indices))
        values = np.full(len(indices), self.weight, np.float32)
        shape = (len(indptr) - 1, len(self.phrases))
        return sparse.csr_matrix((values, indices, indptr), shape=shape)

    @property
    def width(self) -> int:
        """The number of columns."""
        return len(self.phrases)

    def get_feature_names_out(self, input_features: object = None) -> np.ndarray:
        """Return the columns' names, after their first phrases."""
        return np.array([f"alias:{phrases[0]}" for phrases in self.phrases], object)


def alias_phrases(
    names: Sequence[str], tags: Mapping[str, Tag], preprocess: TextCleaner
) -> tuple[tuple[str, ...], ...]:
    """List the phrases of two flags for each tag: its own names, and those of the tags below it.

    The flags of own names come first; tags without a tag below them have no second flag.

    Examples
    --------
    >>> tags = {"nlp": Tag("nlp", ("language",)), "bert": Tag("bert", (), ("nlp",))}
    >>> alias_phrases(["nlp"], tags, TextCleaner())
    (('nlp', 'language'), ('bert',))
    """

    def prepared(found: Iterable[Tag]) -> tuple[str, ...]:
        spelt = [name for tag in found for name in (tag.tag.replace("-", " "), *tag.aliases)]
        return tuple(
            dict.fromkeys(
                phrase
                for phrase in preprocess.transform([name.replace("-", " ") for name in spelt])
                if phrase
            )
        )

    own = [prepared([tags.get(name, Tag(name))]) for name in names]
    below = [prepared(tag for tag in tags.values() if name in tag.parents) for name in names]
    return (*own, *(phrases for phrases in below if phrases))


def build_features(params: Params, names: Sequence[str], tags: Mapping[str, Tag]) -> Pipeline:
    """Compose unfitted features.

    Parameters
    ----------
    params
        Which features, and how texts are prepared.
    names
        The tags to learn.
    tags
        The metadata that aliases come from, of more tags than are learned.
    """
    preprocess = TextCleaner(
        params.lower, params.stem, params.filters, params.stopwords, params.language
    )
    steps: list[tuple[str, BaseEstimator]] = [("preprocess", preprocess)]
    parts: list[tuple[str, BaseEstimator]] = []
    common = {"sublinear_tf": True, "lowercase": False, "dtype": np.float32}
    if params.word_ngrams:
        words = NgramVectorizer(
            token_pattern=r"\S+",  # noqa: S106 - a pattern of words, no password
            ngram_range=(1, params.word_ngrams),
            min_df=params.min_df,
            **common,
        )
        parts.append(("words", words))
    if params.char_ngrams:
        characters = NgramVectorizer(
            analyzer="char_wb", ngram_range=(2, params.char_ngrams), min_df=params.min_df, **common
        )
        parts.append(("characters", characters))
    phrases = alias_phrases(names, tags, preprocess)
    if params.aliases != "none":
        parts.append(("aliases", AliasFlags(phrases, params.alias_weight)))
    short = find_abbreviations(phrases[: len(names)]) if params.abbreviations else ()
    if params.aliases == "fuzzy" or short:
        # Without phrases no misspelling is forgiven.
        forgiven = phrases if params.aliases == "fuzzy" else ()
        steps.append(("spelling", NameSpelling(forgiven, abbreviations=short)))
    steps.append(("features", FeatureUnion(parts)))
    return Pipeline(steps)
