"""Turn a project's text into the words that the classifier reads."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import NamedTuple

from tagifai.errors import TagifaiError, shorten
from tagifai.text.classes import char_class, expand_classes
from tagifai.text.languages import DEFAULT_LANGUAGE, find_language, stem_function, stopwords_of
from tagifai.text.normalization import (
    compose,
    composed_pattern,
    lower_case,
    plain_form,
    special_pattern,
)
from tagifai.text.segmentation import UNSPACED, space_words, unspaced_pattern

# Each character that becomes a space: punctuation and symbols of every script, but no emoji.
FILTERS = r"(?!\p{Emoji})[\p{P}\p{S}]"
# The default of versions made before: ASCII punctuation and the typographic kind.
OLD_FILTERS = (
    r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~"""
    r"""\u00a1\u00ab\u00b7\u00bb\u00bf\u2010-\u2027\u2030-\u205e]"""
)
# A quotation mark or an angle bracket never stands in a URL (RFC 3986): the text after it stays.
# Nor do scripts without spaces, in which nothing else would end it, and their punctuation.
LINKS = (
    rf"(?:https?://|(?:(?<!\w)|(?<=[{UNSPACED}]))www\.)"
    rf"[^\s<>\"{UNSPACED}\u2018-\u201f\u3000-\u303f\uff00-\uffef]+"
)
OLD_LINKS = r"""(?:https?://|(?<!\w)www\.)[^\s<>"]+"""

_REMEMBERED_WORDS = 1 << 15
_REMEMBERED_LENGTH = 32
# No match of these reaches over whitespace.
_WITHIN_WORDS = ("", FILTERS, OLD_FILTERS)


@dataclass(frozen=True, slots=True)
class Step:
    """One of the changes that turn a text into its words: each match of `pattern` gives way.

    Attributes
    ----------
    pattern : re.Pattern or None
        None: each character gives way to one other, by `whole`.
    replace : str or callable
        What stands in the place of a match, as for `re.sub`.
    whole : callable or None
        Does the same to a whole text in less time.
    in_ascii : bool
        Whether a text of ASCII alone can change.
    spaces : bool
        Whether nothing changes but for spaces that come in.
    """

    pattern: re.Pattern[str] | None
    replace: str | Callable[[re.Match[str]], str] = " "
    whole: Callable[[str], str] | None = None
    in_ascii: bool = True
    spaces: bool = False

    def __call__(self, text: str) -> str:
        """Return the changed text."""
        if not self.in_ascii and text.isascii():
            return text
        if self.whole is not None:
            return self.whole(text)
        assert self.pattern is not None
        return self.pattern.sub(self.replace, text)


def preprocess_text(
    text: str,
    *,
    lower: bool = True,
    stem: bool = False,
    filters: str = FILTERS,
    stopwords: Iterable[str] | None = None,
    language: str = DEFAULT_LANGUAGE,
    normalize: bool = True,
) -> str:
    r"""Clean `text`, in this order, and return its words with single spaces between.

    1. Unicode's normal form C; plain letters for ligatures, presentation forms, full and half
       width, mathematical styles and the like; nothing for what is invisible;
    2. lower case, if `lower`, as `language` has it;
    3. links (`http://…`, `https://…`, `www.…`) become a space, before punctuation is gone;
    4. stopwords that are more than letters and digits ("don't", "of the") become a space,
       while their apostrophe still stands (either `'` or its typographic form);
    5. each match of the regular expression `filters` becomes a space ("" for none); beside what
       `re` knows it may hold `\p{…}`, see `classes.char_class`;
    6. words of scripts without spaces (Chinese, Japanese, Thai, Lao, Khmer, Burmese and others)
       are found, and so is each emoji;
    7. the other stopwords become a space, as whole words, whatever their case;
    8. whitespace is collapsed;
    9. each word gives way to its stem, if `stem` and if `language` has a stemmer.

    Parameters
    ----------
    text : str
        Any text.
    lower, stem : bool
        Whether words become lower case, and stems.
    filters : str
        Regular expression of what becomes a space.
    stopwords : iterable of str, optional
        By default those of `language`.
    language : str
        Name or ISO code of the language whose casing, stopwords and stems are used.
    normalize : bool
        False leaves out steps 1 and 6, as versions did that were made before there were any.

    Raises
    ------
    TagifaiError
        `filters` is no regular expression, `stopwords` isn't several strings, or the language
        is unknown.

    Examples
    --------
    >>> preprocess_text("Don't miss https://example.org/a: You and I, state-of-the-art!")
    'miss state art'
    >>> preprocess_text("Reading Graph Embeddings", lower=False, stem=True)
    'Read Graph Embed'
    >>> preprocess_text("Die Bücher, gelesen von Käufern", language="german", stem=True)
    'buch geles kauf'
    """
    return _preprocessor(_settled(lower, stem, filters, stopwords, language, normalize))(text)


