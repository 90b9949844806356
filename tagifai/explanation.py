"""Explain a prediction: what each word of a text adds to a tag's margin, exactly."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from tagifai.classifier import TagClassifier


@dataclass(frozen=True, eq=False)
class Explanation:
    """The margin of a text, taken apart: they are `words` + `names` + `intercept`.

    `tokens` are the preprocessed words in order and `spelt` what each was read as (another
    word where a misspelling was corrected); `contributions` (n_tokens, n_tags), `names`
    (n_tags,) the flags of tags' names, `intercept` and `margins` (n_tags,), all float64.
    """

    tokens: tuple[str, ...]
    spelt: tuple[str, ...]
    contributions: np.ndarray
    names: np.ndarray
    intercept: np.ndarray

    @property
    def margins(self) -> np.ndarray:
        """Sum all parts, (n_tags,)."""
        return self.contributions.sum(axis=0) + self.names + self.intercept


def explain(model: TagClassifier, text: str) -> Explanation:
    """Share the margin of every tag among the words of `text`.

    A run of words is shared equally among them, a run of characters belongs to its word, and
    a feature that comes several times is shared equally among its places. The flags of tags'
    names are a part of their own. Sums are exact up to rounding, not an approximation.
    """
    steps = model.features_.named_steps
    tokens = steps["preprocess"].transform([text])[0].split()
    spelling = steps.get("spelling")
    spelt = [spelling.correct(token) for token in tokens] if spelling else tokens
    # A corrected token may be read as several words: `source` leads each back to its token.
    words = [word for reading in spelt for word in reading.split()]
    source = [i for i, reading in enumerate(spelt) for _ in reading.split()]
    row = model.transform([text])
    spans = model.feature_spans()
    parts = dict(steps["features"].transformer_list)
    # At [place, feature]: the share of the feature that is the place's; the last place is names.
    shares = sparse.lil_matrix((len(tokens) + 1, row.shape[1]))
    for kind, span in spans.items():
        if kind == "aliases":
            shares[len(tokens), span] = 1.0
            continue
        vocabulary = parts[kind].vocabulary_
        for place, term, share in _places(kind, parts[kind], words):
            if term in vocabulary:
                shares[source[place], span.start + vocabulary[term]] += share
    shares = sparse.csr_matrix(shares)
    total = np.asarray(shares.sum(axis=0)).ravel()
    value = np.asarray(row.astype(np.float64).todense()).ravel()
    scale = np.divide(value, total, out=np.zeros_like(value), where=total > 0)
    parts_of = sparse.csr_matrix(shares.multiply(scale[None, :])) @ model.coef_.astype(np.float64)
    return Explanation(
        tuple(tokens),
        tuple(spelt),
        parts_of[:-1],
        parts_of[-1],
        model.intercept_.astype(np.float64),
    )


def _places(kind: str, part: object, words: list[str]) -> Iterator[tuple[int, str, float]]:
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
