"""Exact reasons for scikit-learn pipelines of word counts and a linear classifier.

A pipeline of a CountVectorizer or TfidfVectorizer (or a union of them), steps that keep or select
columns, and one linear classifier a tag gives margins that are sums over features. Each feature's
part is shared among its places in the text, and a place's among its words. Whatever is not
recognised, or does not add up to the predictor's own log-odds, is left to `attribution`.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from tagifai.arrays import Array, Floats
from tagifai.inference.attribution import (
    LEAST_PROBABILITY,
    MAX_PARTS,
    Attribution,
    PredictProba,
    TextPart,
    split_parts,
)
from tagifai.models.linear_layer import find_linear

TOLERANCE = 1e-6
_SPACES = re.compile(r"\s\s+")
_WORD_CHARACTERS = re.compile(r"\S+")

Occurrence = tuple[str, list[tuple[int, int]]]
"""A term and the characters of the text that it was made of, as (start, stop)."""


@dataclass(frozen=True, slots=True, eq=False)
class _Features:
    """Where features come from: of each vectorizer, its terms' final columns (-1: left out)."""

    vectorizers: tuple[tuple[object, Array], ...]


@dataclass(frozen=True, slots=True, eq=False)
class LinearPipeline:
    """A recognised pipeline: features of texts, and coefficients (n_features, n_tags)."""

    transform: Callable[[Sequence[str]], object]
    features: _Features
    coef: Floats
    intercept: Floats


def recognize(estimator: object, method: str = "predict_proba") -> LinearPipeline | None:
    """Take a fitted pipeline apart; None where its margins are not known sums over terms.

    Parameters
    ----------
    estimator : object
        A fitted scikit-learn estimator that takes texts.
    method : str
        How its probabilities are made: by ``predict_proba``, or as the sigmoid of its
        ``decision_function``.
    """
    from sklearn.pipeline import Pipeline

    if not isinstance(estimator, Pipeline) or len(estimator.steps) < 2:
        return None
    head, (_, last) = estimator[:-1], estimator.steps[-1]
    features = _find_features([step for _, step in head.steps])
    linear = find_linear(last, method)
    if features is None or linear is None:
        return None
    return LinearPipeline(head.transform, features, *linear)


