from pathlib import Path

import pytest
from pydantic import BaseModel

from tagifai.data.validation import Label, Text, check_row, replace_surrogates, validate_row
from tagifai.errors import TagifaiError


class Row(BaseModel):
    tag: Label
    note: Text = ""


def test_only_lone_surrogates_are_replaced():
    text = "plain é"
    assert replace_surrogates(text) is text
    assert replace_surrogates("a\ud800b") == "a?b"


def test_a_row_is_validated():
    assert validate_row(Path("a.json"), 1, {"tag": "a\udfff"}, Row) == Row(tag="a?")


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ([1], r"^here: an object is needed, got \[1\]$"),
        ({}, "^here, label: Field required$"),
        ({"tag": 7}, "^here, label: Input should be a valid string, got 7$"),
        ({"tag": ""}, "^here, label: String should have at least 1 character, got ''$"),
        ({"tag": "a", "note": None}, "^here, note: Input should be a valid string, got None$"),
    ],
)
def test_what_is_wrong_is_named_as_the_file_calls_it(record, message):
    with pytest.raises(TagifaiError, match=message):
        check_row("here", record, Row, {"tag": "label"})
