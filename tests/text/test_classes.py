import re
import sys
import unicodedata

import pytest
import regex

from tagifai.errors import TagifaiError
from tagifai.text.classes import char_class, expand_classes

EVERYTHING = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF]


@pytest.mark.parametrize("name", ["M", "Mn", "N", "Nd", "P", "Pd", "S", "Sc", "Z"])
def test_a_class_holds_the_characters_of_its_category(name):
    pattern = re.compile(f"[{char_class(name)}]")
    found = {char for char in EVERYTHING if pattern.match(char)}
    wanted = {char for char in EVERYTHING if unicodedata.category(char).startswith(name)}
    assert found == wanted


def test_emoji_are_those_of_unicode_that_are_pictures():
    ours = regex.compile(f"[{char_class('Emoji')}]")
    shown = regex.compile(r"\p{Emoji_Presentation}")
    ever = regex.compile(r"[\p{Extended_Pictographic}\p{Emoji_Modifier}\p{Regional_Indicator}]")
    assigned = [char for char in EVERYTHING if unicodedata.category(char) != "Cn"]
    assert [char for char in assigned if shown.match(char) and not ours.match(char)] == []
    # Of the blocks beyond, a few pictures are none: nobody minds that these stay.
    strange = {char for char in assigned if ours.match(char) and not ever.match(char)}
    assert {unicodedata.category(char) for char in strange} == {"So"}
    assert min(strange) > "\uffff"
    assert not ours.search("09#*©®™→ℹ‼")
    assert [char for char in "☀❤✌☺♀" if not ours.match(char)] == []


@pytest.mark.parametrize(
    ("pattern", "text", "left"),
    [
        (r"\p{P}", "a,b。c+", "a b c+"),
        (r"[\p{P}b]", "a,b。c", "a   c"),
        (r"[^\p{P}]", "a,b", " , "),
        (r"\P{P}", "a,b", " , "),
        (r"[\P{P}]", "a,b", " , "),
        (r"[]\p{Sc}]", "a]€b", "a  b"),
        (r"[^]\p{Sc}]", "a]€", " ]€"),
        (r"[[\p{Sc}]\p{Nd}", "a[1€2b", "a  b"),
        (r"\[\p{Nd}\]", "a[1]", "a "),
        (r"\\p{2}", "a\\pp", "a "),
        (r"(?!\p{Emoji})\p{S}", "😀+©", "😀  "),
    ],
)
def test_classes_in_patterns(pattern, text, left):
    assert re.sub(expand_classes(pattern), " ", text) == left


def test_a_pattern_without_classes_stays():
    for pattern in ("", "[a-z]+", r"\w\\p", "(", r"\p", "[[:punct:]]"):
        assert expand_classes(pattern) == pattern


@pytest.mark.parametrize("name", ["", "Q", "Latin", "L", "p"])
def test_an_unknown_class_is_named(name):
    with pytest.raises(TagifaiError, match=r"unknown class \\p\{…\} .*allowed: Emoji, M, Mc"):
        expand_classes(rf"a\p{{{name}}}")
