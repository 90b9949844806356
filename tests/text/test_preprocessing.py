import os
import pickle
import random
import re
import threading
from functools import cache
from pathlib import Path

import pytest
from nltk.stem import PorterStemmer

from tagifai.data import load_projects
from tagifai.errors import TagifaiError
from tagifai.text.preprocessing import FILTERS, LINKS, STOPWORDS, TextPreprocessor, preprocess_text

REAL = Path(
    os.environ.get("TAGIFAI_REALDATA")
    or Path(__file__).parents[3] / "shared" / "datasets" / "madewithml"
)


def straightforward(text, lower=True, stem=False, filters=FILTERS, stopwords=STOPWORDS):
    """What preprocess_text promises, each step in turn over the whole text."""
    if lower:
        text = text.lower()
    text = re.compile(LINKS, re.IGNORECASE).sub(" ", text)
    compound = [word for word in stopwords if word.strip() and not re.fullmatch(r"\w+", word)]
    if compound:
        escaped = [
            r"\s+".join(re.escape(part).replace("'", "['\u2019]") for part in word.split())
            for word in sorted(compound, key=len, reverse=True)
        ]
        pattern = re.compile(r"(?<!\w)(?:" + "|".join(escaped) + r")(?!\w)", re.IGNORECASE)
        text = pattern.sub(" ", text)
    if filters:
        text = re.compile(filters).sub(" ", text)
    plain = [word for word in stopwords if re.fullmatch(r"\w+", word)]
    if plain:
        text = re.compile(r"\b(?:" + "|".join(plain) + r")\b", re.IGNORECASE).sub(" ", text)
    text = re.sub(r"\s+", " ", text).strip()
    if stem:
        text = " ".join(porter_stem(word) for word in text.split())
    return text


@cache
def porter_stem(word):
    return PorterStemmer().stem(word, to_lowercase=False)


@pytest.fixture(scope="module")
def real_texts():
    if not (REAL / "projects.json").is_file():
        pytest.skip("no Made With ML projects: set TAGIFAI_REALDATA to their folder")
    return [project.text for project in load_projects(REAL / "projects.json")]


def test_default_text_of_the_page():
    text = "Conditional generation using Variational Autoencoders."
    assert preprocess_text(text) == "conditional generation using variational autoencoders"
    assert preprocess_text(text, stem=True) == "condit gener use variat autoencod"


@pytest.mark.parametrize(
    "link", ["https://github.com/a/b", "HTTP://a.b/?q=x_y-z", "www.site.org/a"]
)
def test_link_goes_whole_before_punctuation(link):
    assert preprocess_text(f"see {link} today") == "see today"
    assert preprocess_text(f"Code ({link}).") == "code"
    assert preprocess_text(f'a [paper]({link}) <a href="{link}">read</a>') == "paper href read"


def test_word_that_only_ends_like_a_link_stays():
    assert preprocess_text("awww.cute") == "awww cute"


def test_characters_that_join_words_become_spaces():
    text = "encoder/decoder snake_case self-attention [graph](nets) a\u2013b “quoted” x…y"
    assert preprocess_text(text, stopwords=()) == (
        "encoder decoder snake case self attention graph nets a b quoted x y"
    )


def test_letters_of_every_script_and_emoji_stay():
    assert preprocess_text("Übung हिन्दी 画像! 🤗.") == "übung हिन्दी 画像 🤗"


def test_stopwords_go_whatever_their_case():
    assert preprocess_text("You and I SAW The Graph", lower=False) == "SAW Graph"


def test_stopwords_with_an_apostrophe():
    text = "Don't stop: they\u2019ll see, you SHOULD'VE won't"
    assert preprocess_text(text) == "stop see"
    assert preprocess_text("don't panic", stopwords=["don't"]) == "panic"
    assert preprocess_text("don't panic", stopwords=["don"]) == "t panic"


def test_stopword_is_never_part_of_a_word():
    assert preprocess_text("theory bather _the_ the") == "theory bather"


def test_stopwords_are_no_pattern():
    assert preprocess_text("c++ abc a.c", stopwords=["a.c", "c++"]) == "abc"
    assert preprocess_text("a(b state of  the art", stopwords=["(", "of the", " ", ""]) == (
        "a b state art"
    )


def test_any_iterable_of_stopwords():
    for words in (["graph"], ("graph",), {"graph"}, iter(["graph"]), dict.fromkeys(["graph"])):
        assert preprocess_text("the graph net", stopwords=words) == "the net"


