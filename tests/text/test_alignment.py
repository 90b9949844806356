import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagifai.data import load_dataset
from tagifai.text.alignment import PlacedWord, place_words
from tagifai.text.preprocessing import preprocess_text

TEXTS = st.text(
    st.sampled_from("aBcİßΣς'’-._/:@ \t\n\u00a0\u200dאب\u0661é́\U0001d4b3\ud800<&$\x00\x1c")
    | st.sampled_from("ÁÏ̈̃ﬁﷺＡｶﾞ\u00ad\u200b机器学习，のラルภาษาမြန်😀🏽🇩🇪हिन्दीـ각")
    | st.characters(),
    max_size=60,
)
SNIPPETS = st.lists(
    st.sampled_from(
        ["don't", "DON’T", "https://a.b/c?d=e", "www.x.y", "self-attention", "The", "of", "BERT's"]
    )
    | TEXTS,
    max_size=8,
).map(" ".join)


@settings(max_examples=150, deadline=None)
@given(
    text=SNIPPETS,
    lower=st.booleans(),
    stem=st.booleans(),
    stopwords=st.booleans(),
    filters=st.sampled_from([None, "", "x*", "[aeiou]", "  ", r"\b", "-|n", r"\p{S}"]),
    language=st.sampled_from(["english", "turkish", "german", "chinese", "arabic"]),
    normalize=st.booleans(),
)
def test_tokens_are_those_of_preprocessing(
    text, lower, stem, stopwords, filters, language, normalize
):
    chosen = {} if filters is None else {"filters": filters}
    chosen |= {"lower": lower, "stem": stem, "language": language, "normalize": normalize}
    words = place_words(text, stopwords=stopwords, **chosen)
    expected = preprocess_text(text, stopwords=None if stopwords else (), **chosen)
    assert [word.token for word in words] == expected.split()
    for edges in ([word.start for word in words], [word.stop for word in words]):
        assert edges == sorted(edges)
        assert all(0 <= edge <= len(text) for edge in edges)
    assert all(word.start < word.stop for word in words)


@pytest.mark.parametrize(
    ("text", "placed"),
    [
        ("Don't miss BERT's heads", ["miss", "BERT", "heads"]),
        ("see https://a.b/c_d, then U-Net", ["see", "U", "Net"]),
        ("İSTANBUL graphs", ["İSTANBUL", "graphs"]),
        ("A\u0308rzte und o\u0308ffnen", ["A\u0308rzte", "und", "o\u0308ffnen"]),
        ("ﬁne-tuning ＢＥＲＴ", ["ﬁne", "tuning", "ＢＥＲＴ"]),
        ("so\u00adft\u200b, wo\u200brds", ["so\u00adft", "wo\u200brds"]),
        ("机器学习，用BERT模型。", ["机器", "学习", "用", "BERT", "模型"]),
        ("ニューラルネットワークを", ["ニューラル", "ネットワーク", "を"]),
        ("ภาษาไทย love❤\ufe0f🇩🇪", ["ภาษา", "ไทย", "love", "❤", "🇩🇪"]),
        ("हिन्दी में।", ["हिन्दी", "में"]),
        ("인공\u1100\u1161", ["인공\u1100\u1161"]),
        ("ﷺ x", ["ﷺ"] * 4 + ["x"]),
        ("state-of-the-art", ["state", "art"]),
        ("رؤية computer", ["رؤية", "computer"]),
        ("x\x00w\u2028z", ["x\x00w", "z"]),
        ("", []),
        ("of the and", []),
    ],
)
def test_places_in_the_text_as_typed(text, placed):
    assert [text[w.start : w.stop] for w in place_words(text)] == placed


def test_a_stem_stands_where_its_word_does():
    text = "Reading Graph Embeddings"
    words = place_words(text, lower=False, stem=True)
    assert [(w.token, text[w.start : w.stop]) for w in words] == [
        ("Read", "Reading"),
        ("Graph", "Graph"),
        ("Embed", "Embeddings"),
    ]


def test_places_with_a_language():
    text = "Die Häuser in KIRIKKALE"
    found = place_words(text, stem=True, language="german")
    assert [(w.token, text[w.start : w.stop]) for w in found] == [
        ("haus", "Häuser"), ("kirikkal", "KIRIKKALE"),
    ]  # fmt: skip
    assert place_words("ve KIŞ", language="turkish") == [PlacedWord("kış", 3, 6)]


@pytest.mark.realdata
def test_places_on_every_real_project(real_data):
    for project in load_dataset(real_data).projects:
        words = place_words(project.text)
        assert " ".join(w.token for w in words) == preprocess_text(project.text)
        typed = [project.text[w.start : w.stop] for w in words]
        assert [preprocess_text(one, stopwords=()) for one in typed] == [w.token for w in words]