def preprocess_with(
    replace: Callable[[str], str],
    text: str,
    *,
    lower: bool = True,
    stem: bool = False,
    stopwords: Iterable[str] | None = None,
    language: str = DEFAULT_LANGUAGE,
) -> str:
    """Preprocess as `preprocess_text` does, with `replace` for step 5, the filters.

    Examples
    --------
    >>> preprocess_with(lambda text: text.replace("-", " "), "Self-Attention")
    'self attention'
    """
    settings = _settled(lower, stem, "", stopwords, language, True)
    for step in _steps(settings).before:
        text = step(text)
    return _finisher(settings)(replace(text))


class TextPreprocessor:
    """Call `preprocess_text` with settled arguments: for many texts, or to pass as a function.

    Examples
    --------
    >>> TextPreprocessor(stem=True)("Training transformers")
    'train transform'
    """

    def __init__(
        self,
        *,
        lower: bool = True,
        stem: bool = False,
        filters: str = FILTERS,
        stopwords: Iterable[str] | None = None,
        language: str = DEFAULT_LANGUAGE,
    ) -> None:
        self._settings = _settled(lower, stem, filters, stopwords, language, True)
        _preprocessor(self._settings)  # a bad pattern is told now, not at the first text

    def __call__(self, text: str) -> str:
        """Return the preprocessed text."""
        return _preprocessor(self._settings)(text)

    # Settings alone make two equal and travel between processes: remembered words need not.
    def __eq__(self, other: object) -> bool:
        return isinstance(other, TextPreprocessor) and self._settings == other._settings

    def __hash__(self) -> int:
        return hash(self._settings)


def preprocessing_steps(
    *,
    lower: bool = True,
    filters: str = FILTERS,
    stopwords: Iterable[str] | None = None,
    language: str = DEFAULT_LANGUAGE,
    normalize: bool = True,
) -> tuple[Step, ...]:
    """List the steps by which `preprocess_text` comes to a text's words, stems apart.

    Raises
    ------
    TagifaiError
        As `preprocess_text` does.
    """
    steps = _steps(_settled(lower, False, filters, stopwords, language, normalize))
    return (*steps.before, *steps.filters, *steps.after)


def compile_filters(filters: str) -> re.Pattern[str]:
    """Compile a `filters` argument.

    Raises
    ------
    TagifaiError
        It is no regular expression; the message names it and what is wrong.
    """
    expanded = expand_classes(filters)
    try:
        return re.compile(expanded)
    except (re.error, RecursionError, OverflowError) as error:
        raise invalid_filters(filters, expanded, str(error)) from None


def invalid_filters(filters: str, expanded: str, why: str) -> TagifaiError:
    """Build the error for `filters` that `re` refused in its expanded form."""
    if expanded != filters:  # a position in what nobody wrote helps nobody
        why = re.sub(r" at position \d+.*", "", why)
    return TagifaiError(f"filters: {shorten(filters)!r} is no regular expression: {why}")


class _Settings(NamedTuple):
    lower: bool
    stem: bool
    filters: str
    stopwords: frozenset[str]
    language: str
    normalize: bool


class _Steps(NamedTuple):
    """The steps before the filters, those of the filters, and those after."""

    before: tuple[Step, ...]
    filters: tuple[Step, ...]
    after: tuple[Step, ...]


def _settled(
    lower: bool,
    stem: bool,
    filters: str,
    stopwords: Iterable[str] | None,
    language: str,
    normalize: bool,
) -> _Settings:
    words = _own_stopwords(language) if stopwords is None else _word_set(stopwords)
    return _Settings(lower, stem, filters, words, find_language(language), normalize)


@lru_cache(maxsize=32)
def _own_stopwords(language: str) -> frozenset[str]:
    return frozenset(stopwords_of(language))


