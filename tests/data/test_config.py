import re

import pytest

from tagifai.data.config import DataConfig, load_config
from tagifai.errors import TagifaiError


def test_without_a_file_nothing_is_excluded_and_untagged_projects_are_negatives(tmp_path):
    assert load_config(tmp_path) == DataConfig((), "negative", "english", None, "weighted f1")


def test_what_the_file_says_is_read(tmp_path):
    (tmp_path / "data.toml").write_text(
        'excluded = ["r ", "python", "r"]\nuntagged = "unlabelled"\nlanguage = "german"\n'
        'primary = "macro recall"\n'
    )
    assert load_config(tmp_path) == DataConfig(
        ("r", "python"), "unlabelled", "german", None, "macro recall"
    )


@pytest.mark.parametrize("language", ["de", "German", "deu", "de-AT"])
def test_a_language_is_kept_by_its_name(tmp_path, language):
    (tmp_path / "data.toml").write_text(f'language = "{language}"\n')
    assert load_config(tmp_path).language == "german"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("excluded = [", "not TOML: "),
        ('exclude = ["r"]', "unknown key 'exclude'; allowed: excluded, untagged, language"),
        ('primary = "f1"', "primary: Input should be 'weighted f1', 'weighted precision', "),
        ('untagged = "none"', "untagged: Input should be 'negative' or 'unlabelled', got 'none'"),
        ('excluded = "r"', "excluded: Input should be a valid list, got 'r'"),
        ('excluded = ["r", " "]', "excluded: a blank tag; each tag needs a name"),
        ('language = "germn"', "unknown language 'germn': did you mean 'german'? allowed: arabic"),
        ('language = ""', "language: String should have at least 1 character"),
        ("excluded = [1]", "excluded.0: Input should be a valid string, got 1"),
    ],
)
def test_a_mistake_is_told_with_file_and_key(tmp_path, content, told):
    (tmp_path / "data.toml").write_text(content)
    where = re.escape(str(tmp_path / "data.toml"))
    with pytest.raises(TagifaiError, match=f"{where}.*{re.escape(told)}"):
        load_config(tmp_path)
