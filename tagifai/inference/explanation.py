"""Explain a prediction: what each word of a text adds to a tag's log-odds, exactly."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from tagifai.models.classifier import TagClassifier
from tagifai.models.platt import bend
from tagifai.text.alignment import PlacedWord, place_words


@dataclass(frozen=True, eq=False)
class Explanation:
    """The log-odds of a text, taken apart: `words` + `names` + `intercept` + `calibration`.

    `words` are the preprocessed words with their places in the text as typed, `spelt` what each
    was read as (another word where a misspelling was corrected), `known` whether training saw
    it. `contributions` (n_words, n_tags); `names` (n_tags,) the flags of tags' names;
    `intercept` and `calibration` (n_tags,), what the curve from margins to log-odds adds;
    `log_odds` (n_tags,), of the probabilities shown; all float64.
    """

    words: tuple[PlacedWord, ...]
    spelt: tuple[str, ...]
    known: tuple[bool, ...]
    contributions: np.ndarray
    names: np.ndarray
    intercept: np.ndarray
    calibration: np.ndarray
    log_odds: np.ndarray

    @property
    def tokens(self) -> tuple[str, ...]:
        """Give the preprocessed words alone."""
        return tuple(word.token for word in self.words)

    @property
    def margins(self) -> np.ndarray:
        """Sum the linear parts, (n_tags,)."""
        return self.contributions.sum(axis=0) + self.names + self.intercept


def explain(model: TagClassifier, text: str) -> Explanation:
    """Share the log-odds of every tag among the words of `text`.

    A run of words is shared equally among them, a run of characters belongs to its word, and
    a feature that comes several times is shared equally among its places. The flags of tags'
    names are a part of their own. Sums are exact up to rounding, not an approximation.
    """
    return explain_all(model, [text])[0]


def explain_all(model: TagClassifier, texts: Sequence[str]) -> list[Explanation]:
    """Explain each text as `explain` does, in less time than one by one."""
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
    """Explain a text whose features are `values` at `columns`, and elsewhere 0."""
    steps = model.features_.named_steps
    placed = place_text(model, text)
    spelling = steps.get("spelling")
    spelt = [spelling.correct(word.token) if spelling else word.token for word in placed]
    # A corrected word may be read as several: `source` leads each back to its place.
    words = [word for reading in spelt for word in reading.split()]
    source = [i for i, reading in enumerate(spelt) for _ in reading.split()]
    coef = model.coef_[columns].astype(np.float64)
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
    """Preprocess a text as the model does, and keep each word's place."""
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
    """Tell whether training saw one of the words that a word was read as."""
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
    """Give at [place, i] the place's share of feature `columns[i]`; the last place is names."""
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
