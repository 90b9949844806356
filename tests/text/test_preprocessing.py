import os
import pickle
import random
import re
import threading
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagifai.data import load_projects
from tagifai.errors import TagifaiError
from tagifai.text.languages import stem_function
from tagifai.text.preprocessing import (
    FILTERS,
    OLD_FILTERS,
    TextPreprocessor,
    preprocess_text,
    preprocessing_steps,
)

REAL = Path(
    os.environ.get("TAGIFAI_REALDATA")
    or Path(__file__).parents[3] / "shared" / "datasets" / "madewithml"
)


def straightforward(text, lower=True, stem=False, filters=FILTERS, stopwords=None, language="en"):
    """What preprocess_text promises, each step in turn over the whole text, nothing remembered."""
    steps = preprocessing_steps(
        lower=lower, filters=filters, stopwords=stopwords, language=language
    )
    for step in steps:
        text = step(text) if step.pattern is None else step.pattern.sub(step.replace, text)
    if stem:
        return " ".join(filter(None, map(stem_function(language), text.split())))
    return " ".join(text.split())


@pytest.fixture(scope="module")
def real_texts():
    if not (REAL / "projects.json").is_file():
        pytest.skip("no Made With ML projects: set TAGIFAI_REALDATA to their folder")
    return [project.text for project in load_projects(REAL / "projects.json")]


def test_plain_english():
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
    {"filters": OLD_FILTERS},
    {"language": "turkish"},
    {"language": "german", "stem": True},
    {"language": "chinese", "lower": False},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=repr)
