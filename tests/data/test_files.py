from pathlib import Path

import pytest

from tagifai.data.files import kind_of, open_bytes, open_text, readable, stamp_file
from tagifai.errors import TagifaiError
from tagifai.limits import Limit


def test_the_kind_of_a_file_is_told_by_its_name():
    assert (kind_of(Path("x.TAB.GZ")), kind_of(Path("v1.2.jsonl"))) == ("tsv", "jsonl")
    with pytest.raises(TagifaiError, match=r"a\.parquet\.gz: unknown kind of file"):
        kind_of(Path("a.parquet.gz"))


def test_a_file_that_changes_has_another_stamp(tmp_path):
    path = tmp_path / "a.txt"
    assert stamp_file(path) is None
    path.write_text("1")
    first = stamp_file(path)
    assert first == stamp_file(path)
    path.write_text("12")
    assert stamp_file(path) != first


def test_no_more_is_read_than_is_allowed(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"12345")
    with open_bytes(path, 5) as file:
        assert file.read() == b"12345"
    limit = Limit("max_file", 4)
    with (
        open_bytes(path, limit) as file,
        pytest.raises(TagifaiError, match=r"more than 4 \(.*--max-file.*\) bytes; no more"),
    ):
        file.read()


def test_text_of_another_encoding_is_named(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("one\ntwo é three".encode("latin-1"))
    with (
        pytest.raises(TagifaiError, match=r"not UTF-8 text \(byte 9, line 2\)"),
        readable(path),
        open_text(path, "utf-8") as file,
    ):
        file.read()
