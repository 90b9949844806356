import gzip
import json
from pathlib import Path

import pyarrow
import pyarrow.parquet as parquet
import pytest

from tagifai.data.csv_files import Dialect
from tagifai.data.records import read_records
from tagifai.errors import TagifaiError

ROWS = [{"id": "1", "text": "a,b"}, {"id": "2", "text": 'say "é"'}]
CSV = 'id,text\n1,"a,b"\n2,"say ""é"""\n'


def packed(text: str) -> bytes:
    return gzip.compress(text.encode(), mtime=0)


LINES = "\n".join(map(json.dumps, ROWS))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", json.dumps(ROWS).encode()),
        ("a.json.gz", packed(json.dumps(ROWS))),
        ("a.jsonl", LINES.encode()),
        ("a.ndjson", f"\n{LINES}\r\n \n\n".encode()),
        ("A.JSONL.GZ", packed(LINES)),
        ("a.csv", CSV.encode()),
        ("a.csv", b"\xef\xbb\xbf" + CSV.replace("\n", "\r\n").encode()),
        ("a.csv", ("\n" + CSV.replace("\n", "\n\n ,\n") + "  \n\n").encode()),
        ("a.csv", b"\xef\xbb\xbf" * 2 + CSV.replace("id,", " id ,").encode()),
        ("a.csv.gz", packed(CSV)),
        ("a.tsv", 'id\ttext\n1\ta,b\n2\t"say ""é"""\n'.encode()),
        ("a.tab", 'id\ttext\n1\t"a,b"\n2\t"say ""é"""'.encode()),
    ],
)
def test_each_kind_of_file_reads_the_same(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert list(read_records(path)) == [(1, ROWS[0]), (2, ROWS[1])]


@pytest.mark.parametrize(
    ("dialect", "content"),
    [
        (Dialect(delimiter=";"), 'id;text\n1;a,b\n2;"say ""é"""\n'.encode()),
        (Dialect(encoding="cp1252"), CSV.encode("cp1252")),
        (Dialect(encoding="utf-16"), CSV.encode("utf-16")),
        (Dialect(quoting="backslash"), 'id,text\n1,"a,b"\n2,"say \\"é\\""\n'.encode()),
        (Dialect(delimiter="|", quoting="none"), 'id|text\n1|a,b\n2|say "é"\n'.encode()),
        (Dialect(header=("id", "text")), '1,"a,b"\n2,"say ""é"""\n'.encode()),
    ],
)
def test_a_dialect_says_how_csv_is_written(
    tmp_path: Path, dialect: Dialect, content: bytes
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    assert list(read_records(path, dialect)) == [(1, ROWS[0]), (2, ROWS[1])]


def test_parquet_keeps_types_and_reads_every_kind_of_list(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    text, lists = pyarrow.string(), [["x", "y"], ["z", "x"]]
    table = pyarrow.table(
        {
            "one": pyarrow.array([1, 2]),
            "list": pyarrow.array(lists, pyarrow.list_(text)),
            "large": pyarrow.array(lists, pyarrow.large_list(text)),
            "fixed": pyarrow.array(lists, pyarrow.list_(text, 2)),
            "coded": pyarrow.array(["a", None]).dictionary_encode(),
        }
    )
    parquet.write_table(table, path)
    same = {"list": ["x", "y"], "large": ["x", "y"], "fixed": ["x", "y"]}
    assert list(read_records(path)) == [
        (1, {"one": 1, **same, "coded": "a"}),
        (2, {"one": 2, **{key: ["z", "x"] for key in same}, "coded": None}),
    ]


def test_many_rows_are_streamed(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": 1}\n' * 3000 + "{")
    rows = read_records(path)
    assert [next(rows)[0] for _ in range(3000)][-1] == 3000
    with pytest.raises(TagifaiError, match=r"not JSON: .* \(line 3001, column 2\)"):
        next(rows)


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.jsonl", "a.jsonl.gz", "a.json.gz"])
def test_no_more_is_unpacked_than_allowed(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    text = "id\n" + "1\n" * 5000 if "csv" in name else json.dumps(list(range(5000)))
    path.write_bytes(packed(text) if name.endswith(".gz") else text.encode())
    assert len(list(read_records(path, max_bytes=len(text)))) >= 1
    with pytest.raises(TagifaiError, match=r"a\.\S+: more than 4,000 bytes; no more are read"):
        list(read_records(path, max_bytes=4000))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "empty; a header that names the columns is needed"),
        ("a.csv", b"\n \n\n", "empty; a header that names the columns is needed"),
        ("a.csv", b"a,b,c,b\n", "a column's name comes twice: columns 2 and 4 are both called 'b'"),
        ("a.csv", b"a,b\n1,2\n\n1,2,3\n", "row 2: 3 cells under 2 columns (a, b)"),
        ("a.csv", b"a,b\n1,2\n3\n", "row 2: 1 cells under 2 columns (a, b)"),
        ("a.csv", b'a,b\n1,"2\n', "line 2: not CSV: a quote that opens is never closed"),
        (
            "a.csv",
            b'a\n"' + b"x\n" * 600_000,
            "line 500002: not CSV: a cell of more than 1,000,000 characters; "
            "is a quote left open before it?",
        ),
        ("a.csv", b'a,b\n1,"2"3\n', "line 2: not CSV: ',' expected after '\"'"),
        ("a.csv", b"a,b\n1,caf\xe9\n", "not UTF-8 text (byte 10, line 2)"),
        ("a.jsonl", b'{"a": "\xc3\xa9"}\n{"a": "\xe9"}\n', "not UTF-8 text (byte 20, line 2)"),
        ("a.json", b'["\xc3', "not UTF-8 text (it ends in the middle of a character)"),
        ("a.csv.gz", b"a,b\n", "not a whole gzip file (Not a gzipped file (b'a,'))"),
        ("a.parquet", b"", "not Parquet: "),
        ("a.xlsx", b"", "unknown kind of file; allowed: .json, .jsonl, .ndjson, .csv, .tsv, "),
        ("a.parquet.gz", b"", "unknown kind of file; allowed: "),
    ],
)
def test_what_cannot_be_read_is_named(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(TagifaiError) as caught:
        list(read_records(path))
    assert str(caught.value).startswith(f"{path}: {message}")


def test_a_cut_gzip_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(packed(CSV * 500)[:60])
    with pytest.raises(TagifaiError, match=r"not a whole gzip file \(Compressed file ended"):
        list(read_records(path))


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(TagifaiError, match=r"a\.csv: cannot be read \(No such file"):
        list(read_records(tmp_path / "a.csv"))
    (tmp_path / "b.csv").mkdir()
    with pytest.raises(TagifaiError, match=r"b\.csv: cannot be read \(Is a directory"):
        list(read_records(tmp_path / "b.csv"))


def test_two_parquet_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    columns = [pyarrow.array([1]), pyarrow.array([2])]
    parquet.write_table(pyarrow.Table.from_arrays(columns, ["a", "a"]), path)
    with pytest.raises(
        TagifaiError, match="a column's name comes twice: columns 1 and 2 are both called 'a'"
    ):
        list(read_records(path))
