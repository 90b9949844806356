import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagifai.text.segmentation import find_words, space_words, unspaced_pattern


def spaced(text):
    return unspaced_pattern().sub(space_words, text)


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ("机器学习模型可以对文本进行分类", "机器 学习 模型 可以 对 文本 进行 分类"),
        ("機器學習模型可以對文本進行分類", "機器 學習 模型 可以 對 文本 進行 分類"),
        ("今日はいい天気です", "今日 は いい 天気 です"),
        ("การเรียนรู้ของเครื่อง", "การ เรียน รู้ ของ เครื่อง"),
        ("ພາສາລາວເປັນພາສາທາງການ", "ພາສາ ລາວ ເປັນ ພາສາ ທາງການ"),
        ("ភាសាខ្មែរជាភាសាផ្លូវការ", "ភាសាខ្មែរ ជា ភាសាផ្លូវការ"),
        ("မြန်မာနိုင်ငံ", "မြန်မာနိုင်ငံ"),
        ("𠮷野家", "𠮷 野家"),
    ],
)
def test_words_of_scripts_without_spaces(run, words):
    assert find_words(run) == words.split()


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ("ニューラルネットワーク", "ニューラル ネットワーク"),
        ("ディープラーニングモデル", "ディープラーニング モデル"),
        ("トランスフォーマー", "トランス フォーマー"),
        ("コンピューター", "コンピューター"),
        ("ラジオ", "ラジオ"),
    ],
)
def test_a_foreign_word_in_katakana_is_not_cut_into_single_characters(run, words):
    assert find_words(run) == words.split()


@pytest.mark.parametrize("run", ["ᨣᩤᩴᨾᩮᩬᩥᨦ", "ᦺᦑᦟᦹᧉ", "ᥖᥭᥰᥖᥬᥳᥑᥨᥒᥰ", "ꪼꪕꪒꪾ", "ꦧꦱꦗꦮ", "ᬩᬲᬩᬮᬶ"])
def test_without_a_dictionary_characters_are_words(run):
    words = find_words(run)
    assert "".join(words) == run
    assert len(words) > 2
    # A mark stays with its letter.
    assert not [word for word in words if unicodedata.category(word[0])[0] == "M"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("用PyTorch训练BERT模型2024年", "用 PyTorch 训练 BERT 模型 2024 年"),
        ("分类，文本", "分类，文本"),
        ("« 文本 »", "« 文本 »"),
        ("ภาษา(ไทย)", "ภาษา(ไทย)"),
        ("good😀😀day", "good 😀  😀 day"),
        ("👩‍💻🇩🇪👍🏽", " 👩‍💻  🇩🇪  👍🏽 "),
        ("한국어 文章", "한국어 文章"),
        ("plain text", "plain text"),
    ],
)
def test_spaces_come_in_beside_other_words_alone(text, words):
    assert spaced(text) == words


@settings(max_examples=300, deadline=None)
@given(
    st.text(
        st.sampled_from("机器学习のラルネッ日本ภาษาไทยລາວភាសាမြန်မာ😀❤👩🏽🇩🇪")
        | st.characters(min_codepoint=0xE00, max_codepoint=0x1AFF)
        | st.characters(min_codepoint=0x2E80, max_codepoint=0x9FFF)
        | st.characters(),
        max_size=40,
    )
)
def test_nothing_but_spaces_comes_in(text):
    assert spaced(text).replace(" ", "") == text.replace(" ", "")
