import pytest

from tagifai.behavioral.phrasing import mentions, misspellings, misspelt_names, sentence, spoken


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("computer-vision", "computer vision"),
        ("pre-training", "pre-training"),
        ("scikit-learn", "scikit-learn"),
        ("model_based", "model based"),
        ("nlp", "NLP"),
        ("r", "R"),
        ("3d", "3d"),
        ("self-driving cars", "self-driving cars"),
    ],
)
def test_spoken(name, said):
    assert spoken(name) == said


def test_every_kind_of_slip_and_no_other():
    dropped = {"kras", "keas", "kers"}
    doubled = {"keeras", "kerras", "keraas"}
    beside = {"kwras", "krras", "keeas", "ketas", "kerss"}
    swapped = {"kreas", "kears"}
    assert set(misspellings("keras")) == dropped | doubled | beside | swapped


@pytest.mark.parametrize("word", ["", "r", "lstm", "3d-mesh", "seq2seq"])
def test_no_slip_in_short_words_and_numbers(word):
    assert misspellings(word) == ()


def test_one_word_of_a_name_is_misspelt():
    forms = misspelt_names("graph nets")
    assert forms == tuple(f"{slip} nets" for slip in misspellings("graph"))


def test_no_slip_makes_another_name():
    assert "gaph" in misspelt_names("graph")
    assert "gaph" not in misspelt_names("graph", taken=["Gaph"])


def test_sentence_begins_with_a_capital_letter():
    assert sentence("{} and {}.", "graphs", "GANs") == "Graphs and GANs."


@pytest.mark.parametrize(
    ("text", "names", "expected"),
    [
        ("Code for graphs.", ["graphs"], True),
        ("Code for Self-Attention.", ["self attention"], True),
        ("Code for graphs.", ["graph", "raph", "code graphs"], False),
        ("Code for graphs.", ["", "?"], False),
    ],
)
def test_mentions(text, names, expected):
    assert mentions(text, names) is expected