def test_equals_the_straightforward_form_on_awkward_texts(settings):
    rng = random.Random(7)
    pieces = re.split(
        " ",
        "the The DON'T don\u2019t s t' rock'n'roll c++ of \u017f \u212a ΟΔΟΣ İ é e\u0301 \u200d 🤗"
        " \udc80 \x00 \x1f \u00a0 _ - / . http://a.b/c www.x.y <b> \" ' a b state-of-the-art"
        " \u0308 \u200b \u00ad ﬁ ﷺ 机器 学习， 。 の ภาษา है ा I ı ß Der und 的 😀 ❤\ufe0f \u200d 각"
        " ᄀ ᅡ http://甲.乙 １ ™ ½ ² ـ",
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


@pytest.mark.parametrize(
    ("language", "text", "words"),
    [
        ("german", "Die Ärzte öffnen das Büro: schöne Grüße!", "ärzte öffnen büro schöne grüße"),
        ("de", "„Daß“ und «dass» – beides", "beides"),
        ("french", "L’œuvre d'art n'est pas à vendre…", "œuvre art vendre"),
        ("fr", "Où êtes-vous ? J'ai déjà mangé", "où déjà mangé"),
        ("turkish", "İSTANBUL'da IŞIK ve çok ILIK bir ırmak", "istanbul ışık ılık bir ırmak"),
        ("russian", "Это не пример, а «твой» текст — Ёлка!", "это пример твой текст ёлка"),
        ("arabic", "السَّلامُ عَلَيْكُم، ما هذا الكتاب؟", "السَّلامُ عَلَيْكُم الكتاب"),
        ("hindi", "हिन्दी में लिखा है। क्या यह ठीक है?", "हिन्दी में लिखा है क्या यह ठीक है"),
        ("chinese", "我们使用深度学习，训练神经网络。", "深度 学习 训练 神经 网络"),
        ("zh-Hant", "機器學習模型：「分類」文本", "機器 學習 模型 分類 文本"),
        ("japanese", "言語処理、ニューラルネットを", "言語 処理 ニューラル ネット を"),
        ("thai", "ภาษาไทยเป็นภาษาที่สวยงาม", "ภาษา ไทย เป็น ภาษา ที่ สวยงาม"),
        ("lao", "ພາສາລາວເປັນພາສາທາງການ", "ພາສາ ລາວ ເປັນ ພາສາ ທາງການ"),
        ("khmer", "ភាសាខ្មែរជាភាសាផ្លូវការ។", "ភាសាខ្មែរ ជា ភាសាផ្លូវការ"),
        ("burmese", "မြန်မာနိုင်ငံ၏ စကားဖြစ်သည်။", "မြန်မာနိုင်ငံ စကား ဖြစ်သည်"),
        ("greek", "Ο ΟΔΟΣ; «Η τέχνη» του λόγου·", "οδος τέχνη λόγου"),
        ("hebrew", "שָׁלוֹם, זה ספר טוב?", "שָׁלוֹם ספר טוב"),
        ("korean", "기계 학습은 재미있다!", "기계 학습은 재미있다"),
        ("multilingual", "The und der: und", "the und der und"),
    ],
)  # fmt: skip
def test_languages(language, text, words):
    assert preprocess_text(text, language=language) == words
    assert preprocess_text(unicodedata.normalize("NFD", text), language=language) == words


@pytest.mark.parametrize(
    ("language", "text", "stems"),
    [
        ("german", "Die Bücher der Käufer", "buch kauf"),
        ("french", "Les généralisations continuelles", "généralis continuel"),
        ("russian", "Большие города России", "больш город росс"),
        ("arabic", "المكتبات العربية", "مكتب عرب"),
        ("spanish", "bibliotecas cantando", "bibliotec cant"),
        ("english", "Generalizations of Libraries", "gener librari"),
        ("turkish", "kitaplar", "kitaplar"),
        ("chinese", "神经网络", "神经 网络"),
    ],
)
def test_stems_follow_the_language(language, text, stems):
    assert preprocess_text(text, language=language, stem=True) == stems


def test_a_text_of_several_scripts_is_split_by_script_whatever_its_language():
    text = "用PyTorch训练BERT模型2024年、3D印刷とAIの使い方"
    words = "用 pytorch 训练 bert 模型 2024 年 3d 印刷 と ai の 使い方"
    assert preprocess_text(text) == preprocess_text(text, language="german") == words
    # The Chinese list leaves out 用 as well.
    assert preprocess_text(text, language="chinese") == words.removeprefix("用 ")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ﬁne-tuning of eﬃcient ﬂows, ﬆyle", "fine tuning efficient flows style"),
        ("ＢＥＲＴ　１２３，ｶﾞｲﾄﾞ", "bert 123 ガイド"),
        ("𝐁𝐨𝐥𝐝 𝒾𝓉𝒶𝓁𝒾𝒸 ℝ Ⅷ", "bold italic r viii"),
        ("ﺍﻟﺴﻼﻡ ﷲ", "السلام الله"),
        ("كـــتاب", "كتاب"),
        ("x² + H₂O = ½ ① ㎡", "x² h₂o ½ ①"),
        ("so\u00adft wo\u200brd jo\u200din \ufeffmark 1\u00a0000", "soft word join mark 1 000"),
        ("ภา\u200bษา", "ภา ษา"),
        ("İstanbul I\u0307stanbul ISTANBUL", "istanbul istanbul istanbul"),
        ("c++ c# a_b", "c c b"),
        ("™ © € ₿ → ≈ ★ • ° ¶ § ‰ ፡ ። ؛ ؟ ، । ॥ 、 《》 「」 ～ ・ ¿ ¡ ‐ ⁂", ""),
    ],
)
def test_characters(text, words):
    assert preprocess_text(text) == words


def test_emoji_are_words_of_their_own():
    text = "I love it😀!! ❤️ 👩‍💻🇩🇪🇫🇷 👍🏽👍 ☀ 1️⃣"
    assert preprocess_text(text).split() == [
        "love", "😀", "❤", "👩‍💻", "🇩🇪", "🇫🇷", "👍🏽", "👍", "☀", "1⃣",
    ]  # fmt: skip


def test_a_mark_belongs_to_its_letter():
    # "है" is a word and "हैं" another; "a" is a stopword, and no part of a decomposed "à".
    assert preprocess_text("हैं है", stopwords=["है"]) == "हैं"
    assert preprocess_text("a\u0300 a", normalize=True) == "à"
    assert preprocess_text("x\u030a x", stopwords=["x"]) == "x\u030a"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("请看https://a.b/c?d=e，谢谢", "请看 谢谢"),
        ("请看www.example.com/学习。好", "请看 学习 好"),
        ("ดูที่https://a.bครับ", "ดู ที่ ครับ"),
        ("(http://a.b/c_(d)) e", "e"),
    ],
)
def test_a_link_ends_where_a_script_without_spaces_begins(text, words):
    assert preprocess_text(text) == words


