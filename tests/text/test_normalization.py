import sys
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagifai.text.normalization import (
    COMPATIBILITY,
    compose,
    composed_pattern,
    lower_case,
    plain_form,
    special_pattern,
)


def plain(text):
    return compose(special_pattern().sub(plain_form, text))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("ﬀ ﬁ ﬂ ﬃ ﬄ ﬅ ﬆ", "ff fi fl ffi ffl st st"),
        ("ĳ Ĳ ǆ ǲ ſ", "ij IJ dž Dz s"),
        ("ﬓ ﬗ", "մն մխ"),
        ("שׁ ﬡ ﭏ", "שׁ א אל"),
        ("ﻻ ﺑ ﷲ ﭖ", "لا ب الله پ"),
        ("Ａｂ０ ｶﾞ ﾡ", "Ab0 ガ ᄀ"),
        ("𝐀𝒷𝔠𝟚 𞸀 ℂ ℓ", "Abc2 ا C l"),
        ("Ⅻ ⅷ", "XII viii"),
        ("⼈ ⻟", "人 ⻟"),
        ("Å Ω", "Å Ω"),
        ("x² H₂ ½ ① ㎏ ª ™ № … Ⓐ ﹐ ， ！", "x² H₂ ½ ① ㎏ ª ™ № … Ⓐ ﹐ ， ！"),
        ("กำ ㄱ ﷽", "กำ ㄱ ﷽"),
    ],
)
def test_letters_are_written_plainly_and_nothing_else(typed, meant):
    assert plain(typed) == unicodedata.normalize("NFC", meant)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("so\u00adft", "soft"),
        ("wo\u200brd \ufeffx\u2060y \u200e\u202ez\u2069", "word xy z"),
        ("❤\ufe0f 葛\U000e0100", "❤ 葛"),
        ("می\u200cخواهم", "میخواهم"),
        ("a\u200db 👩\u200d💻", "ab 👩\u200d💻"),
        ("ภา\u200bษา a\u200bษ", "ภา ษา aษ"),
        ("كـــتاب", "كتاب"),
        ("a\u034f\u0308", "ä"),
        ("a\u00a0b\tc", "a\u00a0b\tc"),
    ],
)
def test_what_is_invisible_goes(typed, meant):
    assert plain(typed) == meant


def test_every_form_that_is_opened_is_one_of_letters_or_digits():
    chars = [
        chr(code) for code in range(0x20000) if special_pattern().fullmatch(chr(code))
        and not special_pattern().fullmatch(chr(code))[1]
    ]  # fmt: skip
    assert len(chars) > 2_000
    for char in chars:
        opened = unicodedata.normalize("NFKC", char)
        kinds = {unicodedata.category(one)[0] for one in opened}
        assert kinds <= set("LMNZSC"), (COMPATIBILITY, char)


@pytest.mark.parametrize(
    ("language", "text", "lower"),
    [
        ("english", "İI ISTANBUL", "ii istanbul"),
        ("turkish", "İI IŞIK", "iı ışık"),
        ("azerbaijani", "ILIQ", "ılıq"),
        ("greek", "ΟΔΟΣ ΣΑΣ", "οδος σας"),
        ("german", "STRAẞE", "straße"),
    ],
)
def test_lower_case(language, text, lower):
    assert lower_case(text, language) == lower


def test_lower_case_keeps_the_number_of_characters():
    for code in range(sys.maxunicode + 1):
        assert len(lower_case(chr(code), "english")) == 1


@settings(max_examples=500, deadline=None)
@given(
    st.text(
        st.characters(categories=["Mn", "Mc", "Lo", "Lu"])
        | st.sampled_from("각가각áäẫ\u0301\u0308\u0327\u0323क़ি\u09c7\u09beﬁÅ"),
        max_size=30,
    )
)
def test_parts_are_composed_as_the_whole(text):
    assert composed_pattern().sub(lambda found: compose(found[0]), text) == compose(text)
