from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from tagifai.data.columns import Columns
from tagifai.data.row_fields import RowFields, plain, read_fields
from tagifai.errors import TagifaiError


def test_fields_of_a_row():
    columns = Columns(id="key", title="none", text="text", tags=("tag",), separator="none")
    row = {
        "key": 7.0, "text": None, "tag": "x", "id": 3, "title": "T", "at": datetime(2020, 2, 20),
        "raw": b"\0", "split": "test",
    }  # fmt: skip
    fields = read_fields(row, columns, 1, "here")
    assert fields.to_record() == {
        "id": 7.0, "title": "", "description": "", "tags": ["x"], "original_id": 3,
        "original_title": "T", "at": "2020-02-20T00:00:00", "original_split": "test",
    }  # fmt: skip
    row = {"key": "k", "text": 1917, "tag": "x"}
    assert read_fields(row, columns, 1, "here", split="val").to_record() == {
        "id": "k", "title": "", "description": "1917", "tags": ["x"], "split": "val",
    }  # fmt: skip
    with pytest.raises(TagifaiError, match=r"^here, key: no such column; the row has text, tag$"):
        read_fields({"text": "", "tag": ""}, columns, 1, "here")
    with pytest.raises(TagifaiError, match=r"^here, text: text is needed, got \['a'\]$"):
        read_fields({"key": "k", "text": ["a"], "tag": ""}, columns, 1, "here")


def test_values_as_json_has_them():
    value = {1: (date(2020, 1, 2), Decimal("1.50"), timedelta(hours=1), float("inf"), True, 10**30)}
    assert plain(value) == {"1": ["2020-01-02", "1.50", "1:00:00", None, True, 10**30]}
    with pytest.raises(TypeError):
        plain([b"x"])


def test_tags_of_several_columns_come_once_each():
    columns = Columns(id="none", title="none", text="t", tags=("a", "b"), separator=";")
    row = {"t": "T", "a": "x; y", "b": "y; z"}
    assert read_fields(row, columns, 9, "here") == RowFields("9", "", "T", ["x", "y", "z"], "", {})


def test_columns_of_0_and_1_are_tags_unless_nobody_decided():
    columns = Columns(id="none", title="none", text="t", one_hot=("x", "y"), unlabelled="whole")
    assert read_fields({"t": "T", "x": 1, "y": "0"}, columns, 1, "here").tags == ["x"]
    assert read_fields({"t": "T", "x": -1, "y": -1}, columns, 1, "here") is None
    with pytest.raises(TagifaiError, match=r"^here, y: a blank cell, so nobody decided: "):
        read_fields({"t": "T", "x": 1, "y": ""}, columns, 1, "here")
    with pytest.raises(TagifaiError, match=r"^here, x: 0 or 1 is needed, got 'a'$"):
        read_fields({"t": "T", "x": "a", "y": ""}, columns, 1, "here")
    with pytest.raises(TagifaiError, match=r"^here, y: no such column; the row has t, x$"):
        read_fields({"t": "T", "x": 1}, columns, 1, "here")


def test_the_split_of_the_row_comes_before_that_of_the_file():
    columns = Columns(id="none", title="none", text="t", tags=("a",), split="fold")
    row = {"t": "T", "a": "x", "fold": "dev"}
    assert read_fields(row, columns, 1, "here", split="train").split == "val"
    assert read_fields({**row, "fold": ""}, columns, 1, "here", split="train").split == ""
    with pytest.raises(TagifaiError, match=r"^here, fold: 'x' is not a split"):
        read_fields({**row, "fold": "x"}, columns, 1, "here")
