import pytest

from tagifai.data.known_names import name_key


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("commentText", "comment_text"), ("Comment Text", "comment_text"), ("TAGS", "tags"),
        (" label.name ", "label_name"), ("identity-hate", "identity_hate"), ("ID", "id"),
    ],
)  # fmt: skip
def test_names_of_columns_are_compared_without_their_style(name, key):
    assert name_key(name) == key
