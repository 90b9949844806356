"""Find the words of scripts that put no spaces between them, and of emoji."""

import re
from functools import lru_cache

from tagifai.text.classes import char_class

# Thai, Lao, Burmese, Khmer, the other scripts of South-East Asia and Java, Chinese, Japanese.
UNSPACED = (
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\u1b00-\u1b7f"
    r"\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c\u3040-\u312f\u31a0-\u31ff"
    r"\u3400-\u4dbf\u4e00-\u9fff\ua980-\ua9ff\uaa60-\uaadf\uf900-\ufaff"
    r"\U00011700-\U0001174f\U00016fe0-\U00018d7f\U0001aff0-\U0001b2ff\U00020000-\U0003ffff"
)
# ICU has no dictionary of these: their words are single characters, with their marks.
_WITHOUT_DICTIONARY = re.compile(
    r"[\u1950-\u19df\u1a20-\u1aaf\u1b00-\u1b7f\ua980-\ua9df\uaa80-\uaadf\U00011700-\U0001174f]"
)
_KATAKANA = re.compile(r"[\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff]+")
_SKIN = "\U0001f3fb-\U0001f3ff"
_FLAG = "[\U0001f1e6-\U0001f1ff]"


def space_text(text: str) -> str:
    """Return a text with spaces between the words of scripts without spaces.

    Examples
    --------
    >>> space_text("用PyTorch训练模型。")
    '用 PyTorch 训练 模型。'
    """
    return text if text.isascii() else unspaced_pattern().sub(space_words, text)


def space_words(found: re.Match[str]) -> str:
    """Return a match of `unspaced_pattern` with spaces between its words, and around them.

    No space is put where one stands, or beside punctuation that was kept.
    """
    if found["emoji"]:
        return f" {found[0]} "
    start, stop = found.span()
    words = " ".join(find_words(found[0]))
    before, after = found.string[start - 1 : start], found.string[stop : stop + 1]
    word_char = _word_char()
    return f"{' ' * bool(word_char.match(before))}{words}{' ' * bool(word_char.match(after))}"


def find_words(run: str) -> list[str]:
    """Split a run of a script without spaces into its words, by ICU's dictionaries.

    Of a script that ICU has no dictionary of, each character is a word: pairs of words are
    features too, so pairs of characters are. Katakana that stand alone in the midst of others
    belong to the word before: no dictionary has every foreign word.

    Examples
    --------
    >>> find_words("机器学习模型"), find_words("ニューラルネットワーク")
    (['机器', '学习', '模型'], ['ニューラル', 'ネットワーク'])
    """
    from icu4py.breakers import WordBreaker  # 40 MB, for who needs them

    words: list[str] = []
    for piece in WordBreaker(run, "root"):
        if _WITHOUT_DICTIONARY.match(piece):
            words += _characters().findall(piece)
        elif (
            words
            and 1 in (len(piece), len(words[-1]))
            and _KATAKANA.fullmatch(piece)
            and _KATAKANA.fullmatch(words[-1])
        ):
            words[-1] += piece
        else:
            words.append(piece)
    return words


@lru_cache(maxsize=1)
def unspaced_pattern() -> re.Pattern[str]:
    """Compile what `space_words` takes: a run of such scripts, or one emoji ("emoji")."""
    marks, picture = char_class("M"), f"[{char_class('Emoji')}][{_SKIN}]?"
    return re.compile(
        rf"(?:(?![{char_class('P', 'S')}])[{UNSPACED}][{marks}]*)+"
        rf"|(?P<emoji>{_FLAG}{{2}}|{picture}(?:\u200d{picture})*)"
    )


@lru_cache(maxsize=1)
def _characters() -> re.Pattern[str]:
    return re.compile(rf".[{char_class('M')}]*", re.DOTALL)


@lru_cache(maxsize=1)
def _word_char() -> re.Pattern[str]:
    return re.compile(rf"[\w{char_class('M')}]")