def explain_linear(
    pipeline: LinearPipeline,
    predict_proba: PredictProba,
    text: str,
    max_parts: int = MAX_PARTS,
) -> Attribution | None:
    """Share the log-odds of every tag among the words of a text, exactly.

    What features between words add (a full stop among characters) belongs to the base. None
    where the sums miss the log-odds of `predict_proba` by more than 1e-6.
    """
    parts = split_parts(text, max_parts)
    row = sparse.csr_matrix(pipeline.transform([text]))
    added = pipeline.coef[row.indices] * row.data[:, None]
    number = {column: place for place, column in enumerate(row.indices.tolist())}
    shares = np.zeros((len(parts) + 1, len(number)))
    for vectorizer, columns in pipeline.features.vectorizers:
        occurrences = find_occurrences(vectorizer, text)
        if occurrences is None:
            return None
        vocabulary = vectorizer.vocabulary_  # type: ignore[attr-defined]
        for term, spans in occurrences:
            column = int(columns[vocabulary[term]]) if term in vocabulary else -1
            if column in number:
                _share(shares[:, number[column]], parts, spans)
    total = shares.sum(axis=0)
    if (total == 0).any():  # a feature without a place in the text
        return None
    contributions = shares / total @ added
    base = pipeline.intercept + contributions[-1]
    prob = np.asarray(predict_proba([text]), dtype=float)[0]
    clipped = np.clip(prob, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    exact = clipped == prob
    log_odds = np.log(clipped) - np.log1p(-clipped)
    sums = base + contributions[:-1].sum(axis=0)
    # Rounded probabilities of single precision cannot tell log-odds any better.
    rounding = np.finfo(np.float32).eps / np.minimum(clipped, 1 - clipped)
    if (np.abs(sums - log_odds) > TOLERANCE + rounding)[exact].any():
        return None
    return Attribution(
        parts=parts,
        contributions=contributions[:-1],
        noise=np.zeros_like(contributions[:-1]),
        base=base,
        log_odds=sums,
        method="exact",
        num_texts=1,
    )


def find_occurrences(vectorizer: object, text: str) -> list[Occurrence] | None:
    """List the terms that a vectorizer finds, with their places; None where it cannot be known.

    >>> from sklearn.feature_extraction.text import CountVectorizer
    >>> find_occurrences(CountVectorizer(ngram_range=(1, 2)), "Deep nets")
    [('deep', [(0, 4)]), ('nets', [(5, 9)]), ('deep nets', [(0, 4), (5, 9)])]
    """
    from sklearn.feature_extraction.text import CountVectorizer

    assert isinstance(vectorizer, CountVectorizer)
    custom = vectorizer.tokenizer is not None or vectorizer.preprocessor is not None
    if custom or callable(vectorizer.analyzer):
        return None
    prepare = vectorizer.build_preprocessor()
    prepared, places = prepare(text), _places(prepare, text)
    if places is None or len(places) != len(prepared):
        return None
    find = {"word": _words, "char": _characters, "char_wb": _characters_of_words}
    return [
        (term, [(places[start][0], places[stop - 1][1]) for start, stop in spans])
        for term, spans in find[vectorizer.analyzer](vectorizer, prepared)
    ]


def _places(prepare: Callable[[str], str], text: str) -> list[tuple[int, int]] | None:
    """Return, for each prepared character, the place in the text that it was made of."""
    made = [prepare(character) for character in text]
    if "".join(made) != prepare(text):
        return None
    return [(place, place + 1) for place, piece in enumerate(made) for _ in piece]


def _words(vectorizer: object, text: str) -> Iterator[Occurrence]:
    pattern = re.compile(vectorizer.token_pattern)  # type: ignore[attr-defined]
    stopwords = vectorizer.get_stop_words() or ()  # type: ignore[attr-defined]
    group = 1 if pattern.groups == 1 else 0
    tokens = [
        (match[group], match.span(group))
        for match in pattern.finditer(text)
        if match[group] not in stopwords
    ]
    least, most = vectorizer.ngram_range  # type: ignore[attr-defined]
    for n in range(least, most + 1):
        for first in range(len(tokens) - n + 1):
            run = tokens[first : first + n]
            yield " ".join(token for token, _ in run), [span for _, span in run]


def _characters(vectorizer: object, text: str) -> Iterator[Occurrence]:
    # Two blanks and more become one: its place is that of the first.
    kept = [
        place
        for place in range(len(text))
        if not (text[place].isspace() and place and text[place - 1].isspace())
    ]
    squeezed = _SPACES.sub(" ", text)
    least, most = vectorizer.ngram_range  # type: ignore[attr-defined]
    for n in range(least, min(most, len(squeezed)) + 1):
        for first in range(len(squeezed) - n + 1):
            yield squeezed[first : first + n], [(kept[first], kept[first + n - 1] + 1)]


def _characters_of_words(vectorizer: object, text: str) -> Iterator[Occurrence]:
    least, most = vectorizer.ngram_range  # type: ignore[attr-defined]
    for match in _WORD_CHARACTERS.finditer(text):
        padded = f" {match[0]} "
        for n in range(least, most + 1):
            for first in range(max(len(padded) - n, 0) + 1):
                # The blanks around a word stand for its edges.
                start = min(max(first - 1, 0), len(match[0]) - 1)
                stop = max(min(first + n - 1, len(match[0])), start + 1)
                place = match.start()
                yield padded[first : first + n], [(place + start, place + stop)]
            if n >= len(padded):  # a short word is counted once
                break


def _share(column: Array, parts: Sequence[TextPart], spans: Sequence[tuple[int, int]]) -> None:
    """Share one place of a feature among the parts that it touches; the last row is no part."""
    touched = {
        place
        for start, stop in spans
        for place, part in enumerate(parts)
        if part.start < stop and start < part.stop
    }
    if not touched:
        column[-1] += 1
    for place in touched:
        column[place] += 1 / len(touched)


def _find_features(steps: Sequence[object]) -> _Features | None:
    if not steps:
        return None
    found = _find_vectorizers(steps[0])
    if found is None:
        return None
    width = sum(_width(columns) for _, columns in found)
    return _follow(found, steps[1:], width)


def _find_vectorizers(step: object) -> list[tuple[object, Array]] | None:
    """Return the vectorizers of a step with the columns of their terms, counted from 0 in each."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.pipeline import FeatureUnion, Pipeline

    if isinstance(step, CountVectorizer):  # a TfidfVectorizer is one
        return [(step, np.arange(len(step.vocabulary_)))]
    if isinstance(step, Pipeline):
        found = _find_features([one for _, one in step.steps])
        return None if found is None else list(found.vectorizers)
    if isinstance(step, FeatureUnion):
        parts = [_find_vectorizers(one) for _, one in step.transformer_list]
        joined: list[tuple[object, Array]] = []
        offset = 0
        for part in parts:
            if part is None:
                return None
            joined += [
                (vectorizer, np.where(columns < 0, -1, columns + offset))
                for vectorizer, columns in part
            ]
            offset += sum(_width(columns) for _, columns in part)
        return joined
    return None


def _follow(
    found: list[tuple[object, Array]], steps: Sequence[object], width: int
) -> _Features | None:
    """Follow columns through steps that scale, normalise or select them."""
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.feature_selection import SelectorMixin
    from sklearn.preprocessing import MaxAbsScaler, Normalizer, StandardScaler

    for step in steps:
        if step is None or step == "passthrough":
            continue
        if isinstance(step, SelectorMixin):
            after = np.full(width, -1)
            kept = step.get_support(indices=True)
            after[kept] = np.arange(len(kept))
            found = [
                (vectorizer, np.where(columns < 0, -1, after[columns]))
                for vectorizer, columns in found
            ]
            width = len(kept)
        elif isinstance(step, StandardScaler):
            if step.with_mean:
                return None
        elif not isinstance(step, TfidfTransformer | MaxAbsScaler | Normalizer):
            return None
    return _Features(tuple(found))


def _width(columns: Array) -> int:
    return int((columns >= 0).sum())