def test_stopwords_are_written_as_texts_are():
    words = ["cafe\u0301", "ﬁrst", "Für"]
    assert preprocess_text("Café first für FÜR fu\u0308r x", stopwords=words) == "x"


def test_filters_may_name_classes_of_characters():
    assert preprocess_text("a1 b２ c٣ d", filters=r"\p{Nd}", stopwords=()) == "a b c d"
    assert preprocess_text("c++, c#!", filters=r"(?![+#])[\p{P}\p{S}]", stopwords=()) == "c++ c#"
    with pytest.raises(TagifaiError, match=r"unknown class \\p{…} 'Latin'.*allowed: Emoji, M"):
        preprocess_text("a", filters=r"\p{Latin}")
    with pytest.raises(TagifaiError, match=r"'\(\\\\p\{P\}' is no .*: missing \), untermin"):
        preprocess_text("a", filters=r"(\p{P}")


def test_unknown_language_is_named():
    told = "unknown language 'germn': did you mean 'german'. allowed: arabic, azerbaijani"
    with pytest.raises(TagifaiError, match=told):
        preprocess_text("a", language="germn")


def test_as_before_there_was_a_normal_form():
    def read(text):
        return preprocess_text(text, filters=OLD_FILTERS, normalize=False)

    assert read("Ärzte A\u0308rzte: Self-Attention™ 机器学习，x") == (
        "ärzte \u0308rzte self attention™ 机器学习，x"
    )
    assert read("İstanbul https://a.b/c，d good😀") == "\u0307stanbul good😀"


ANY_SCRIPT = st.lists(
    st.text(
        st.sampled_from("aÁ̈bİIıßΣςü’'.,-:/#+_1２² \n\u00a0\u00ad\u200b\u200d\ufe0fﬁﷺـअहिन्दीाمحمد،؟")
        | st.sampled_from("机器学习，。のラルネ日本ภาษาไทยລາວភាសាမြန်မာ각각😀❤👩💻🏽🇩🇪™→\ud800\x00")
        | st.characters(),
        max_size=12,
    )
    | st.sampled_from(["don't", "https://a.b/c", "www.x.y", "Der", "und", "The", "的", "我们"]),
    max_size=8,
).map("".join)
LANGUAGES = st.sampled_from(["english", "german", "turkish", "chinese", "thai", "catalan"])


@settings(max_examples=300, deadline=None)
@given(text=ANY_SCRIPT, language=LANGUAGES, lower=st.booleans())
def test_what_is_remembered_changes_nothing(text, language, lower):
    expected = straightforward(text, language=language, lower=lower)
    assert preprocess_text(text, language=language, lower=lower) == expected
    assert preprocess_text(text, language=language, lower=lower) == expected


@settings(max_examples=300, deadline=None)
@given(text=ANY_SCRIPT, language=LANGUAGES)
def test_composed_and_decomposed_texts_read_alike(text, language):
    composed, decomposed = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    assert preprocess_text(composed, language=language) == (
        preprocess_text(decomposed, language=language)
    )


@settings(max_examples=300, deadline=None)
@given(text=ANY_SCRIPT, language=LANGUAGES)
def test_words_are_in_normal_form_and_without_punctuation(text, language):
    words = preprocess_text(text, language=language)
    assert unicodedata.is_normalized("NFC", words)
    assert not [char for char in words if unicodedata.category(char)[0] == "P"]
    assert words == " ".join(words.split())


@settings(max_examples=300, deadline=None)
@given(
    words=st.lists(
        st.text(
            st.sampled_from("abcäößéıİIΣ'’-，。!ﬁ한국어हिन्दीمُحَمَّد\u00ad"), min_size=1, max_size=9
        ),
        max_size=6,
    ),
    language=LANGUAGES,
)
def test_preprocessing_again_changes_nothing(words, language):
    once = preprocess_text(" ".join(words), language=language)
    assert preprocess_text(once, language=language) == once