def test_stopwords_without_filters():
    assert preprocess_text("The net, the cat.", filters="", stopwords=["the"]) == "net, cat."


def test_stemming_keeps_case():
    assert preprocess_text("Generated Networks RUNNING", lower=False, stem=True) == (
        "Gener Network RUNNING"
    )


def test_own_filter():
    assert preprocess_text("r2d2 v10", filters="[0-9]+", stopwords=()) == "r d v"
    assert preprocess_text("a b c", filters=r"b\s", stopwords=()) == "a c"


def test_nothing_left():
    assert preprocess_text("") == ""
    assert preprocess_text(" \t\n ") == ""
    assert preprocess_text("the … and!") == ""


@pytest.mark.parametrize("filters", ["(", "[a", "*a", "(?P<n>", "a{99999999999}", "(?<=a+)b"])
def test_bad_filter_is_named(filters):
    with pytest.raises(TagifaiError, match=r"^filters: .* is no regular expression: ") as caught:
        preprocess_text("a", filters=filters)
    assert repr(filters) in str(caught.value)
    with pytest.raises(TagifaiError):
        TextPreprocessor(filters=filters)


def test_bad_stopwords():
    with pytest.raises(TagifaiError, match=r"a list of words is needed.* got one string 'the of'"):
        preprocess_text("a", stopwords="the of")
    with pytest.raises(TagifaiError, match="strings are needed, got 3"):
        preprocess_text("a", stopwords=["the", 3])


def test_stopwords_are_nltks_list():
    assert len(STOPWORDS) == len(set(STOPWORDS)) == 198
    assert {"don't", "ain", "mustn't", "she'd", "yourselves"} < set(STOPWORDS)


def test_preprocessor_is_the_function_with_settled_arguments():
    arguments = {"lower": False, "stem": True, "filters": "[.]", "stopwords": ["of"]}
    call = TextPreprocessor(**arguments)
    assert call("Walks Of Graphs.") == preprocess_text("Walks Of Graphs.", **arguments)
    again = pickle.loads(pickle.dumps(call))
    assert again == call
    assert hash(again) == hash(call)
    assert again("Walks Of Graphs.") == "Walk Graph"
    assert call != TextPreprocessor()


SETTINGS = [
    {},
    {"lower": False},
    {"stem": True},
    {"lower": False, "stem": True},
    {"stopwords": ()},
    {"filters": ""},
    {"filters": "[^a-z]+", "stem": True},
    {"filters": r"\s\w", "stopwords": ("machine learning", "rock'n'roll", "c++", "don", "the")},
    {"stopwords": ("of the", "state-of-the-art", "n't", "'s", "s")},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=repr)
def test_equals_the_straightforward_form_on_awkward_texts(settings):
    rng = random.Random(7)
    pieces = re.split(
        " ",
        "the The DON'T don\u2019t s t' rock'n'roll c++ of \u017f \u212a ΟΔΟΣ İ é e\u0301 \u200d 🤗"
        " \udc80 \x00 \x1f \u00a0 _ - / . http://a.b/c www.x.y <b> \" ' a b state-of-the-art",
    )
    for _ in range(600):
        text = "".join(rng.choice(pieces) + rng.choice(["", " ", "\n"]) for _ in range(8))
        assert preprocess_text(text, **settings) == straightforward(text, **settings), repr(text)


@pytest.mark.long
@pytest.mark.realdata
@pytest.mark.parametrize(
    ("settings", "step"),
    [({}, 1), ({"lower": False, "stem": True}, 1), *((more, 8) for more in SETTINGS[1:])],
    ids=repr,
)
def test_equals_the_straightforward_form_on_real_texts(real_texts, settings, step):
    assert len(real_texts) == 2032
    texts = real_texts[::step]
    got = [preprocess_text(text, **settings).encode() for text in texts]
    assert got == [straightforward(text, **settings).encode() for text in texts]


def test_many_threads_get_the_same_answers():
    texts = [f"The graphs {number} don't embed words{number % 97}" for number in range(2000)]
    expected = [straightforward(text, stem=True) for text in texts]
    answers = {}

    def work(name):
        answers[name] = [preprocess_text(text, stem=True) for text in texts]

    threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(answers[name] == expected for name in range(8))


def test_more_words_than_are_remembered():
    text = " ".join(f"word{number}" for number in range(40_000))
    assert preprocess_text(text) == text