def _word_set(stopwords: Iterable[str]) -> frozenset[str]:
    if isinstance(stopwords, str):
        raise TagifaiError(
            f'stopwords: a list of words is needed, as in ["the", "of"], '
            f"got one string {shorten(stopwords)!r}"
        )
    words = frozenset(stopwords)
    for word in words:
        if not isinstance(word, str):
            raise TagifaiError(f"stopwords: strings are needed, got {shorten(repr(word))}")
    return words


class _Remembered(dict[str, str]):
    """Answers by word, computed once; bounded, since visitors may send any words."""

    def __init__(self, compute: Callable[[str], str]) -> None:
        self._compute = compute

    def __missing__(self, word: str) -> str:
        answer = self._compute(word)
        if len(word) <= _REMEMBERED_LENGTH:
            if len(self) >= _REMEMBERED_WORDS:
                self.clear()
            self[word] = answer
        return answer


@lru_cache(maxsize=8)
def _preprocessor(settings: _Settings) -> Callable[[str], str]:
    steps, finish = _steps(settings), _finisher(settings)

    def whole(text: str) -> str:
        for step in (*steps.before, *steps.filters):
            text = step(text)
        return finish(text)

    # The default pattern, links and stopwords without a space never reach over whitespace:
    # the whole chain can be remembered word by word, with the same result.
    spaced = any(len(word.split()) > 1 for word in settings.stopwords)
    return whole if spaced or settings.filters not in _WITHIN_WORDS else _by_word(whole)


@lru_cache(maxsize=8)
def _steps(settings: _Settings) -> _Steps:
    lower, _, filters, stopwords, language, normalize = settings
    composed = Step(composed_pattern(), lambda found: compose(found[0]), compose, in_ascii=False)
    before: list[Step] = []
    if normalize:
        before += [Step(special_pattern(), plain_form, in_ascii=False), composed]
    if lower and normalize:
        # A letter may have a composed form in lower case alone.
        before += [Step(None, whole=partial(lower_case, language=language)), composed]
    elif lower:
        before += [Step(re.compile("İ"), "i\u0307"), Step(None, whole=str.lower)]
    before.append(Step(re.compile(LINKS if normalize else OLD_LINKS, re.IGNORECASE)))
    chars = _word_chars() if normalize else r"\w"
    plain, compound = _split_stopwords(stopwords, language, chars)
    if compound:
        before.append(Step(compound))
    after: list[Step] = []
    if normalize:
        after.append(Step(unspaced_pattern(), space_words, in_ascii=False, spaces=True))
    if plain:

        def drop(found: re.Match[str]) -> str:
            return " " if _folded(found[0], language) in plain else found[0]

        after.append(Step(re.compile(rf"[{chars}]+"), drop))
    own = (Step(compile_filters(filters)),) if filters else ()
    return _Steps(tuple(before), own, tuple(after))


@lru_cache(maxsize=8)
def _finisher(settings: _Settings) -> Callable[[str], str]:
    after = _steps(settings).after
    stem = stem_function(settings.language) if settings.stem else None

    def finish_word(word: str) -> str:
        for step in after:
            word = step(word)
        words = word.split()
        return " ".join(filter(None, map(stem, words)) if stem else words)

    return _by_word(finish_word)


def _by_word(finish: Callable[[str], str]) -> Callable[[str], str]:
    answers = _Remembered(finish)
    return lambda text: " ".join(filter(None, map(answers.__getitem__, text.split())))


def _split_stopwords(
    stopwords: frozenset[str], language: str, chars: str
) -> tuple[frozenset[str], re.Pattern[str] | None]:
    """Fold the stopwords that are one run of `chars`; compile the others, if there are any."""
    written = {compose(special_pattern().sub(plain_form, word)) for word in stopwords}
    run = re.compile(rf"[{chars}]+")
    plain = {word for word in written if run.fullmatch(word)}
    # Longest first: the first alternative that matches wins.
    others = sorted(written - plain, key=lambda word: (-len(word), word))
    compound = [
        r"\s+".join(re.escape(part).replace("'", "['\u2019]") for part in word.split())
        for word in others
        if word.strip()
    ]
    return (
        frozenset(_folded(word, language) for word in plain),
        re.compile(rf"(?<![{chars}])(?:{'|'.join(compound)})(?![{chars}])", re.IGNORECASE)
        if compound
        else None,
    )


def _folded(word: str, language: str) -> str:
    """Return a word as all of its cases are written."""
    return compose(lower_case(word, language).casefold())


@lru_cache(maxsize=1)
def _word_chars() -> str:
    # A mark belongs to its letter, as `\w` does not know.
    return rf"\w{char_class('M')}"
