import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagifai.data import load_dataset
from tagifai.text.alignment import place_words
from tagifai.text.preprocessing import STOPWORDS, preprocess_text

TEXTS = st.text(
    st.sampled_from("aBcİßΣς'’-._/:@ \t\n\u00a0\u200dאب\u0661é́\U0001d4b3\ud800<&$\x00\x1c")
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
    filters=st.sampled_from([None, "", "x*", "[aeiou]", "  ", r"\b", "-|n"]),
)
def test_tokens_are_those_of_preprocessing(text, lower, stem, stopwords, filters):
    chosen = {} if filters is None else {"filters": filters}
    words = place_words(text, lower=lower, stem=stem, stopwords=stopwords, **chosen)
    expected = preprocess_text(
        text, lower=lower, stem=stem, stopwords=STOPWORDS if stopwords else (), **chosen
    )
    assert [word.token for word in words] == expected.split()
    edges = [edge for word in words for edge in (word.start, word.stop)]
    assert all(word.start < word.stop for word in words)
    assert edges == sorted(edges) or "İ" in text
    assert all(0 <= edge <= len(text) for edge in edges)


@pytest.mark.parametrize(
    ("text", "placed"),
    [
        ("Don't miss BERT's heads", ["miss", "BERT", "heads"]),
        ("see https://a.b/c_d, then U-Net", ["see", "U", "Net"]),
        ("İSTANBUL graphs", ["İSTANBUL", "graphs"]),
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


@pytest.mark.realdata
def test_places_on_every_real_project(real_data):
    for project in load_dataset(real_data).projects:
        words = place_words(project.text)
        assert " ".join(w.token for w in words) == preprocess_text(project.text)
        assert [project.text[w.start : w.stop].lower() for w in words] == [w.token for w in words]
