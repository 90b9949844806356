import pytest

from tagifai.errors import TagifaiError
from tagifai.services.data import DataService
from tagifai.services.preprocessing import PreprocessingService


def test_a_visitors_text_is_preprocessed_as_asked(small_data):
    preprocess = PreprocessingService(DataService(small_data)).preprocess
    text = "See https://example.org/x: The MODELS"
    assert preprocess(text, True, True, "[:]", "the") == "see model"
    assert preprocess(text, False, False, "", "") == "See The MODELS"
    with pytest.raises(TagifaiError, match="no regular expression"):
        preprocess(text, True, False, "(", "")


def test_the_language_is_the_datas_unless_another_is_named(small_data):
    preprocess = PreprocessingService(DataService(small_data)).preprocess
    assert preprocess("the cats und die Katzen", True, False, "") == "cats und die katzen"
    assert preprocess("the cats und die Katzen", True, False, "", None, "german") == (
        "the cats katzen"
    )
