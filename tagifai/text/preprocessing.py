"""Turn a project's text into the words that the classifier reads."""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from tagifai.errors import TagifaiError, shorten

# Each character replaced by a space: ASCII punctuation, and the typographic kind (dashes,
# quotation marks, ellipsis, bullets). One default, for training and for the page.
FILTERS = (
    r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~"""
    r"""\u00a1\u00ab\u00b7\u00bb\u00bf\u2010-\u2027\u2030-\u205e]"""
)
# A quotation mark or an angle bracket never stands in a URL (RFC 3986): the text after it stays.
LINKS = r"""(?:https?://|(?<!\w)www\.)[^\s<>"]+"""

# NLTK's English list (nltk_data, corpora/stopwords), here so that nothing is downloaded.
STOPWORDS: tuple[str, ...] = tuple(
    """
    a about above after again against ain all am an and any are aren aren't as at be because
    been before being below between both but by can couldn couldn't d did didn didn't do does
    doesn doesn't doing don don't down during each few for from further had hadn hadn't has
    hasn hasn't have haven haven't having he he'd he'll he's her here hers herself him himself
    his how i i'd i'll i'm i've if in into is isn isn't it it'd it'll it's its itself just ll
    m ma me mightn mightn't more most mustn mustn't my myself needn needn't no nor not now o
    of off on once only or other our ours ourselves out over own re s same shan shan't she
    she'd she'll she's should should've shouldn shouldn't so some such t than that that'll the
    their theirs them themselves then there these they they'd they'll they're they've this
    those through to too under until up ve very was wasn wasn't we we'd we'll we're we've were
    weren weren't what when where which while who whom why will with won won't wouldn wouldn't
    y you you'd you'll you're you've your yours yourself yourselves
    """.split()  # noqa: SIM905 - 198 words, one a line, would hide the module
)

_REMEMBERED_WORDS = 1 << 15
_REMEMBERED_LENGTH = 32
_DEFAULT_STOPWORDS = frozenset(STOPWORDS)


def preprocess_text(
    text: str,
    *,
    lower: bool = True,
    stem: bool = False,
    filters: str = FILTERS,
    stopwords: Iterable[str] = STOPWORDS,
) -> str:
    """Clean `text`, in this order, and return its words with single spaces between.

    1. lower case, if `lower`;
    2. links (`http://…`, `https://…`, `www.…`) become a space, before punctuation is gone;
    3. stopwords that are more than letters and digits ("don't", "of the") become a space,
       while their apostrophe still stands (either `'` or its typographic form);
    4. each match of the regular expression `filters` becomes a space ("" for none);
    5. the other stopwords become a space, as whole words, whatever their case;
    6. whitespace is collapsed;
    7. each word gives way to its Porter stem, if `stem`; its case stays.

    Raises:
        TagifaiError: `filters` is no regular expression, or `stopwords` isn't several strings.

    >>> preprocess_text("Don't miss https://example.org/a: You and I, state-of-the-art!")
    'miss state art'
    >>> preprocess_text("Reading Graph Embeddings", lower=False, stem=True)
    'Read Graph Embed'
    """
    words = _DEFAULT_STOPWORDS if stopwords is STOPWORDS else _word_set(stopwords)
    return _preprocessor(lower, stem, filters, words)(text)


def preprocess_with(
    replace: Callable[[str], str],
    text: str,
    *,
    lower: bool = True,
    stem: bool = False,
    stopwords: Iterable[str] = STOPWORDS,
) -> str:
    """Preprocess as `preprocess_text` does, with `replace` for step 4, the filters.

    >>> preprocess_with(lambda text: text.replace("-", " "), "Self-Attention")
    'self attention'
    """
    words = _DEFAULT_STOPWORDS if stopwords is STOPWORDS else _word_set(stopwords)
    before, finish = _steps(lower, stem, words)
    return finish(replace(before(text)))


class TextPreprocessor:
    """Call `preprocess_text` with settled arguments: for many texts, or to pass as a function.

    >>> TextPreprocessor(stem=True)("Training transformers")
    'train transform'
    """

    def __init__(
        self,
        *,
        lower: bool = True,
        stem: bool = False,
        filters: str = FILTERS,
        stopwords: Iterable[str] = STOPWORDS,
    ) -> None:
        words = _DEFAULT_STOPWORDS if stopwords is STOPWORDS else _word_set(stopwords)
        self._settings = (lower, stem, filters, words)
        _preprocessor(*self._settings)  # a bad pattern is told now, not at the first text

    def __call__(self, text: str) -> str:
        """Return the preprocessed text."""
        return _preprocessor(*self._settings)(text)

    # Settings alone make two equal and travel between processes: remembered words need not.
    def __eq__(self, other: object) -> bool:
        return isinstance(other, TextPreprocessor) and self._settings == other._settings

    def __hash__(self) -> int:
        return hash(self._settings)


def compile_filters(filters: str) -> re.Pattern[str]:
    """Compile a `filters` argument.

    Raises:
        TagifaiError: it is no regular expression; the message names it and what is wrong.
    """
    try:
        return re.compile(filters)
    except (re.error, RecursionError, OverflowError) as error:
        raise TagifaiError(
            f"filters: {shorten(filters)!r} is no regular expression: {error}"
        ) from None


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
def _preprocessor(
    lower: bool, stem: bool, filters: str, stopwords: frozenset[str]
) -> Callable[[str], str]:
    before, finish = _steps(lower, stem, stopwords)
    pattern = compile_filters(filters) if filters else None

    def whole(text: str) -> str:
        text = before(text)
        return finish(pattern.sub(" ", text) if pattern else text)

    # The default pattern, links and stopwords without a space never reach over whitespace:
    # the whole chain can be remembered word by word, with the same result.
    if filters == FILTERS and not any(len(word.split()) > 1 for word in stopwords):
        return _by_word(whole)
    return whole


@lru_cache(maxsize=8)
def _steps(
    lower: bool, stem: bool, stopwords: frozenset[str]
) -> tuple[Callable[[str], str], Callable[[str], str]]:
    """Build the steps before the filters, and those after."""
    links = re.compile(LINKS, re.IGNORECASE)
    plain, compound = stopword_patterns(stopwords)
    stem_word = stem_function() if stem else None

    def before(text: str) -> str:
        text = links.sub(" ", text.lower() if lower else text)
        return compound.sub(" ", text) if compound else text

    def finish_word(word: str) -> str:
        words = (plain.sub(" ", word) if plain else word).split()
        return " ".join(map(stem_word, words) if stem_word else words)

    return before, _by_word(finish_word)


def _by_word(finish: Callable[[str], str]) -> Callable[[str], str]:
    answers = _Remembered(finish)
    return lambda text: " ".join(filter(None, map(answers.__getitem__, text.split())))


def stopword_patterns(
    stopwords: frozenset[str],
) -> tuple[re.Pattern[str] | None, re.Pattern[str] | None]:
    """Compile the stopwords that are one run of letters and digits, and the others; None: none."""
    plain = sorted(word for word in stopwords if re.fullmatch(r"\w+", word))
    # Longest first: the first alternative that matches wins.
    others = sorted(stopwords - set(plain), key=lambda word: (-len(word), word))
    compound = [
        r"\s+".join(re.escape(part).replace("'", "['\u2019]") for part in word.split())
        for word in others
        if word.strip()
    ]
    return (
        re.compile(rf"\b(?:{'|'.join(plain)})\b", re.IGNORECASE) if plain else None,
        re.compile(rf"(?<!\w)(?:{'|'.join(compound)})(?!\w)", re.IGNORECASE) if compound else None,
    )


def stem_function() -> Callable[[str], str]:
    """Give the function from a word to its stem, whose case stays."""
    from nltk.stem import PorterStemmer  # here: only those who stem wait for its import

    stem = PorterStemmer().stem
    return lambda word: stem(word, to_lowercase=False)
