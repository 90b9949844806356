"""Write the same text in the same characters: normal form, plain letters, nothing invisible."""

import re
import unicodedata
from functools import lru_cache

from tagifai.text.classes import char_class
from tagifai.text.segmentation import UNSPACED

# Forms of letters and digits that Unicode keeps for older encodings and for typography: Dutch ĳ,
# long s, Croatian digraphs, letters and digits in mathematical styles, Roman numerals, radicals
# of Chinese, Latin, Armenian, Hebrew and Arabic ligatures and presentation forms, full and half
# width. Not: superscripts, subscripts, fractions, circled numbers, units, punctuation.
COMPATIBILITY = (
    r"\u0132\u0133\u017f\u01c4-\u01cc\u01f1-\u01f3\u2102\u210a-\u2113\u2115\u2119-\u211d\u2124"
    r"\u2128\u212c\u212d\u212f-\u2131\u2133\u2134\u2139\u213c-\u213f\u2145-\u2149\u2160-\u217f"
    r"\u2e9f\u2ef3\u2f00-\u2fd5\ufb00-\ufb06\ufb13-\ufb17\ufb20-\ufb28\ufb4f-\ufbb1\ufbd3-\ufd3d"
    r"\ufd50-\ufdfc\ufe70-\ufefc\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\uff66-\uffdc"
    r"\U0001d400-\U0001d7ff\U0001ee00-\U0001eebb"
)
# What shows nothing or only stretches a word: soft hyphens, joiners, marks of direction, variation
# selectors, tags, the byte order mark, Hangul fillers, Arabic tatweel.
INVISIBLE = (
    r"\u00ad\u034f\u061c\u0640\u17b4\u17b5\u180b-\u180f\u200b\u200c\u200e\u200f\u202a-\u202e"
    r"\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
TURKIC = ("azerbaijani", "turkish")
_DOTTED = str.maketrans({"İ": "i"})
_DOTTED_AND_DOTLESS = str.maketrans({"İ": "i", "I": "\u0131"})


@lru_cache(maxsize=1)
def special_pattern() -> re.Pattern[str]:
    """Compile what `plain_form` takes."""
    emoji = char_class("Emoji")
    return re.compile(rf"([{INVISIBLE}]|\u200d(?![{emoji}]))|[{COMPATIBILITY}]")


def plain_form(found: re.Match[str]) -> str:
    """Return the plain letters of a match of `special_pattern`, nothing for what is invisible.

    A zero-width space parts words of the scripts that have no other, and becomes a space there.
    """
    if not found[1]:
        return unicodedata.normalize("NFKC", found[0])
    start, stop = found.span()
    beside = found.string[start - 1 : start], found.string[stop : stop + 1]
    parts = found[0] == "\u200b" and all(map(_UNSPACED.match, beside))
    return " " if parts else ""


@lru_cache(maxsize=1)
def composed_pattern() -> re.Pattern[str]:
    """Compile parts of a text whose normal forms, side by side, are that of the whole."""
    # Marks and the later letters of a Hangul syllable join what stands before them.
    return re.compile(rf".[{char_class('M')}\u1160-\u11ff\ud7b0-\ud7ff]*", re.DOTALL)


def compose(text: str) -> str:
    """Return a text in Unicode's normal form C."""
    return unicodedata.normalize("NFC", text)


def lower_case(text: str, language: str) -> str:
    """Return a text in lower case, each character in one; Turkish has a dotless i for `I`.

    Examples
    --------
    >>> lower_case("İSTANBUL", "english"), lower_case("İZMİR", "turkish")
    ('istanbul', 'izmir')
    """
    return text.translate(_DOTTED_AND_DOTLESS if language in TURKIC else _DOTTED).lower()


_UNSPACED = re.compile(f"[{UNSPACED}]")
