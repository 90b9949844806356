"""Find where each preprocessed word stands in the text as it was typed."""

import re
from dataclasses import dataclass
from functools import lru_cache

from tagifai.text.preprocessing import (
    FILTERS,
    LINKS,
    STOPWORDS,
    compile_filters,
    stem_function,
    stopword_patterns,
)

_LINKS = re.compile(LINKS, re.IGNORECASE)
_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class PlacedWord:
    """A preprocessed word, and the characters `text[start:stop]` that it was made of."""

    token: str
    start: int
    stop: int


def place_words(
    text: str,
    *,
    lower: bool = True,
    stem: bool = False,
    filters: str = FILTERS,
    stopwords: bool = True,
) -> list[PlacedWord]:
    """Preprocess `text` as `preprocess_text` does, and keep each word's place.

    The tokens, joined by spaces, are what `preprocess_text` returns, for every text and every
    setting. Places follow each other; two share a character where lower case made several of it
    and `filters` part these.

    >>> text = "The Self-Attention!"
    >>> [(word.token, text[word.start:word.stop]) for word in place_words(text)]
    [('self', 'Self'), ('attention', 'Attention')]

    Raises:
        TagifaiError: `filters` is no regular expression.
    """
    plain, compound = _patterns(stopwords)
    current, places = _lowered(text) if lower else (text, list(range(len(text))))
    patterns = (_LINKS, compound, compile_filters(filters) if filters else None, plain)
    for pattern in patterns:
        if pattern is not None:
            current, places = _blanked(pattern, current, places)
    stem_word = stem_function() if stem else None
    words = []
    for match in _WORD.finditer(current):
        token = stem_word(match[0]) if stem_word else match[0]
        if token:
            start, stop = places[match.start()], places[match.end() - 1] + 1
            words.append(PlacedWord(token, start, stop))
    return words


@lru_cache(maxsize=2)
def _patterns(stopwords: bool) -> tuple[re.Pattern[str] | None, re.Pattern[str] | None]:
    return stopword_patterns(frozenset(STOPWORDS if stopwords else ()))


def _lowered(text: str) -> tuple[str, list[int]]:
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered, list(range(len(text)))
    # One character may become several ("İ"); which ones follows from each alone.
    return lowered, [place for place, char in enumerate(text) for _ in char.lower()]


def _blanked(pattern: re.Pattern[str], text: str, places: list[int]) -> tuple[str, list[int]]:
    """Replace each match by one space, as `pattern.sub(" ", text)` does."""
    pieces: list[str] = []
    kept: list[int] = []
    end = 0
    for match in pattern.finditer(text):
        start, stop = match.span()
        pieces += (text[end:start], " ")
        kept += places[end:start]
        # The space is never part of a word, so its place is of no account.
        kept.append(-1)
        end = stop
    if not pieces:
        return text, places
    return "".join(pieces) + text[end:], kept + places[end:]
