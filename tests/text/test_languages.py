import random
import unicodedata
from pathlib import Path

import pytest

from tagifai.errors import TagifaiError
from tagifai.text import languages
from tagifai.text.languages import (
    SNOWBALL,
    find_language,
    has_stemmer,
    list_languages,
    recorded_language,
    stem_function,
    stopwords_of,
)

FOLDER = Path(languages.__file__).parent


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("de", "german"), ("German", "german"), (" GERMAN ", "german"), ("deu", "german"),
        ("ger", "german"), ("de-AT", "german"), ("pt_BR", "portuguese"), ("zh-Hans", "chinese"),
        ("zh", "chinese"), ("ja", "japanese"), ("th", "thai"), ("lo", "lao"), ("km", "khmer"),
        ("my", "burmese"), ("nb", "norwegian"), ("nn", "norwegian"), ("sl", "slovene"),
        ("Slovenian", "slovene"), ("farsi", "persian"), ("uk", "ukrainian"), ("he", "hebrew"),
        ("mul", "multilingual"), ("bokma\u030al", "norwegian"), ("luba-katanga", "luba-katanga"),
    ],
)  # fmt: skip
def test_names_and_codes(given, name):
    assert find_language(given) == name
    assert find_language(name) == name


@pytest.mark.parametrize("given", ["", "xx", "germ an", "klingon", "-", "../german", "de\0"])
def test_an_unknown_language_is_refused_by_name(given):
    with pytest.raises(TagifaiError, match=r"^unknown language .*allowed: arabic, azerbaijani, b"):
        find_language(given)


def test_the_nearest_is_named():
    with pytest.raises(TagifaiError, match="unknown language 'Deutch': did you mean 'dutch'"):
        find_language("Deutch")
    with pytest.raises(TagifaiError, match="did you mean 'ukrainian'"):
        find_language("ukranian")


def test_each_name_and_code_means_one_language():
    rows = (FOLDER / "languages.txt").read_text("utf-8").split("\n")[:-1]
    names = [name for row in rows for name in dict.fromkeys(row.split(";"))]
    assert len(names) == len(set(names))
    assert len(rows) == len(list_languages()) > 180


def test_a_version_without_a_language_reads_english():
    assert recorded_language({"stem": True}) == "english"
    assert recorded_language({"language": "de"}) == "german"
    with pytest.raises(TagifaiError, match="unknown language '3'"):
        recorded_language({"language": 3})


def test_stopwords():
    assert len(stopwords_of("english")) == 198
    assert {"don't", "ain", "mustn't", "she'd", "yourselves"} < set(stopwords_of("en"))
    assert {"das", "und", "für", "über"} < set(stopwords_of("german"))
    assert {"için", "çünkü", "değil"} & set(stopwords_of("tr")) >= {"için", "çünkü"}
    assert {"的", "我们"} < set(stopwords_of("zh"))
    assert stopwords_of("japanese") == stopwords_of("multilingual") == ()


def test_every_list_of_stopwords_is_clean():
    files = sorted((FOLDER / "stopwords").glob("*.txt"))
    assert len(files) == 29
    for file in files:
        assert find_language(file.stem) == file.stem
        words = stopwords_of(file.stem)
        assert len(words) == len(set(words)) > 50
        for word in words:
            assert word == unicodedata.normalize("NFC", word) == word.strip() == word.lower()
            assert word


def test_stemmers():
    assert [one for one in list_languages() if has_stemmer(one)] == sorted(("english", *SNOWBALL))
    assert stem_function("thai") is None
    assert stem_function("english")("Running") == "Run"
    assert stem_function("de")("Häuser") == "haus"


@pytest.mark.parametrize("language", ["english", *SNOWBALL])
def test_a_stem_does_not_depend_on_the_words_before(language):
    words = [*stopwords_of(language), *stopwords_of("english")]
    stem = stem_function(language)
    first = {word: stem(word) for word in words}
    random.Random(3).shuffle(words)
    assert {word: stem(word) for word in words} == first
