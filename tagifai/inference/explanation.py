"""Explain a prediction: what each word of a text adds to a tag's log-odds, exactly."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from tagifai.arrays import Floats
from tagifai.inference.attribution import Method
from tagifai.models.classifier import TagClassifier
from tagifai.models.platt import bend
from tagifai.text.alignment import PlacedWord, place_words


@dataclass(frozen=True, slots=True)
class WordEffect:
    """What a word of a text adds to a tag's log-odds.

    Attributes
    ----------
    token
        The preprocessed word.
    start, stop
        Its place in the text as typed.
    spelt
        What it was read as: another word where a misspelling was corrected.
    known
        Whether it occurred in training.
    value
        What it adds.
    noise
        The standard error of `value`: 0 where it is exact, NaN where it cannot be told.
    """

    token: str
    start: int
    stop: int
    spelt: str
    known: bool
    value: float
    noise: float = 0.0


@dataclass(frozen=True, slots=True)
class TagExplanation:
    """A tag's log-odds: the sum of `words` + `names` + `intercept` + `calibration`.

    Attributes
    ----------
    words
        The words of the text, in its order.
    names
        What the flags of tags' names add.
    intercept
        What every text gets.
    calibration
        What the curve from margins to log-odds adds.
    log_odds
        Those of the probability shown.
    method
        How the words' parts were found; only exact ones and Shapley values sum to the log-odds.
    num_texts
        About how many texts the predictor was asked; 0 where its inside is known.
    error
        By how much the sum misses the log-odds.
    """

    words: tuple[WordEffect, ...]
    names: float
    intercept: float
    calibration: float
    log_odds: float
    method: Method = "exact"
    num_texts: int = 0
    error: float = 0.0


@dataclass(frozen=True, eq=False)
class Explanation:
    """The log-odds of a text for all tags: `contributions` + `names` + `intercept` + `calibration`.

    Attributes
    ----------
    words
        The preprocessed words with their places in the text as typed.
    spelt
        What each word was read as: another word where a misspelling was corrected.
    known
        Whether each word occurred in training.
    contributions
        What each word adds, float64 (n_words, n_tags).
    names
        What the flags of tags' names add, float64 (n_tags,).
    intercept
        What every text gets, float64 (n_tags,).
    calibration
        What the curve from margins to log-odds adds, float64 (n_tags,).
    log_odds
        Those of the probabilities shown, float64 (n_tags,).
    """

    words: tuple[PlacedWord, ...]
    spelt: tuple[str, ...]
    known: tuple[bool, ...]
    contributions: Floats
    names: Floats
    intercept: Floats
    calibration: Floats
    log_odds: Floats

    @property
    def tokens(self) -> tuple[str, ...]:
        """The preprocessed words alone."""
        return tuple(word.token for word in self.words)

    @property
    def margins(self) -> Floats:
        """The sums of the linear parts, (n_tags,)."""
        return self.contributions.sum(axis=0) + self.names + self.intercept

    def of_tag(self, column: int) -> TagExplanation:
        """Return the part about one tag, by its column."""
        rows = zip(self.words, self.spelt, self.known, self.contributions[:, column], strict=True)
        return TagExplanation(
            words=tuple(
                WordEffect(word.token, word.start, word.stop, spelt, known, float(value))
                for word, spelt, known, value in rows
            ),
            names=float(self.names[column]),
            intercept=float(self.intercept[column]),
            calibration=float(self.calibration[column]),
            log_odds=float(self.log_odds[column]),
        )


def explain(model: TagClassifier, text: str) -> Explanation:
    """Share the log-odds of every tag among the words of `text`.

    A run of words is shared equally among its words, a run of characters belongs to its word, and
    a feature that occurs several times is shared equally among its places. The flags of tags'
    names are a part of their own. Sums are exact up to rounding: this is no approximation.
    """
    return explain_all(model, [text])[0]


def explain_all(model: TagClassifier, texts: Sequence[str]) -> list[Explanation]:
    """Explain several texts, in less time than one by one."""
    if not texts:
        return []
    rows = model.transform(texts)
    return [
        _explain(model, text, rows.indices[start:stop], rows.data[start:stop].astype(np.float64))
        for text, start, stop in zip(texts, rows.indptr[:-1], rows.indptr[1:], strict=True)
    ]


def _explain(
    model: TagClassifier, text: str, columns: np.ndarray, values: np.ndarray
) -> Explanation:
    """Explain a text whose features are `values` at `columns`, and 0 elsewhere."""
    steps = model.features_.named_steps
    placed = place_text(model, text)
    spelling = steps.get("spelling")
    spelt = [spelling.correct(word.token) if spelling else word.token for word in placed]
    # A corrected word may be read as several: `source` leads each back to its place.
    words = [word for reading in spelt for word in reading.split()]
    source = [i for i, reading in enumerate(spelt) for _ in reading.split()]
    coef = model.feature_weights(columns)
    shares = _shares(model, words, source, len(placed), columns)
    total = np.asarray(shares.sum(axis=0)).ravel()
    scale = np.divide(values, total, out=np.zeros_like(values), where=total > 0)
    parts = shares @ (scale[:, None] * coef)
    intercept = model.intercept_.astype(np.float64)
    margins = values @ coef + intercept
    log_odds = bend(margins, model.curve_)
    return Explanation(
        words=tuple(placed),
        spelt=tuple(spelt),
        known=tuple(_known(model, reading) for reading in spelt),
        contributions=parts[:-1],
        names=parts[-1],
        intercept=intercept,
        calibration=log_odds - margins,
        log_odds=log_odds,
    )


def place_text(model: TagClassifier, text: str) -> list[PlacedWord]:
    """Preprocess a text as the model does, and return each word with its place."""
    cleaner = model.features_.named_steps["preprocess"]
    return place_words(
        text,
        lower=cleaner.lower,
        stem=cleaner.stem,
        filters=cleaner.filters,
        stopwords=cleaner.stopwords,
        language=cleaner.language,
        normalize=cleaner.normalize,
    )


def _known(model: TagClassifier, reading: str) -> bool:
    """Return whether one of the words that a word was read as occurred in training."""
    steps = model.features_.named_steps
    parts = dict(steps["features"].transformer_list)
    seen: list[Collection[str]] = []
    if "words" in parts:
        seen.append(parts["words"].vocabulary_)
    if "aliases" in parts:
        seen.append(parts["aliases"].columns_)
    if "spelling" in steps:
        seen += [steps["spelling"].known_, steps["spelling"].targets_]
    if not seen:
        analyze = parts["characters"].build_analyzer()
        return any(term in parts["characters"].vocabulary_ for term in analyze(reading))
    return any(word in words for word in reading.split() for words in seen)


def _shares(
    model: TagClassifier,
    words: Sequence[str],
    source: Sequence[int],
    num_places: int,
    columns: np.ndarray,
) -> sparse.csr_matrix:
    """Return each place's share of each feature of `columns`; the last place is for names."""
    number = {column: i for i, column in enumerate(columns.tolist())}
    spans = model.feature_spans()
    parts = dict(model.features_.named_steps["features"].transformer_list)
    rows: list[int] = []
    features: list[int] = []
    values: list[float] = []
    for kind, span in spans.items():
        if kind == "aliases":
            raised = [i for column, i in number.items() if span.start <= column < span.stop]
            rows += [num_places] * len(raised)
            features += raised
            values += [1.0] * len(raised)
            continue
        vocabulary = parts[kind].vocabulary_
        for place, term, share in _places(kind, parts[kind], words):
            column = vocabulary.get(term)
            if column is not None:
                rows.append(source[place])
                features.append(number[span.start + column])
                values.append(share)
    shape = (num_places + 1, len(columns))
    return sparse.csr_matrix((values, (rows, features)), shape=shape, dtype=np.float64)


def _places(kind: str, part: object, words: Sequence[str]) -> Iterator[tuple[int, str, float]]:
    """Yield (place, term, share): the shares of one occurrence of a term sum to one."""
    if kind == "words":
        shortest, longest = part.ngram_range  # type: ignore[attr-defined]  # NgramVectorizer
        for length in range(shortest, longest + 1):
            for start in range(len(words) - length + 1):
                term = " ".join(words[start : start + length])
                for place in range(start, start + length):
                    yield place, term, 1 / length
    else:
        analyze = part.build_analyzer()  # type: ignore[attr-defined]  # NgramVectorizer
        for place, word in enumerate(words):
            for term in analyze(word):
                yield place, term, 1.0
