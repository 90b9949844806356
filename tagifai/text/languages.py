"""Languages by name or code: their stopwords and stemmers."""

import threading
import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from tagifai.errors import one_of

DEFAULT_LANGUAGE = "english"
# NLTK's Snowball stemmers; English has Porter's own.
SNOWBALL = (
    "arabic",
    "danish",
    "dutch",
    "finnish",
    "french",
    "german",
    "hungarian",
    "italian",
    "norwegian",
    "portuguese",
    "romanian",
    "russian",
    "spanish",
    "swedish",
)
_FOLDER = Path(__file__).parent


def find_language(name: str) -> str:
    """Return a language's English name in lower case, by its name or its ISO 639 code.

    Languages of ISO 639-1 are known, and "multilingual" for texts of several.

    Raises
    ------
    TagifaiError
        No language is called so; it names the nearest.

    Examples
    --------
    >>> find_language("de"), find_language("pt-BR"), find_language("Slovenian")
    ('german', 'portuguese', 'slovene')
    """
    known = _languages()
    key = unicodedata.normalize("NFC", name).strip().lower()
    found = known.get(key) or known.get(key.replace("_", "-").partition("-")[0])
    if found is None:
        raise one_of("language", name, list_languages())
    return found


def list_languages() -> list[str]:
    """List the languages by name, those with stopwords or stems first."""
    own = {path.stem for path in (_FOLDER / "stopwords").glob("*.txt")} | set(SNOWBALL)
    return sorted(set(_languages().values()), key=lambda one: (one not in own, one))


def recorded_language(params: Mapping[str, Any]) -> str:
    """Return the language that a version's parameters name; those made before any read English.

    Raises
    ------
    TagifaiError
        It is no language.
    """
    return find_language(str(params.get("language", DEFAULT_LANGUAGE)))


def stopwords_of(language: str) -> tuple[str, ...]:
    """List the stopwords of a language, none of one that NLTK has no list of.

    Examples
    --------
    >>> len(stopwords_of("english")), stopwords_of("german")[:2], stopwords_of("thai")
    (198, ('aber', 'alle'), ())
    """
    return _read_stopwords(find_language(language))


def has_stemmer(language: str) -> bool:
    """Check whether words of a language have stems."""
    return find_language(language) in (DEFAULT_LANGUAGE, *SNOWBALL)


@lru_cache(maxsize=32)
def stem_function(language: str) -> Callable[[str], str] | None:
    """Return the function from a word to its stem, None for a language without one.

    English stems are Porter's and keep their case; the others are Snowball's, in lower case.
    """
    language = find_language(language)
    # Imported here: only those who stem wait for it.
    if language == DEFAULT_LANGUAGE:
        from nltk.stem import PorterStemmer

        porter = PorterStemmer().stem
        return lambda word: porter(word, to_lowercase=False)
    if language not in SNOWBALL:
        return None
    from nltk.stem.snowball import SnowballStemmer

    snowball = SnowballStemmer(language)
    # Some keep what they found out of a word in themselves: one word at a time.
    lock = threading.Lock()

    def stem(word: str) -> str:
        with lock:
            found: str = snowball.stem(word)
        return found

    return stem


@lru_cache(maxsize=1)
def _languages() -> dict[str, str]:
    """Read each language's name by all of its names and codes."""
    rows = (_FOLDER / "languages.txt").read_text("utf-8").split("\n")
    return {name: names[0] for row in rows if row for names in [row.split(";")] for name in names}


@lru_cache(maxsize=64)
def _read_stopwords(language: str) -> tuple[str, ...]:
    path = _FOLDER / "stopwords" / f"{language}.txt"
    return tuple(path.read_text("utf-8").split("\n")[:-1]) if path.is_file() else ()
