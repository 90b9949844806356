"""Find where each preprocessed word stands in the text as it was typed."""

import re
from dataclasses import dataclass

from tagifai.text.languages import DEFAULT_LANGUAGE, stem_function
from tagifai.text.preprocessing import FILTERS, Step, preprocessing_steps

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
    language: str = DEFAULT_LANGUAGE,
    normalize: bool = True,
) -> list[PlacedWord]:
    """Preprocess `text` as `preprocess_text` does, and keep each word's place.

    The tokens, joined by spaces, are what `preprocess_text` returns, for every text and every
    setting. Places follow each other; two overlap where one character became several words.

    Raises
    ------
    TagifaiError
        `filters` is no regular expression, or the language is unknown.

    Examples
    --------
    >>> text = "The Self-Attention!"
    >>> [(word.token, text[word.start:word.stop]) for word in place_words(text)]
    [('self', 'Self'), ('attention', 'Attention')]
    """
    placed = _Placed(text, list(range(len(text))), list(range(1, len(text) + 1)))
    for step in preprocessing_steps(
        lower=lower,
        filters=filters,
        stopwords=None if stopwords else (),
        language=language,
        normalize=normalize,
    ):
        placed = _apply(step, placed)
    stem_word = stem_function(language) if stem else None
    words = []
    for match in _WORD.finditer(placed.text):
        token = stem_word(match[0]) if stem_word else match[0]
        if token:
            start, stop = placed.starts[match.start()], placed.stops[match.end() - 1]
            words.append(PlacedWord(token, start, stop))
    return words


@dataclass(frozen=True, slots=True)
class _Placed:
    """A text on its way, and the part of the text as typed that each character comes from."""

    text: str
    starts: list[int]
    stops: list[int]


def _apply(step: Step, placed: _Placed) -> _Placed:
    text = placed.text
    if not step.in_ascii and text.isascii():
        return placed
    if step.pattern is None:
        return _Placed(step(text), placed.starts, placed.stops)
    pieces: list[str] = []
    starts: list[int] = []
    stops: list[int] = []
    end = 0

    def keep(start: int, stop: int) -> None:
        pieces.append(text[start:stop])
        starts.extend(placed.starts[start:stop])
        stops.extend(placed.stops[start:stop])

    for match in step.pattern.finditer(text):
        start, stop = match.span()
        new = step.replace if isinstance(step.replace, str) else step.replace(match)
        if new == match[0]:
            continue
        keep(end, start)
        end = stop
        if step.spaces:
            at = start
            for char in new:
                if char == " ":  # its place is of no account: it is part of no word
                    pieces.append(char)
                    starts.append(-1)
                    stops.append(-1)
                else:
                    keep(at, at + 1)
                    at += 1
        else:
            first = placed.starts[start] if start < stop else -1
            last = placed.stops[stop - 1] if start < stop else -1
            pieces.append(new)
            starts.extend([first] * len(new))
            stops.extend([last] * len(new))
    keep(end, len(text))
    return _Placed("".join(pieces), starts, stops)
